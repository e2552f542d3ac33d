import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Chain, startChain } from '../chain/chain.js'
import { type PaidApi, startPaidApi } from '../chain/server.js'
import { type Books, FUNDS, readBooks } from './books.js'
import { checkDelivered, checkNow, Findings } from './checks.js'
import { finish } from './finish.js'
import { bundlePayer, type Ended, type Running, startPayer } from './job.js'
import { type Dice, diceFor } from './random.js'
import type { Purchase, Scenario } from './scenario.js'
import { type Fault, startWire, type Wire } from './wire.js'

export interface CampaignOptions {
  readonly kills: number
  readonly seed: number
  /** After so long no further scenario is begun. */
  readonly seconds: number
  /** Scenarios that are played at the same time; each has two or three payers. */
  readonly atOnce: number
}

/** What a campaign came to. */
export interface Tally {
  readonly kills: number
  /** Of these: at a step, at a random moment, after having stalled past the end of a lease. */
  readonly step: number
  readonly moment: number
  readonly stall: number
  readonly survivors: number
  readonly scenarios: number
  readonly purchases: number
  readonly deliveries: number
  readonly transfers: number
  readonly checks: number
  readonly faults: ReadonlyMap<Fault, number>
  readonly seconds: number
  /** Broken promises. Empty is what the campaign is for. */
  readonly broken: readonly string[]
}

const PURCHASES = 7
const EPOCHS = 4
/** A dead process's lease, and a little. */
const LEASE_MS = 31_000
/** A payment has sixteen; a purchase that was already made has fewer. */
const STEPS_OF_A_PAYMENT = 9
const LONGEST_LIFE_MS = 15_000
const LONGEST_DELAY_MS = 60
const LONGEST_STALL_MS = 3_000
/** What a process has left once it wakes up. */
const AFTERLIFE_MS = 1_000
const WAYS_TO_DIE = ['step', 'moment'] as const
const WAYS = ['step', 'step', 'moment', 'moment', 'stall'] as const
type Way = (typeof WAYS)[number]
/** Long enough for a request that the wire delivers late. */
const VALIDITY_MS = 8_000
/** Time for a final block beyond it. */
const PAST_VALIDITY_MS = VALIDITY_MS + 4_000
const BUDGETS = ['0.08', '0.12', '0.2', '0.5'] as const
/** Where a lane is free, the chain itself forbids a second charge. Elsewhere only proof does. */
const LANES = [0, 1, 4] as const
const ROUTES = [
  '/paid',
  '/paid',
  '/paid',
  '/sponsored',
  '/sponsored',
  '/sponsored',
  '/push',
  '/zero',
] as const

interface Stage {
  readonly chain: Chain
  readonly api: PaidApi
  readonly wire: Wire
  readonly folder: string
  readonly payer: string
  readonly options: CampaignOptions
  readonly findings: Findings
  readonly count: { kills: number; survivors: number } & Record<Way, number>
}

/** Kills payers until so many were killed; then every ledger is recovered and compared with the chain. */
export async function runCampaign(options: CampaignOptions): Promise<Tally> {
  const started = performance.now()
  const chain = await startChain()
  const api = await startPaidApi({ chain })
  const wire = await startWire(api.origin, options.seed)
  const folder = await mkdtemp(join(tmpdir(), 'purser-campaign-'))
  const payer = await bundlePayer()
  const count = { kills: 0, survivors: 0, step: 0, moment: 0, stall: 0 }
  const stage: Stage = { chain, api, wire, folder, payer, options, findings: new Findings(), count }
  try {
    const finals = await played(stage)
    return {
      ...count,
      scenarios: finals.length,
      purchases: finals.length * PURCHASES,
      transfers: finals.reduce((sum, { transfers }) => sum + transfers.length, 0),
      deliveries: stage.findings.deliveries,
      checks: stage.findings.checks,
      faults: wire.faults,
      seconds: (performance.now() - started) / 1000,
      broken: stage.findings.broken,
    }
  } finally {
    await wire.close()
    await api.close()
    await chain.stop()
    await rm(folder, { recursive: true, force: true })
    await rm(payer, { force: true })
  }
}

/** Scenarios one after another on each of a few tracks; their ends wait beside the next ones. */
async function played(stage: Stage): Promise<readonly Books[]> {
  const { kills, seconds } = stage.options
  const deadline = performance.now() + seconds * 1000
  const finals: Promise<Books>[] = []
  let next = 0
  const track = async (): Promise<void> => {
    while (stage.count.kills < kills && performance.now() < deadline) {
      const scenario = await prepare(stage, next++)
      const stalled: Promise<void>[] = []
      for (let epoch = 0; epoch < EPOCHS; epoch++) stalled.push(...(await play(stage, scenario, epoch)))
      await Promise.all(stalled)
      const { chain, wire, findings } = stage
      const end = async (): Promise<Books> => {
        await sleep(PAST_VALIDITY_MS)
        wire.mend(scenario.name)
        return finish(chain, scenario, EPOCHS * LEASE_MS, findings)
      }
      finals.push(end())
    }
  }
  await Promise.all(Array.from({ length: stage.options.atOnce }, track))
  return Promise.all(finals)
}

async function prepare({ chain, wire, folder, options }: Stage, index: number): Promise<Scenario> {
  const dice = diceFor(options.seed, 'scenario', index)
  const name = `s${index}`
  const { key: account, address } = await chain.account(FUNDS)
  const purchases = Array.from({ length: PURCHASES }, (_, n): Purchase => {
    const key = `${name}-${n}`
    const route = dice.pick(ROUTES)
    return { key, route, path: `${route}?n=${key}` }
  })
  const ledger = join(folder, `${name}.db`)
  const owner = {
    account,
    address,
    ledger,
    origin: wire.origin,
    validityMs: VALIDITY_MS,
    lanes: dice.pick(LANES),
  }
  return { ...owner, name, limit: dice.pick(BUDGETS), purchases }
}

/** Two or three processes on one ledger and one account, buying overlapping things; dead in the end, or stalled. */
async function play(stage: Stage, scenario: Scenario, epoch: number): Promise<readonly Promise<void>[]> {
  const dice = diceFor(stage.options.seed, 'epoch', scenario.name, epoch)
  const lives = Array.from({ length: 2 + dice.below(2) }, () => startLife(stage, scenario, epoch, dice))
  const stalled = lives.filter(({ stalls }) => stalls)
  await Promise.all(lives.filter(({ stalls }) => !stalls).map(({ over }) => over))
  await Promise.all(stalled.map(({ told }) => told))
  return stalled.map(({ over }) => over)
}

interface Life {
  readonly stalls: boolean
  /** Resolves when it is stalled, or over. */
  readonly told: Promise<unknown>
  readonly over: Promise<void>
}

/**
 * It dies at a step; or at a random moment, from outside; or it stalls, as when a lid is shut, sleeps through the end
 * of its lease, and goes on while its successor already recovers what it was doing.
 */
function startLife(stage: Stage, scenario: Scenario, epoch: number, dice: Dice): Life {
  const calls = dice.some(scenario.purchases, 1 + dice.below(4))
  const way = epoch < EPOCHS - 1 ? dice.pick(WAYS) : dice.pick(WAYS_TO_DIE)
  const step = 1 + dice.below(STEPS_OF_A_PAYMENT * calls.length)
  const delay = dice.below(way === 'stall' ? LONGEST_STALL_MS : LONGEST_DELAY_MS)
  const { account, ledger, origin, limit, validityMs, lanes } = scenario
  const when = way === 'step' ? { killAt: step, tellAt: 0 } : { killAt: 0, tellAt: step }
  const job = { account, ledger, origin, limit, validityMs, lanes, calls, ...when }
  const running = startPayer(stage.payer, {
    ...job,
    reconcile: dice.chance(0.3),
    ahead: epoch * LEASE_MS,
    chain: stage.chain.id,
    rpc: stage.chain.url,
  })
  const told = Promise.race([running.told, running.ended])
  const end = setTimeout(() => running.kill(), LONGEST_LIFE_MS)
  // From outside and a little later: in the middle of a step, of a write, of an answer.
  if (way === 'moment') void told.then(() => setTimeout(() => running.kill(), delay))
  if (way === 'stall') void told.then(() => stall(running, delay))
  const over = running.ended.then((ended) => {
    clearTimeout(end)
    return judge(stage, scenario, way, ended)
  })
  return { stalls: way === 'stall', told, over }
}

async function stall(running: Running, pause: number): Promise<void> {
  running.stop()
  await sleep(pause)
  running.resume()
  await sleep(AFTERLIFE_MS)
  running.kill()
}

async function judge(
  { chain, findings, count }: Stage,
  scenario: Scenario,
  way: Way,
  ended: Ended,
): Promise<void> {
  if (ended.code === 'killed') {
    count.kills++
    count[way]++
  } else count.survivors++
  const books = await readBooks(chain, scenario)
  checkNow(scenario, books, findings)
  checkDelivered(scenario, books, ended.delivered, findings)
}

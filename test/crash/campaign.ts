import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Chain, startChain } from '../chain/chain.js'
import { type PaidApi, startPaidApi } from '../chain/server.js'
import { type Books, FUNDS, readBooks } from './books.js'
import { checkDelivered, checkNow, Findings } from './checks.js'
import { finish } from './finish.js'
import { bundlePayer, type Ended, startPayer } from './job.js'
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
  readonly atSteps: number
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
const STEPS_OF_A_PAYMENT = 16
const LONGEST_LIFE_MS = 15_000
const LONGEST_DELAY_MS = 60
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
  readonly count: { kills: number; atSteps: number; survivors: number }
}

/** Kills payers until so many were killed; then every ledger is recovered and compared with the chain. */
export async function runCampaign(options: CampaignOptions): Promise<Tally> {
  const started = performance.now()
  const chain = await startChain()
  const api = await startPaidApi({ chain })
  const wire = await startWire(api.origin, options.seed)
  const folder = await mkdtemp(join(tmpdir(), 'purser-campaign-'))
  const payer = await bundlePayer()
  const count = { kills: 0, atSteps: 0, survivors: 0 }
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
      for (let epoch = 0; epoch < EPOCHS; epoch++) await play(stage, scenario, epoch)
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

/** Two or three processes on one ledger and one account, buying overlapping things, all dead in the end. */
async function play(stage: Stage, scenario: Scenario, epoch: number): Promise<void> {
  const dice = diceFor(stage.options.seed, 'epoch', scenario.name, epoch)
  const payers = Array.from({ length: 2 + dice.below(2) }, () => oneLife(stage, scenario, epoch, dice))
  await Promise.all(payers)
}

async function oneLife(stage: Stage, scenario: Scenario, epoch: number, dice: Dice): Promise<void> {
  const { chain, payer, findings, count } = stage
  const calls = dice.some(scenario.purchases, 1 + dice.below(4))
  const atStep = dice.chance(0.5)
  const step = 1 + dice.below(STEPS_OF_A_PAYMENT * calls.length)
  const delay = dice.below(LONGEST_DELAY_MS)
  const { account, ledger, origin, limit, validityMs, lanes } = scenario
  const when = { killAt: atStep ? step : 0, tellAt: atStep ? 0 : step, reconcile: dice.chance(0.3) }
  const job = { account, ledger, origin, limit, validityMs, lanes, calls, ...when, ahead: epoch * LEASE_MS }
  const running = startPayer(payer, { ...job, chain: chain.id, rpc: chain.url })
  const end = setTimeout(() => running.kill(), LONGEST_LIFE_MS)
  // From outside and a little later: in the middle of a step, of a write, of an answer.
  if (!atStep) void running.told.then(() => setTimeout(() => running.kill(), delay))
  const ended: Ended = await running.ended
  clearTimeout(end)
  if (ended.code === 'killed') {
    count.kills++
    if (atStep) count.atSteps++
  } else count.survivors++
  const books = await readBooks(chain, scenario)
  checkNow(scenario, books, findings)
  checkDelivered(scenario, books, ended.delivered, findings)
}

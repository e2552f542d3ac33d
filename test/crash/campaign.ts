import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { startChain } from '../chain/chain.js'
import { startPaidApi } from '../chain/server.js'
import { type Books, FUNDS, UNITS_PER_PART } from './books.js'
import { Findings } from './checks.js'
import { finish } from './finish.js'
import { bundlePayer } from './job.js'
import { type Deaths, EPOCHS, LEASE_MS, playEpoch, type Stage } from './lives.js'
import { Machine } from './machine.js'
import { diceFor } from './random.js'
import type { Purchase, Scenario } from './scenario.js'
import { Slots } from './slots.js'
import { type Fault, startWire } from './wire.js'

export interface CampaignOptions {
  readonly kills: number
  readonly cuts: number
  readonly seed: number
  /** After so long no further scenario is begun. */
  readonly seconds: number
  /** Scenarios that are played at the same time; each has two or three payers. */
  readonly atOnce: number
  /** Payers that may run at the same time, in all scenarios. */
  readonly victims: number
}

/** What a campaign came to. */
export interface Tally {
  readonly kills: number
  /** Of these: at a step, shortly after one from outside, after having stalled past the end of a lease. */
  readonly step: number
  readonly moment: number
  readonly stall: number
  /** How often the power of a machine was cut, and how many processes died of it. */
  readonly cut: number
  readonly lost: number
  /** Where they were when it began: the steps of a payment, and how many of each kind died there. */
  readonly steps: ReadonlyMap<string, Deaths>
  readonly survivors: number
  readonly scenarios: number
  readonly purchases: number
  readonly deliveries: number
  readonly transfers: number
  /** In smallest parts of the token: what left the accounts, and what the ledgers count. */
  readonly left: bigint
  readonly counted: bigint
  readonly promises: Findings['promises']
  readonly faults: ReadonlyMap<Fault, number>
  readonly seconds: number
  /** Broken promises. Empty is what the campaign is for. */
  readonly broken: readonly string[]
}

const PURCHASES = 9
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

/** Kills payers and cuts the power until both were done so often; then every ledger is recovered and compared with the chain. */
export async function runCampaign(options: CampaignOptions): Promise<Tally> {
  const started = performance.now()
  const chain = await startChain()
  const api = await startPaidApi({ chain })
  const wire = await startWire(api.origin, options.seed)
  const folder = await mkdtemp(join(tmpdir(), 'purser-campaign-'))
  const payer = await bundlePayer()
  const count = { kills: 0, survivors: 0, lost: 0, step: 0, moment: 0, stall: 0, cut: 0 }
  const steps = new Map<string, Deaths>()
  const findings = new Findings()
  const slots = new Slots(options.victims)
  const { seed } = options
  const stage: Stage = { chain, wire, folder, payer, seed, findings, count, steps, slots }
  try {
    const finals = await played(stage, options)
    return {
      ...count,
      steps,
      scenarios: finals.length,
      purchases: finals.length * PURCHASES,
      transfers: finals.reduce((sum, { transfers }) => sum + transfers.length, 0),
      left: finals.reduce((sum, { left }) => sum + left, 0n),
      counted: finals.reduce((sum, { units }) => sum + units, 0n) / UNITS_PER_PART,
      deliveries: findings.deliveries,
      promises: findings.promises,
      faults: wire.faults,
      seconds: (performance.now() - started) / 1000,
      broken: findings.broken,
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
async function played(stage: Stage, options: CampaignOptions): Promise<readonly Books[]> {
  const { kills, cuts, seconds } = options
  const { count } = stage
  const deadline = performance.now() + seconds * 1000
  const finals: Promise<Books>[] = []
  let next = 0
  const track = async (): Promise<void> => {
    while ((count.kills < kills || count.cut < cuts) && performance.now() < deadline) {
      const scenario = await prepare(stage, next++)
      const machine = new Machine(scenario)
      const stalled: Promise<void>[] = []
      for (let epoch = 0; epoch < EPOCHS; epoch++) stalled.push(...(await playEpoch(stage, machine, epoch)))
      await Promise.all(stalled)
      const { chain, wire, findings } = stage
      const end = async (): Promise<Books> => {
        await sleep(PAST_VALIDITY_MS)
        wire.mend(scenario.name)
        const books = await finish(chain, machine.scenario, EPOCHS * LEASE_MS, findings)
        machine.close()
        return books
      }
      finals.push(end())
    }
  }
  await Promise.all(Array.from({ length: options.atOnce }, track))
  return Promise.all(finals)
}

async function prepare({ chain, wire, folder, seed }: Stage, index: number): Promise<Scenario> {
  const dice = diceFor(seed, 'scenario', index)
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

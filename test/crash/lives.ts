import { setTimeout as sleep } from 'node:timers/promises'
import type { Chain } from '../chain/chain.js'
import { readBooks } from './books.js'
import { checkDelivered, checkNow, type Findings } from './checks.js'
import { type Ended, type Running, startPayer } from './job.js'
import { type Dice, diceFor } from './random.js'
import type { Scenario } from './scenario.js'
import type { Slots } from './slots.js'
import type { Wire } from './wire.js'
import type { Job } from './words.js'

/** Lives of a scenario that follow each other: each successor starts when the lease of the dead has run out. */
export const EPOCHS = 4
/** A dead process's lease, and a little. The successors' clocks are ahead by it, so that nobody waits. */
export const LEASE_MS = 31_000
/** A payment has sixteen; a purchase that was already made, or was refused, has fewer. */
const STEPS_OF_A_PAYMENT = 13
const LONGEST_LIFE_MS = 15_000
const LONGEST_DELAY_MS = 60
const LONGEST_STALL_MS = 3_000
/** What a process has left once it wakes up. */
const AFTERLIFE_MS = 1_000
const WAYS_TO_DIE = ['step', 'moment'] as const
const WAYS = ['step', 'step', 'moment', 'moment', 'stall'] as const
type Way = (typeof WAYS)[number]

/** How many died there, by the way they died. */
export type Deaths = Record<Way, number>

/** What all scenarios share. */
export interface Stage {
  readonly chain: Chain
  readonly wire: Wire
  readonly folder: string
  readonly payer: string
  readonly seed: number
  readonly findings: Findings
  readonly count: { kills: number; survivors: number } & Deaths
  readonly steps: Map<string, Deaths>
  readonly slots: Slots
}

/** What one process will do, and how it will end. */
interface Fate {
  readonly way: Way
  /** From the word that it is there to the kill, or from the stall to the awakening. */
  readonly delay: number
  readonly job: Job
}

/**
 * Two or three processes on one ledger and one account, buying overlapping things; dead in the end, or stalled. The
 * ends of those that stalled are not waited for.
 */
export async function playEpoch(
  stage: Stage,
  scenario: Scenario,
  epoch: number,
): Promise<readonly Promise<void>[]> {
  const dice = diceFor(stage.seed, 'epoch', scenario.name, epoch)
  const fates = Array.from({ length: 2 + dice.below(2) }, () => fateOf(stage, scenario, epoch, dice))
  const lives = fates.map((fate) => startLife(stage, scenario, fate))
  await Promise.all(lives.map(({ over, told }, at) => (fates[at]?.way === 'stall' ? told : over)))
  return lives.map(({ over }) => over)
}

/**
 * It dies at a step; or at a random moment, from outside; or it stalls, as when a lid is shut, sleeps through the end
 * of its lease, and goes on while its successor already recovers what it was doing.
 */
function fateOf({ chain }: Stage, scenario: Scenario, epoch: number, dice: Dice): Fate {
  const calls = dice.some(scenario.purchases, 1 + dice.below(4))
  const way = epoch < EPOCHS - 1 ? dice.pick(WAYS) : dice.pick(WAYS_TO_DIE)
  const step = 1 + dice.below(STEPS_OF_A_PAYMENT * calls.length)
  const delay = dice.below(way === 'stall' ? LONGEST_STALL_MS : LONGEST_DELAY_MS)
  const { account, ledger, origin, limit, validityMs, lanes } = scenario
  const when = way === 'step' ? { killAt: step, tellAt: 0 } : { killAt: 0, tellAt: step }
  const place = { chain: chain.id, rpc: chain.url, ahead: epoch * LEASE_MS }
  const own = { account, ledger, origin, limit, validityMs, lanes, calls, reconcile: dice.chance(0.3) }
  return { way, delay, job: { ...own, ...when, ...place } }
}

interface Life {
  /** Resolves when it is stalled, or over. */
  readonly told: Promise<unknown>
  readonly over: Promise<void>
}

function startLife(stage: Stage, scenario: Scenario, fate: Fate): Life {
  const born = stage.slots.enter().then((leave) => ({ leave, running: startPayer(stage.payer, fate.job) }))
  return {
    told: born.then(({ running }) => Promise.race([running.told, running.ended])),
    over: born.then(async ({ leave, running }) => {
      const ended = await lifeOf(stage, fate, running, leave)
      await judge(stage, scenario, fate, ended)
    }),
  }
}

async function lifeOf({ slots }: Stage, fate: Fate, running: Running, leave: () => void): Promise<Ended> {
  const end = setTimeout(() => running.kill(), LONGEST_LIFE_MS)
  const told = Promise.race([running.told, running.ended])
  // From outside and a little later: in the middle of a step, of a write, of an answer.
  if (fate.way === 'moment') void told.then(() => setTimeout(() => running.kill(), fate.delay))
  if (fate.way === 'stall')
    void told.then(async () => {
      running.stop()
      // While it is stopped it takes nobody's room.
      leave()
      await sleep(fate.delay)
      await awake(running, await slots.enter())
    })
  const ended = await running.ended
  clearTimeout(end)
  leave()
  return ended
}

async function awake(running: Running, leave: () => void): Promise<void> {
  running.resume()
  await Promise.race([sleep(AFTERLIFE_MS), running.ended])
  running.kill()
  leave()
}

async function judge(
  { chain, findings, count, steps }: Stage,
  scenario: Scenario,
  { way }: Fate,
  ended: Ended,
): Promise<void> {
  if (ended.code === 'killed') {
    count.kills++
    count[way]++
    const step = ended.at ?? 'at another moment'
    const deaths = steps.get(step) ?? { step: 0, moment: 0, stall: 0 }
    deaths[way]++
    steps.set(step, deaths)
  } else count.survivors++
  const books = await readBooks(chain, scenario)
  checkNow(scenario, books, findings)
  checkDelivered(scenario, books, ended.delivered, findings)
}

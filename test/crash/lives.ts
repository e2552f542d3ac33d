import { setTimeout as sleep } from 'node:timers/promises'
import type { Chain } from '../chain/chain.js'
import { readBooks } from './books.js'
import { checkCounted, checkDelivered, checkNow, type Findings } from './checks.js'
import { type Ended, type Running, startPayer } from './job.js'
import type { Machine } from './machine.js'
import { type Dice, diceFor } from './random.js'
import type { Slots } from './slots.js'
import type { Wire } from './wire.js'
import type { Job } from './words.js'

/** Lives of a scenario that follow each other: each successor starts when the lease of the dead has run out. */
export const EPOCHS = 6
/** A dead process's lease, and a little. The successors' clocks are ahead by it, so that nobody waits. */
export const LEASE_MS = 31_000
/** How many epochs end in a power cut. Each of those is one, and each of the others about two kills. */
const CUTS = 2 / 3
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

/** How many died there, by the way they died; `cut`: how often the power went while a process was there. */
export type Deaths = Record<Way | 'cut', number>

/** What all scenarios share. */
export interface Stage {
  readonly chain: Chain
  readonly wire: Wire
  readonly folder: string
  readonly payer: string
  readonly seed: number
  readonly findings: Findings
  /** `lost`: processes that died in a power cut. */
  readonly count: { kills: number; survivors: number; lost: number } & Deaths
  readonly steps: Map<string, Deaths>
  readonly slots: Slots
}

/** What one process will do, and how it will end. */
interface Fate {
  readonly way: Way | 'cut'
  /** From the word that it is there to the kill, or from the stall to the awakening. */
  readonly delay: number
  readonly job: Job
}

/**
 * Two or three processes on one ledger and one account, buying overlapping things; dead in the end, or stalled. The
 * ends of those that stalled are not waited for, unless the power is cut.
 */
export async function playEpoch(
  stage: Stage,
  machine: Machine,
  epoch: number,
): Promise<readonly Promise<void>[]> {
  const dice = diceFor(stage.seed, 'epoch', machine.scenario.name, epoch)
  return dice.chance(CUTS) ? playCut(stage, machine, epoch, dice) : playDeaths(stage, machine, epoch, dice)
}

async function playDeaths(
  stage: Stage,
  machine: Machine,
  epoch: number,
  dice: Dice,
): Promise<readonly Promise<void>[]> {
  const fates = Array.from({ length: 2 + dice.below(2) }, () =>
    fateOf(stage, machine, epoch, dice, epoch < EPOCHS - 1 ? dice.pick(WAYS) : dice.pick(WAYS_TO_DIE)),
  )
  const lives = fates.map((fate) => startLife(stage, machine, fate))
  await Promise.all(lives.map(({ over, told }, at) => (fates[at]?.way === 'stall' ? told : over)))
  return lives.map(({ over }) => over)
}

/** The power goes when the first of them is at a step, or shortly after; or when it has got to its end. */
async function playCut(
  stage: Stage,
  machine: Machine,
  epoch: number,
  dice: Dice,
): Promise<readonly Promise<void>[]> {
  const fates = Array.from({ length: 1 + dice.below(3) }, () => fateOf(stage, machine, epoch, dice, 'cut'))
  const atOnce = dice.chance(0.5)
  const disk = dice.chance(0.5) ? undefined : diceFor(stage.seed, 'disk', machine.scenario.name, epoch)
  const lives = fates.map(({ job, ...fate }, at) =>
    startLife(stage, machine, {
      ...fate,
      // The others neither die by themselves nor say where they are.
      job:
        at > 0 ? { ...job, killAt: 0, tellAt: 0 } : atOnce ? job : { ...job, killAt: 0, tellAt: job.killAt },
    }),
  )
  const [first] = lives
  await first?.told
  if (!atOnce) await Promise.race([sleep(fates[0]?.delay ?? 0), first?.over])
  await machine.powerCut(disk)
  stage.count.cut++
  const overs = lives.map(({ over }) => over)
  await Promise.all(overs)
  return overs
}

/**
 * It dies at a step; or at a random moment, from outside; or it stalls, as when a lid is shut, sleeps through the end
 * of its lease, and goes on while its successor already recovers what it was doing; or its machine loses power.
 */
function fateOf({ chain }: Stage, { scenario }: Machine, epoch: number, dice: Dice, way: Fate['way']): Fate {
  const calls = dice.some(scenario.purchases, 1 + dice.below(4))
  const step = 1 + dice.below(STEPS_OF_A_PAYMENT * calls.length)
  const delay = dice.below(way === 'stall' ? LONGEST_STALL_MS : LONGEST_DELAY_MS)
  const { account, ledger, origin, limit, validityMs, lanes } = scenario
  const when = way === 'step' || way === 'cut' ? { killAt: step, tellAt: 0 } : { killAt: 0, tellAt: step }
  const place = { chain: chain.id, rpc: chain.url, ahead: epoch * LEASE_MS }
  const own = { account, ledger, origin, limit, validityMs, lanes, calls, reconcile: dice.chance(0.3) }
  return { way, delay, job: { ...own, ...when, ...place } }
}

interface Life {
  /** Resolves when it is stalled, or over. */
  readonly told: Promise<unknown>
  readonly over: Promise<void>
}

function startLife(stage: Stage, machine: Machine, fate: Fate): Life {
  const before = machine.cuts
  const born = stage.slots.enter().then((leave) => {
    if (machine.cuts > before) return leave()
    const running = startPayer(stage.payer, fate.job)
    machine.runs(running)
    return { leave, running, cuts: before }
  })
  return {
    told: born.then((life) => life && Promise.race([life.running.told, life.running.ended])),
    over: born.then(async (life) => {
      if (life === undefined) return
      const ended = await lifeOf(stage, fate, life.running, life.leave)
      await judge(stage, machine, fate, life, ended)
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
  machine: Machine,
  { way }: Fate,
  { running, cuts }: { readonly running: Running; readonly cuts: number },
  ended: Ended,
): Promise<void> {
  // One that died at a step by itself took the power along.
  if (machine.wentDark(running) || (way === 'cut' && ended.code === 'killed')) {
    count.lost++
    if (ended.at !== undefined) note(steps, ended.at, 'cut')
  } else if (ended.code === 'killed' && way !== 'cut') {
    count.kills++
    count[way]++
    note(steps, ended.at ?? 'at another moment', way)
  } else count.survivors++
  const books = await machine.reading(() => readBooks(chain, machine.scenario))
  const { scenario } = machine
  checkNow(scenario, books, findings)
  if (machine.cuts > cuts) checkCounted(scenario, books, ended.delivered, findings)
  else checkDelivered(scenario, books, ended.delivered, findings)
}

function note(steps: Map<string, Deaths>, step: string, way: keyof Deaths): void {
  const deaths = steps.get(step) ?? { step: 0, moment: 0, stall: 0, cut: 0 }
  deaths[way]++
  steps.set(step, deaths)
}

import type { Instant } from '../money/index.js'

/** A wall clock that is further than this from where it should be has jumped. */
export const JUMP_MS = 300_000
/** So many independent witnesses make a jump forwards true: a lone server cannot open a window. */
const ENOUGH_WITNESSES = 2

/** What all clocks show at one moment, side by side. */
export interface ClockReadings {
  readonly wall: Instant
  /**
   * What the wall clock should show: what it showed when it was last believed, and what passed since by the monotonic
   * clock. When a ledger was just opened: the store's time, and what passed since.
   */
  readonly expected: Instant
  /** What it should show by the clock that runs on while the host sleeps; absent if there is no such clock. */
  readonly booted?: Instant | undefined
  /** The highest time in the store. */
  readonly high: Instant
  /** How far the wall clock may be behind the store, because a person accepted that. */
  readonly lag: number
  /** Is this process still to believe the wall clock for the first time? */
  readonly opening: boolean
  /** How many independent witnesses outside of this host agree with the wall clock. */
  readonly witnesses: number
}

/**
 * What became of the wall clock.
 *
 * - `steady`: it is where it should be.
 * - `slept`: it went forward by the time that the host slept, or that the ledger was closed.
 * - `vouched`: it went forward, and enough witnesses agree with it.
 * - `unvouched`: it went forward, and too few agree: payments go on, and no budget window opens.
 * - `ahead`: it went forward, and nothing agrees. Nothing is paid.
 * - `behind`: it went back. Nothing is paid.
 */
export type ClockFinding = 'steady' | 'slept' | 'vouched' | 'unvouched' | 'ahead' | 'behind'

/** The table of `docs/ledger.md`, section Time, as one function. */
export function judgeClocks(look: ClockReadings): ClockFinding {
  const { wall, expected, booted, high, lag, opening, witnesses } = look
  if (high - wall > JUMP_MS + lag) return 'behind'
  // Somebody else has written a later time to the store, and the wall clock is there too.
  if (high - expected > JUMP_MS && wall - high <= JUMP_MS) return 'steady'
  if (expected - wall > JUMP_MS) return 'behind'
  if (wall - expected <= JUMP_MS) return 'steady'
  if (booted !== undefined && Math.abs(wall - booted) <= JUMP_MS) return 'slept'
  if (witnesses >= ENOUGH_WITNESSES) return 'vouched'
  if (witnesses > 0) return 'unvouched'
  return opening || booted !== undefined ? 'ahead' : 'unvouched'
}

/** A stretch of time that passed on the wall clock alone: nobody knows whether it really did. */
export interface Unseen {
  readonly from: Instant
  readonly to: Instant
}

/** What a store remembers of the clocks. */
export interface ClockRecord {
  /** When the host was started, by the wall clock: tells a later process how much time passed. */
  readonly booted?: Instant
  /** The oldest first. */
  readonly unseen: readonly Unseen[]
  /** How often a person took the store's time back. */
  readonly lowered: number
}

export const NO_RECORD: ClockRecord = Object.freeze({ unseen: Object.freeze([]), lowered: 0 })

/** More of them than this are put together: that counts more, and never less. */
const MOST_UNSEEN = 16

/** The record with one more stretch that nobody saw. */
export function withUnseen({ unseen, ...record }: ClockRecord, last: Unseen): ClockRecord {
  const [first, second, ...others] = unseen
  const kept =
    first !== undefined && second !== undefined && unseen.length >= MOST_UNSEEN
      ? [{ from: first.from, to: second.to }, ...others]
      : unseen
  return { ...record, unseen: [...kept, last] }
}

/**
 * Where a window begins to count. A window whose beginning nobody saw was opened by the wall clock alone: it also counts
 * what was spent before, over as much time as it is long, what nobody saw left out.
 */
export function reachOf(
  window: { readonly from: Instant; readonly at: Instant; readonly resetsAt?: Instant },
  unseen: readonly Unseen[],
): Instant {
  if (!unseen.some(({ from, to }) => window.from > from && window.from <= to)) return window.from
  let left = (window.resetsAt ?? window.at) - window.from
  let start = window.from
  for (const { from, to } of unseen.toReversed()) {
    if (start <= from) continue
    const passed = Math.max(0, start - to)
    if (passed >= left) break
    left -= passed
    start = from
  }
  return start - left
}

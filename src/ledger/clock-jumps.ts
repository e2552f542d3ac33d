import type { Instant } from '../money/index.js'

/** If the wall clock differs from its expected time by more than this, it has jumped. */
export const JUMP_MS = 300_000
/** This many independent witnesses confirm a jump forwards. A single server cannot open a budget window. */
const ENOUGH_WITNESSES = 2

/** The readings of all clocks at one moment. */
export interface ClockReadings {
  readonly wall: Instant
  /**
   * The expected time of the wall clock: its last accepted time, plus the time that passed since by the monotonic
   * clock. If the ledger was just opened, it is the store's time, plus the time that passed since.
   */
  readonly expected: Instant
  /** The expected time by the clock that continues during sleep. Absent if the host has no such clock. */
  readonly booted?: Instant | undefined
  /** The highest time in the store. */
  readonly high: Instant
  /** How far the wall clock may be behind the store, because a person accepted that difference. */
  readonly lag: number
  /** Whether this process has not accepted the wall clock yet. */
  readonly opening: boolean
  /** The number of independent witnesses outside of this host that agree with the wall clock. */
  readonly witnesses: number
}

/**
 * The result of a check of the wall clock.
 *
 * - `steady`: the clock shows the expected time.
 * - `slept`: the clock went forward by the time that the host slept or the ledger was closed.
 * - `vouched`: the clock went forward, and enough witnesses agree with it.
 * - `unvouched`: the clock went forward, and too few witnesses agree with it. Payments continue, but no budget window
 *   opens.
 * - `ahead`: the clock went forward, and no witness agrees with it. Nothing is paid.
 * - `behind`: the clock went back. Nothing is paid.
 */
export type ClockFinding = 'steady' | 'slept' | 'vouched' | 'unvouched' | 'ahead' | 'behind'

/** Judges the wall clock. This function is the table in `docs/ledger.md`, section Time. */
export function judgeClocks(look: ClockReadings): ClockFinding {
  const { wall, expected, booted, high, lag, opening, witnesses } = look
  if (high - wall > JUMP_MS + lag) return 'behind'
  // // Another process has written a later time to the store, and the wall clock agrees with it.
  if (high - expected > JUMP_MS && wall - high <= JUMP_MS) return 'steady'
  if (expected - wall > JUMP_MS) return 'behind'
  if (wall - expected <= JUMP_MS) return 'steady'
  if (booted !== undefined && Math.abs(wall - booted) <= JUMP_MS) return 'slept'
  if (witnesses >= ENOUGH_WITNESSES) return 'vouched'
  if (witnesses > 0) return 'unvouched'
  return opening || booted !== undefined ? 'ahead' : 'unvouched'
}

/** A period that passed only on the wall clock. The ledger does not know whether this time really passed. */
export interface Unseen {
  readonly from: Instant
  readonly to: Instant
}

/** The data about the clocks in a store. */
export interface ClockRecord {
  /** The start time of the host, by the wall clock. A later process uses it to calculate how much time passed. */
  readonly booted?: Instant
  /** The periods that no other clock confirmed, the oldest first. */
  readonly unseen: readonly Unseen[]
  /** How many times a person lowered the store's time. */
  readonly lowered: number
}

export const NO_RECORD: ClockRecord = Object.freeze({ unseen: Object.freeze([]), lowered: 0 })

/**
 * If there are more periods than this, they are merged. A merge can increase the counted amount, but never reduces it.
 */
const MOST_UNSEEN = 16

/** Returns the record with one more unconfirmed period. */
export function withUnseen({ unseen, ...record }: ClockRecord, last: Unseen): ClockRecord {
  const [first, second, ...others] = unseen
  const kept =
    first !== undefined && second !== undefined && unseen.length >= MOST_UNSEEN
      ? [{ from: first.from, to: second.to }, ...others]
      : unseen
  return { ...record, unseen: [...kept, last] }
}

/**
 * Returns the moment from which a window counts. If the start of a window lies in an unconfirmed period, only the wall
 * clock opened the window. Such a window also counts earlier spending: it reaches back over its full length, without
 * the unconfirmed periods.
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

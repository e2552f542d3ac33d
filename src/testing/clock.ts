import type { Clock } from '../ledger/index.js'
import { type Instant, parseDuration } from '../money/index.js'

/** A time: a number of milliseconds, or a text such as `90s`, `5m`, `12h`, `30d` or `2w`. */
export type TestTime = number | string

/** A clock that stands still until a test moves it. Pass it to `createPurser` and to `memoryLedger`. */
export interface TestClock extends Clock {
  /**
   * Moves the clock forward.
   *
   * @throws TypeError for a time that is negative or cannot be read.
   */
  advance(time: TestTime): void
}

/** Monday, 5 January 2026, noon UTC: far from the end of a day, a week and a month. */
const START = Date.UTC(2026, 0, 5, 12)
const AN_HOUR = 3_600_000

/**
 * Creates a clock for tests. It starts at noon UTC of Monday, 5 January 2026, so a test never runs into midnight.
 *
 * @param start - Another start, in epoch milliseconds.
 * @example
 * ```ts
 * const clock = testClock()
 * clock.advance('1d')
 * new Date(clock.now()).toISOString() // '2026-01-06T12:00:00.000Z'
 * ```
 */
export function testClock(start: Instant = START): TestClock {
  if (!Number.isSafeInteger(start) || start < 0)
    throw new TypeError('testClock() needs a start in epoch milliseconds, for example Date.UTC(2026, 0, 5)')
  let passed = 0
  return Object.freeze<TestClock>({
    now: () => start + passed,
    monotonic: () => passed,
    booted: () => AN_HOUR + passed,
    advance(time) {
      passed += millisecondsOf(time)
    },
  })
}

function millisecondsOf(time: TestTime): number {
  const ms = typeof time === 'string' ? parseDuration(time) : time
  if (ms === undefined || !Number.isSafeInteger(ms) || ms < 0)
    throw new TypeError("advance() needs whole milliseconds, or a text such as '90s', '5m', '12h' or '30d'")
  return ms
}

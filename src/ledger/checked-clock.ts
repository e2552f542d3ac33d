import { PaymentError } from '../errors/index.js'
import type { Clock } from './clock.js'

/** The last instant that a `Date` can represent (ECMA-262, section 21.4.1.1). */
const LAST = 8.64e15

/**
 * Wraps a caller's clock, and checks each value that it returns. Without the check, `null` and `true` would be used as
 * numbers, and a comparison with a value that is not a number is always false.
 *
 * @throws PaymentError `invalid_config`, when the clock is read, if it throws or returns a value that is not a time.
 */
export function checkedClock(clock: Clock): Clock {
  return Object.freeze({
    now: () => timeOf(() => clock.now()),
    monotonic: () => timeOf(() => clock.monotonic()),
    booted: () => bootedOf(clock),
  })
}

/** Reads the optional `booted` clock. Returns undefined if its value is not a time. */
function bootedOf(clock: Clock): number | undefined {
  try {
    const time: unknown = clock.booted?.()
    return typeof time === 'number' && time >= 0 && time <= LAST ? time : undefined
  } catch {
    return undefined
  }
}

function timeOf(read: () => unknown): number {
  try {
    const time = read()
    if (typeof time === 'number' && time >= 0 && time <= LAST) return time
  } catch {
    // The error below reports this in Purser's own words.
  }
  throw new PaymentError(
    'invalid_config',
    'untouched',
    'The clock gave no time. Nothing is paid without one.',
  )
}

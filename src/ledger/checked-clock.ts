import { PaymentError } from '../errors/index.js'
import type { Clock } from './clock.js'

/** The last instant that a date can name (ECMA-262, section 21.4.1.1). */
const LAST = 8.64e15

/**
 * A clock of somebody's own that is believed no further than it gives times: `null` and `true` would count as numbers, and
 * what is no number is neither before nor after anything.
 *
 * @throws PaymentError `invalid_config`, on reading, where it throws or gives no time.
 */
export function checkedClock(clock: Clock): Clock {
  return Object.freeze({
    now: () => timeOf(() => clock.now()),
    monotonic: () => timeOf(() => clock.monotonic()),
    booted: () => bootedOf(clock),
  })
}

/** One more clock, which need not be there: what is no time is none. */
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
    // Told below, in our own words.
  }
  throw new PaymentError(
    'invalid_config',
    'untouched',
    'The clock gave no time. Nothing is paid without one.',
  )
}

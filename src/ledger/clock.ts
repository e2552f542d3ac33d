import type { Instant } from '../money/index.js'
import { builtin } from '../util/builtin.js'
import { mayAskSystem } from './permission.js'

/** The clocks that a store uses. `monotonic` never jumps, even if the wall clock does. */
export interface Clock {
  now(): Instant
  monotonic(): number
  /**
   * Returns the milliseconds since the host started, including sleep. Returns undefined if that is unknown. It
   * distinguishes a host that slept from a clock that was changed.
   */
  booted?(): number | undefined
}

/** A person's confirmation of the clock. */
export interface ClockConfirmation {
  /**
   * `store`, the default: the wall clock is right, and the ledger's time does not go back. After a jump backwards, the
   * ledger waits until the wall clock has caught up. `wall`: the ledger's time was wrong, and goes back to the wall
   * clock. Payments with a later time then count as of now in every budget.
   */
  readonly to?: 'store' | 'wall'
}

/**
 * The part of `node:os` that Purser uses. Purser loads `node:os` at run time, so this module works in every runtime.
 */
interface Os {
  uptime(): number
}

function isOs(value: unknown): value is Os {
  return typeof value === 'object' && value !== null && typeof Reflect.get(value, 'uptime') === 'function'
}

let os: Os | undefined | null = null

/**
 * Returns the uptime including sleep: `/proc/uptime` on Linux, `GetTickCount64` on Windows, and the time since
 * `kern.boottime` on macOS.
 */
function uptime(): number | undefined {
  if (os === null) {
    const found = builtin('node:os')
    os = isOs(found) ? found : undefined
  }
  // // In Deno, a read without the permission would stop the program at a prompt.
  if (!mayAskSystem('osUptime')) return undefined
  try {
    return os === undefined ? undefined : os.uptime() * 1000
  } catch {
    // // A sandbox may hide the uptime.
    return undefined
  }
}

/** The clocks of the runtime. */
export const systemClock: Clock = Object.freeze({
  now: () => Date.now(),
  monotonic: () => performance.now(),
  booted: uptime,
})

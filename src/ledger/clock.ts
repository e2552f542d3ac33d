import type { Instant } from '../money/index.js'
import { builtin } from '../util/builtin.js'
import { mayAskSystem } from './permission.js'

/** Time as a store sees it. `monotonic` never jumps, whatever happens to the wall clock. */
export interface Clock {
  now(): Instant
  monotonic(): number
  /**
   * Milliseconds since the host was started, the time that it slept included; undefined if nobody knows. It tells a host
   * that slept from a clock that was set.
   */
  booted?(): number | undefined
}

/** What a person says of the clock. */
export interface ClockConfirmation {
  /**
   * `store`, the default: the wall clock is right, and the ledger's time does not go back; after a jump backwards it
   * waits until the wall clock has caught up. `wall`: the ledger's time was wrong, and goes back to the wall clock. What
   * was written in the future counts as of now in every budget.
   */
  readonly to?: 'store' | 'wall'
}

/** What of `node:os` is used here. It is asked for by name, so that this loads anywhere. */
interface Os {
  uptime(): number
}

function isOs(value: unknown): value is Os {
  return typeof value === 'object' && value !== null && typeof Reflect.get(value, 'uptime') === 'function'
}

let os: Os | undefined | null = null

/** Includes sleep: `/proc/uptime` on Linux, `GetTickCount64` on Windows, time since `kern.boottime` on macOS. */
function uptime(): number | undefined {
  if (os === null) {
    const found = builtin('node:os')
    os = isOs(found) ? found : undefined
  }
  // Asking without the permission would stop a program in Deno at a prompt.
  if (!mayAskSystem('osUptime')) return undefined
  try {
    return os === undefined ? undefined : os.uptime() * 1000
  } catch {
    // A sandbox may hide it.
    return undefined
  }
}

/** The runtime's own clocks. */
export const systemClock: Clock = Object.freeze({
  now: () => Date.now(),
  monotonic: () => performance.now(),
  booted: uptime,
})

import type { Clock } from './port.js'

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
    const process: { getBuiltinModule?: (name: string) => unknown } | undefined = globalThis.process
    const found = process?.getBuiltinModule?.('node:os')
    os = isOs(found) ? found : undefined
  }
  try {
    return os === undefined ? undefined : os.uptime() * 1000
  } catch {
    // Deno asks for a permission (`--allow-sys`).
    return undefined
  }
}

/** The runtime's own clocks. */
export const systemClock: Clock = Object.freeze({
  now: () => Date.now(),
  monotonic: () => performance.now(),
  booted: uptime,
})

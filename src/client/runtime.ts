import { builtin as find } from '../util/builtin.js'

/** Builtins that browsers lack. They are not imported, because the core must load in every runtime. */
interface Builtins {
  'node:async_hooks': {
    AsyncLocalStorage: new <T>() => { getStore(): T | undefined; run<R>(store: T, work: () => R): R }
  }
  'node:diagnostics_channel': {
    channel(name: string): { readonly hasSubscribers: boolean; publish(message: unknown): void }
  }
}

/** Returns a builtin module. Undefined if the runtime does not have it. */
export function builtin<Name extends keyof Builtins>(name: Name): Builtins[Name] | undefined {
  const found = find(name)
  // The name is that of the runtime's own module, so the runtime guarantees its shape.
  return found === undefined || found === null ? undefined : (found as Builtins[Name])
}

/** The user agent of this runtime. Empty if it has none. */
export function userAgent(): string {
  const agent: unknown = globalThis.navigator?.userAgent
  return typeof agent === 'string' ? agent : ''
}

/** Returns the processor time of this process in milliseconds, or the time itself if the runtime does not tell. */
export function processorTime(): number {
  const process: { cpuUsage?: () => { readonly user: number; readonly system: number } } | undefined =
    globalThis.process
  try {
    const used = process?.cpuUsage?.()
    return used === undefined ? performance.now() : (used.user + used.system) / 1000
  } catch {
    // Edge runtimes have a `process` whose functions throw when they are called.
    return performance.now()
  }
}

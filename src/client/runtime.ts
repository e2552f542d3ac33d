import { builtin as find } from '../util/builtin.js'

/** What some runtimes have and browsers lack, asked for without importing it: the core must load anywhere. */
interface Builtins {
  'node:async_hooks': {
    AsyncLocalStorage: new <T>() => { getStore(): T | undefined; run<R>(store: T, work: () => R): R }
  }
  'node:diagnostics_channel': {
    channel(name: string): { readonly hasSubscribers: boolean; publish(message: unknown): void }
  }
}

/** A builtin module where the runtime has it; undefined elsewhere. */
export function builtin<Name extends keyof Builtins>(name: Name): Builtins[Name] | undefined {
  const found = find(name)
  // The runtime's own module under its own name: its shape is the runtime's promise.
  return found === undefined || found === null ? undefined : (found as Builtins[Name])
}

/** The name by which this runtime introduces itself; empty if it has none. */
export function userAgent(): string {
  const agent: unknown = globalThis.navigator?.userAgent
  return typeof agent === 'string' ? agent : ''
}

/** Milliseconds of processor time that this process has used; where the runtime does not tell, of time itself. */
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

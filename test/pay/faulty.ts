import type { Ledger } from '../../src/ledger/index.js'

/** Where a ledger fails: before the step, or after it, so that only the answer is lost. */
export interface Fault {
  readonly method: keyof Ledger
  /** The number of the call of that method, from 1. */
  readonly at: number
  readonly after?: boolean
  readonly error: Error
}

/** A ledger that fails at a given call. `calls` lists its calls. */
export function faulty(ledger: Ledger, faults: readonly Fault[], calls: string[] = []): Ledger {
  const counts = new Map<PropertyKey, number>()
  return new Proxy(ledger, {
    get(target, name) {
      const method: unknown = Reflect.get(target, name)
      if (typeof method !== 'function') return method
      return (...args: unknown[]): unknown => {
        const at = (counts.get(name) ?? 0) + 1
        counts.set(name, at)
        calls.push(String(name))
        const fault = faults.find((one) => one.method === name && one.at === at)
        if (fault === undefined) return Reflect.apply(method, target, args)
        if (fault.after !== true) return Promise.reject(fault.error)
        return Promise.resolve(Reflect.apply(method, target, args)).then(() => Promise.reject(fault.error))
      }
    },
  })
}

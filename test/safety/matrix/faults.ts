/** What dependencies quote when they fail: nobody may ever repeat it. */
export const SECRET = 'hunter2-sk-live-4242'

export function failure(): Error {
  return Object.assign(new Error(`request failed: https://user:${SECRET}@rpc.example/?key=${SECRET}`), {
    request: { headers: { authorization: `Bearer ${SECRET}` }, body: SECRET },
  })
}

/** A way to fail, and what stands in the place of a function then. */
export interface Fault {
  readonly how: string
  readonly act: () => unknown
}

export const THROWS: Fault = {
  how: 'throws',
  act: () => {
    throw failure()
  },
}
export const REJECTS: Fault = { how: 'rejects', act: () => Promise.reject(failure()) }
export const HANGS: Fault = { how: 'hangs', act: () => new Promise(() => undefined) }

export const NONSENSE: readonly Fault[] = [
  undefined,
  null,
  0,
  'allow',
  true,
  [],
  {},
  { effect: 'allow' },
  { ok: true },
].map((value): Fault => ({ how: `returns ${JSON.stringify(value)}`, act: () => value }))

/** For what is asynchronous. */
export const LATER: readonly Fault[] = [THROWS, REJECTS, HANGS, ...NONSENSE]
/** For what answers at once. */
export const AT_ONCE: readonly Fault[] = [THROWS, ...NONSENSE]

/** An object with one of its methods replaced. */
export function withFault<T extends object>(
  target: T,
  method: keyof T,
  act: (...args: never[]) => unknown,
): T {
  return new Proxy(
    {},
    {
      get: (_, name) => {
        if (name === method) return act
        const value: unknown = Reflect.get(target, name)
        return typeof value === 'function' ? value.bind(target) : value
      },
      has: (_, name) => Reflect.has(target, name),
    },
  ) as T
}

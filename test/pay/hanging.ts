import type { Ledger } from '../../src/ledger/index.js'

/** A gate that can be awaited until it is opened. */
export interface Gate {
  readonly opened: Promise<void>
  open(): void
}

export function gate(): Gate {
  let open = (): void => undefined
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  return { opened, open: () => open() }
}

/** A step of a ledger that takes its time. */
export interface Hanging {
  readonly ledger: Ledger
  /** Resolves when the step is awaited. */
  readonly reached: Promise<void>
  goOn(): void
}

/**
 * A ledger that hangs at one step until it is told to go on: before the step is taken, or after it, when only the answer
 * is held back.
 *
 * @param at Which call of that method, 1 for the first.
 */
export function hangingAt(
  ledger: Ledger,
  method: keyof Ledger,
  at: number,
  when: 'before' | 'after' = 'before',
): Hanging {
  const [going, reached] = [gate(), gate()]
  let calls = 0
  const hang = (): Promise<void> => {
    reached.open()
    return going.opened
  }
  const proxy = new Proxy(ledger, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name)
      if (typeof value !== 'function') return value
      return (...args: unknown[]): unknown => {
        const step = (): unknown => Reflect.apply(value, target, args)
        if (name !== method || ++calls !== at) return step()
        if (when === 'before') return hang().then(step)
        return Promise.resolve(step()).then((answer) => hang().then(() => answer))
      }
    },
  })
  return { ledger: proxy, reached: reached.opened, goOn: () => going.open() }
}

/** Lets everything that is ready run. */
export const settled = async (): Promise<void> => {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve))
}

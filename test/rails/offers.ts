// What a shop with several rails asks, as its paths say it: `/tempo-7.stripe-50.evm-13.x402-11` offers these four, in this
// order, for so many cents.

export const RAILS = ['tempo', 'stripe', 'evm', 'x402'] as const
export type RailName = (typeof RAILS)[number]

export interface Ask {
  readonly rail: RailName
  readonly cents: number
}

export function pathOf(asks: readonly Ask[]): string {
  return `/${asks.map(({ rail, cents }) => `${rail}-${cents}`).join('.')}`
}

export function asksIn(path: string): readonly Ask[] {
  return path
    .slice(1)
    .split('.')
    .flatMap((part) => {
      const [, name, cents] = /^([a-z0-9]+)-([1-9][0-9]*)$/.exec(part) ?? []
      const rail = RAILS.find((each) => each === name)
      return rail === undefined ? [] : [{ rail, cents: Number(cents) }]
    })
}

/** `7` is `'0.07'`. */
export function dollars(cents: number): string {
  return `${Math.floor(cents / 100)}.${String(cents % 100).padStart(2, '0')}`
}

/** Every order of these. */
export function ordersOf<T>(all: readonly T[]): readonly (readonly T[])[] {
  if (all.length < 2) return [all]
  return all.flatMap((first, at) =>
    ordersOf(all.filter((_, other) => other !== at)).map((rest) => [first, ...rest]),
  )
}

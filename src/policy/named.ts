import type { Currency } from '../money/index.js'
import type { Bounds } from './types.js'

/** Tells whether the list names this currency, by its id or by the unit to which it is pegged. */
export function namesCurrency(list: readonly string[], { id, peg }: Currency, unit: string): boolean {
  const symbol = unit.slice(unit.indexOf(':') + 1)
  return list.includes(id) || (list.includes(symbol) && (id === unit || peg === unit))
}

/** Tells whether all lists of currencies in force name this one. */
export function mayUse(currency: Currency, { currencies = [], unit }: Bounds): boolean {
  return currencies.every((list) => namesCurrency(list, currency, unit))
}

import { type Amount, formatDecimal, parseDecimal } from './amount.js'

/** A point in time: milliseconds since 1970, UTC. */
export type Instant = number

declare const brand: unique symbol

/** The policy's unit at nine decimals: what counters count. */
export type Units = bigint & { readonly [brand]?: 'units' }

/** Nine decimals: fine enough that a budget sees a thousandth of a micro-dollar. */
export const UNIT_DECIMALS = 9

/**
 * What an amount counts for in a unit, rounded **up**, so that many tiny payments cannot hide. Undefined if the
 * currency is not pegged to the unit: it has no value there, so it cannot be counted, so it cannot be paid.
 *
 * @param unit The unit's currency id, for example `iso4217:USD`.
 */
export function count(amount: Amount, unit: string): Units | undefined {
  const { peg, id, decimals } = amount.currency
  if (id !== unit && peg !== unit) return undefined
  if (decimals <= UNIT_DECIMALS) return amount.value * 10n ** BigInt(UNIT_DECIMALS - decimals)
  const part = 10n ** BigInt(decimals - UNIT_DECIMALS)
  return (amount.value + part - 1n) / part
}

/** A decimal text as units; undefined if it is not a plain decimal number with at most nine decimals. */
export function parseUnits(text: string): Units | undefined {
  return parseDecimal(text, UNIT_DECIMALS)
}

/** `'0.10 USD'`-like text for units: `formatUnits(100_000_000n, 'USD')` is `'0.1 USD'`. */
export function formatUnits(units: Units, symbol: string): string {
  return units < 0n
    ? `-${formatDecimal(-units, UNIT_DECIMALS)} ${symbol}`
    : `${formatDecimal(units, UNIT_DECIMALS)} ${symbol}`
}

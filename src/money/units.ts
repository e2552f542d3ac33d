import { ownValue } from '../errors/index.js'
import { type Amount, formatDecimal, parseDecimal } from './amount.js'
import { type Currency, RATE_DECIMALS } from './currency.js'

/** A point in time: milliseconds since 1970, UTC. */
export type Instant = number

declare const brand: unique symbol

/** The policy's unit at nine decimals: what counters count. */
export type Units = bigint & { readonly [brand]?: 'units' }

/** Nine decimals: fine enough that a budget sees a thousandth of a micro-dollar. */
export const UNIT_DECIMALS = 9

/** What 10^18 of the currency's units are worth; undefined if it has no known value in the unit. */
export function worth(currency: Currency, unit: string): bigint | undefined {
  const { id } = currency
  const peg = ownValue(currency, 'peg')
  const rate = ownValue(currency, 'rate')
  if (id === unit || peg === unit) return ONE
  return rate?.unit === unit ? parseDecimal(rate.most, RATE_DECIMALS) : undefined
}

const ONE = 10n ** BigInt(RATE_DECIMALS)

/**
 * What an amount counts for in a unit, rounded **up**, so that many tiny payments cannot hide: one to one if its
 * currency is pegged to the unit, else by the rate it has there. Undefined if it has neither: it has no value there, so
 * it cannot be counted, so it cannot be paid.
 *
 * @param unit The unit's currency id, for example `iso4217:USD`.
 */
export function count({ value, currency }: Amount, unit: string): Units | undefined {
  const factor = worth(currency, unit)
  if (factor === undefined) return undefined
  const { decimals } = currency
  if (factor === ONE && decimals <= UNIT_DECIMALS) return value * 10n ** BigInt(UNIT_DECIMALS - decimals)
  const part = 10n ** BigInt(decimals + RATE_DECIMALS - UNIT_DECIMALS)
  return (value * factor + part - 1n) / part
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

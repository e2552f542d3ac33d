import { ownValue } from '../util/objects.js'
import { type Amount, formatDecimal, parseDecimal } from './amount.js'
import { type Currency, RATE_DECIMALS } from './currency.js'

/** A point in time: milliseconds since 1970, UTC. */
export type Instant = number

declare const brand: unique symbol

/** A count in the policy's unit with nine decimals. Budget counters use it. */
export type Units = bigint & { readonly [brand]?: 'units' }

/** Nine decimals, so that a budget registers a thousandth of a micro-dollar. */
export const UNIT_DECIMALS = 9

/** Returns the value of 10^18 of the currency's units; undefined if the currency has no known value in the unit. */
export function worth(currency: Currency, unit: string): bigint | undefined {
  const { id } = currency
  const peg = ownValue(currency, 'peg')
  const rate = ownValue(currency, 'rate')
  if (id === unit || peg === unit) return ONE
  return rate?.unit === unit ? parseDecimal(rate.most, RATE_DECIMALS) : undefined
}

const ONE = 10n ** BigInt(RATE_DECIMALS)

/**
 * Converts an amount into a unit, rounded **up**, so that many tiny payments cannot escape the budget. A pegged
 * currency converts one to one, others by their rate.
 *
 * @param unit - The unit's currency id, for example `iso4217:USD`.
 * @returns Undefined if the currency has no peg and no rate: it cannot be counted, so it cannot be paid.
 */
export function count({ value, currency }: Amount, unit: string): Units | undefined {
  const factor = worth(currency, unit)
  if (factor === undefined) return undefined
  const { decimals } = currency
  if (factor === ONE && decimals <= UNIT_DECIMALS) return value * 10n ** BigInt(UNIT_DECIMALS - decimals)
  const part = 10n ** BigInt(decimals + RATE_DECIMALS - UNIT_DECIMALS)
  return (value * factor + part - 1n) / part
}

/** Parses decimal text as units; undefined if it is not a plain decimal number with at most nine decimals. */
export function parseUnits(text: string): Units | undefined {
  return parseDecimal(text, UNIT_DECIMALS)
}

/**
 * Formats units for people: `formatUnits(100_000_000n, 'USD')` is `'0.1 USD'`.
 *
 * @param units - A count with nine decimals.
 * @param symbol - The symbol of the unit, such as `USD`.
 */
export function formatUnits(units: Units, symbol: string): string {
  return units < 0n
    ? `-${formatDecimal(-units, UNIT_DECIMALS)} ${symbol}`
    : `${formatDecimal(units, UNIT_DECIMALS)} ${symbol}`
}

import { type Amount, formatDecimal, type Instant, UNIT_DECIMALS } from '../money/index.js'

/** An amount as JSON shows it: the whole number of coins with a decimal point, as text. */
export interface AmountFact {
  readonly value: string
  readonly currency: string
}

/** Returns an amount for JSON. */
export function amountFact({ value, currency }: Amount): AmountFact {
  return { value: formatDecimal(value, currency.decimals), currency: currency.symbol }
}

/** Returns units of the policy's unit for JSON. */
export function unitsFact(units: bigint, symbol: string): AmountFact {
  return { value: formatDecimal(units, UNIT_DECIMALS), currency: symbol }
}

/** Returns a time for JSON, as RFC 3339. */
export function timeFact(instant: Instant): string {
  return new Date(instant).toISOString()
}

/** Returns the symbol of a unit by its id: `iso4217:USD` is `USD`. */
export function symbolOfUnit(unit: string): string {
  return unit.replace(/^iso4217:/, '')
}

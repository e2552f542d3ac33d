import { formatDecimal, type Instant, UNIT_DECIMALS } from '../money/index.js'

/** An amount as JSON shows it: the whole number of coins with a decimal point, as text. */
export interface AmountFact {
  readonly value: string
  readonly currency: string
}

/** Returns units of the policy's unit for JSON. */
export function unitsFact(units: bigint, symbol: string): AmountFact {
  return { value: formatDecimal(units, UNIT_DECIMALS), currency: symbol }
}

/** Returns a time for JSON, as RFC 3339. */
export function timeFact(instant: Instant): string {
  return new Date(instant).toISOString()
}

import { parseDecimal } from './amount.js'
import { RATE_DECIMALS } from './currency.js'

/**
 * What one of a currency is at most worth in the policy's unit: fiat by its code of ISO 4217, everything else by id.
 * `{ EUR: '1.12', 'eip155:8453/slip44:60': '4000' }`
 */
export type Rates = Readonly<Record<string, string>>

/** Is it a table of rates? A code must be one of ISO 4217: a symbol is no name of a token, since anybody may take it. */
export function areRates(value: object): value is Rates {
  return Object.entries(value).every(
    ([key, most]) =>
      (key.includes(':') || isFiat(key)) &&
      typeof most === 'string' &&
      Boolean(parseDecimal(most, RATE_DECIMALS)),
  )
}

/** A code that this runtime knows as one of ISO 4217. */
export function isFiat(code: string): boolean {
  return Intl.supportedValuesOf('currency').includes(code)
}

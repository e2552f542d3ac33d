import { parseDecimal } from './amount.js'
import { RATE_DECIMALS } from './currency.js'

/**
 * The highest value of one unit of each currency, in the policy's unit. Fiat currencies are named by ISO 4217 code, all
 * others by id. `{ EUR: '1.12', 'eip155:8453/slip44:60': '4000' }`
 */
export type Rates = Readonly<Record<string, string>>

/**
 * Tells whether an object is a table of rates. Codes must be of ISO 4217. Token symbols are not accepted, because
 * anyone can create a token with any symbol.
 */
export function areRates(value: object): value is Rates {
  return Object.entries(value).every(
    ([key, most]) =>
      (key.includes(':') || isFiat(key)) &&
      typeof most === 'string' &&
      Boolean(parseDecimal(most, RATE_DECIMALS)),
  )
}

/** Tells whether this runtime knows the code as one of ISO 4217. */
export function isFiat(code: string): boolean {
  return Intl.supportedValuesOf('currency').includes(code)
}

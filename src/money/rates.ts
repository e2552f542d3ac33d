import { parseDecimal } from './amount.js'
import { type Currency, type CurrencyTable, fiat, RATE_DECIMALS, tokenId } from './currency.js'
import { UNIT_DECIMALS, type Units, worth } from './units.js'

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
function isFiat(code: string): boolean {
  return Intl.supportedValuesOf('currency').includes(code)
}

/**
 * Adds rates in a unit to a table of currencies. A currency's rate also applies to the currencies that are pegged to it
 * and have no own rate. The unit and the currencies pegged to it always keep their value. The resulting table also
 * knows every fiat currency, ether and bitcoin.
 */
export function withRates(table: CurrencyTable, rates: Rates, unit: string): CurrencyTable {
  const byId = new Map(Object.entries(rates).map(([key, most]) => [idOf(key), most]))
  const kept = new Map<string, Currency>()
  const get = (id: string): Currency | undefined => {
    const before = kept.get(id)
    if (before !== undefined) return before
    const currency = table.get(id) ?? currencyOfId(id)
    if (currency === undefined) return undefined
    const rated = withRate(currency, byId.get(id) ?? byId.get(currency.peg ?? ''), unit)
    // The user names the currencies with rates. Other currencies that a vendor asks for are not stored, so the map
    // stays bounded.
    if (rated !== currency) kept.set(id, rated)
    return rated
  }
  return Object.freeze({
    get,
    token: (network: string, address: string) => get(tokenId(network, address)),
    on: (network: string) => table.on(network).map((currency) => get(currency.id) ?? currency),
  })
}

function withRate(currency: Currency, most: string | undefined, unit: string): Currency {
  if (most === undefined || currency.id === unit || currency.peg === unit) return currency
  return Object.freeze({ ...currency, rate: Object.freeze({ unit, most }) })
}

/** Lower-cases addresses, so that they compare equal. */
function idOf(key: string): string {
  if (!key.includes(':')) return `iso4217:${key}`
  return key.includes('/erc20:') ? key.toLowerCase() : key
}

/**
 * Derives a currency from its id alone: ISO 4217 fiat, ether on any EVM chain, and bitcoin. Bitcoin has eleven
 * decimals, because Lightning pays in thousandths of a satoshi.
 */
function currencyOfId(id: string): Currency | undefined {
  if (/^eip155:[1-9][0-9]{0,17}\/slip44:60$/.test(id))
    return Object.freeze({ id, symbol: 'ETH', decimals: 18 })
  if (/^bip122:[0-9a-f]{32}\/slip44:0$/.test(id)) return Object.freeze({ id, symbol: 'BTC', decimals: 11 })
  const [, code] = /^iso4217:([A-Z]{3})$/.exec(id) ?? []
  return code !== undefined && isFiat(code) ? fiat(code, decimalsOf(code)) : undefined
}

/**
 * The currencies whose smallest unit is not a hundredth, as card processors count it: Icelandic króna and Ugandan
 * shilling have two decimals on the wire, Malagasy ariary none.
 */
const MINOR: readonly (readonly [decimals: number, codes: string])[] = [
  [0, 'BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF'],
  [3, 'BHD IQD JOD KWD LYD OMR TND'],
]

function decimalsOf(code: string): number {
  return MINOR.find(([, codes]) => codes.includes(code))?.[0] ?? 2
}

/**
 * Returns the largest amount of a currency, in its smallest units, that counts for no more than the given units;
 * undefined if the currency has no value in the unit.
 */
export function partsWithin(units: Units, currency: Currency, unit: string): bigint | undefined {
  const factor = worth(currency, unit)
  if (!factor) return undefined
  return (units * 10n ** BigInt(currency.decimals + RATE_DECIMALS - UNIT_DECIMALS)) / factor
}

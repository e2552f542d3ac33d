import { type Currency, type CurrencyTable, fiat, RATE_DECIMALS, tokenId } from './currency.js'
import { isFiat, type Rates } from './rate-keys.js'
import { UNIT_DECIMALS, type Units, worth } from './units.js'

/**
 * A table of currencies with what they are worth in a unit. A rate of a currency is also that of whatever is pegged to
 * it and has none of its own; the unit, and what is pegged to that, is always worth itself. Knows every fiat currency,
 * ether and bitcoin beside what the table has.
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
    // What has a rate is named by the user; what a vendor may ask for is not kept.
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

/** Addresses compare in lower case. */
function idOf(key: string): string {
  if (!key.includes(':')) return `iso4217:${key}`
  return key.includes('/erc20:') ? key.toLowerCase() : key
}

/**
 * What an id says by itself: fiat of ISO 4217, ether on any chain of its kind, and bitcoin (of eleven decimals: on
 * Lightning it is paid by the thousandth of a satoshi).
 */
function currencyOfId(id: string): Currency | undefined {
  if (/^eip155:[1-9][0-9]{0,17}\/slip44:60$/.test(id))
    return Object.freeze({ id, symbol: 'ETH', decimals: 18 })
  if (/^bip122:[0-9a-f]{32}\/slip44:0$/.test(id)) return Object.freeze({ id, symbol: 'BTC', decimals: 11 })
  const [, code] = /^iso4217:([A-Z]{3})$/.exec(id) ?? []
  return code !== undefined && isFiat(code) ? fiat(code, decimalsOf(code)) : undefined
}

/**
 * What is not counted in hundredths, as those who charge cards count it: Icelandic króna and Ugandan shilling have two
 * decimals on the wire, and Malagasy ariary none.
 */
const MINOR: readonly (readonly [decimals: number, codes: string])[] = [
  [0, 'BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF'],
  [3, 'BHD IQD JOD KWD LYD OMR TND'],
]

function decimalsOf(code: string): number {
  return MINOR.find(([, codes]) => codes.includes(code))?.[0] ?? 2
}

/** The most smallest parts of a currency that count for no more than this; undefined if it cannot be counted. */
export function partsWithin(units: Units, currency: Currency, unit: string): bigint | undefined {
  const factor = worth(currency, unit)
  if (!factor) return undefined
  return (units * 10n ** BigInt(currency.decimals + RATE_DECIMALS - UNIT_DECIMALS)) / factor
}

import { type Amount, amount, type Currency } from '../money/index.js'
import { BoundedCache } from './bounded-cache.js'

/** Caches the text of each currency, because there are few currencies and every amount names one. */
const texts = new WeakMap<Currency, string>()
const currencies = new BoundedCache<Currency>(1000)

/** Separates a peg from a rate. No currency id contains it. */
const STAR = '*'

/**
 * Returns an amount as text, such as `10000 eip155:4217/erc20:0x20c0… 6 iso4217:USD pathUSD` or `500 iso4217:EUR 2
 * *1.12*iso4217:USD EUR`. Returns undefined if the text could not be parsed back without ambiguity.
 */
export function amountText({ value, currency }: Amount): string | undefined {
  let text = texts.get(currency)
  if (text === undefined) {
    const { id, decimals, peg = '', symbol, rate } = currency
    const value = rate === undefined ? [peg] : [peg, rate.most, rate.unit]
    const odd = id.includes(' ') || value.some((part) => part.includes(' ') || part.includes(STAR))
    text = odd ? '' : `${id} ${decimals} ${value.join(STAR)} ${symbol}`
    texts.set(currency, text)
  }
  return text === '' ? undefined : `${value} ${text}`
}

/**
 * Parses the text of {@link amountText}.
 *
 * @throws Error if the text is not an amount.
 */
export function readAmount(text: string): Amount {
  const end = text.indexOf(' ')
  const name = text.slice(end + 1)
  return amount(
    BigInt(text.slice(0, end)),
    currencies.getOrLoad(name, () => readCurrency(name)),
  )
}

function readCurrency(text: string): Currency {
  const [id = '', decimals = '', value = '', ...symbol] = text.split(' ')
  const [peg = '', most, unit] = value.split(STAR)
  return Object.freeze({
    id,
    symbol: symbol.join(' '),
    decimals: Number(decimals),
    ...(peg === '' ? {} : { peg }),
    ...(most === undefined || unit === undefined ? {} : { rate: Object.freeze({ unit, most }) }),
  })
}

/** Returns whether an object is an amount. No other object has both a bigint and a currency. */
export function isAmount(value: object): value is Amount {
  return (
    'value' in value &&
    typeof value.value === 'bigint' &&
    'currency' in value &&
    typeof value.currency === 'object' &&
    Object.keys(value).length === 2
  )
}

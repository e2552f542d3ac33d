import { type Amount, amount, type Currency } from '../money/index.js'
import { BoundedCache } from './bounded-cache.js'

/** Currencies are few, and named by every amount: one text for each, worked out once. */
const texts = new WeakMap<Currency, string>()
const currencies = new BoundedCache<Currency>(1000)

/** Between a peg and a rate. No id of a currency has it. */
const STAR = '*'

/** `10000 eip155:4217/erc20:0x20c0… 6 iso4217:USD pathUSD`, `500 iso4217:EUR 2 *1.12*iso4217:USD EUR`; undefined for what cannot be told apart again. */
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

/** @throws Error for what is none. */
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

/** Is it an amount? Nothing else has a bigint and a currency. */
export function isAmount(value: object): value is Amount {
  return (
    'value' in value &&
    typeof value.value === 'bigint' &&
    'currency' in value &&
    typeof value.currency === 'object' &&
    Object.keys(value).length === 2
  )
}

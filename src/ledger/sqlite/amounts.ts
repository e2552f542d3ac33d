import { type Amount, amount, type Currency } from '../../money/index.js'
import { Kept } from './kept.js'

/** Currencies are few, and named by every amount: one text for each, worked out once. */
const texts = new WeakMap<Currency, string>()
const currencies = new Kept<Currency>(1000)

/** `10000 eip155:4217/erc20:0x20c0… 6 iso4217:USD pathUSD`; undefined for what cannot be told apart again. */
export function amountText({ value, currency }: Amount): string | undefined {
  let text = texts.get(currency)
  if (text === undefined) {
    const { id, decimals, peg = '', symbol } = currency
    text = id.includes(' ') || peg.includes(' ') ? '' : `${id} ${decimals} ${peg} ${symbol}`
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
    currencies.of(name, () => readCurrency(name)),
  )
}

function readCurrency(text: string): Currency {
  const [id = '', decimals = '', peg = '', ...symbol] = text.split(' ')
  const rest = { id, symbol: symbol.join(' '), decimals: Number(decimals) }
  return Object.freeze(peg === '' ? rest : { ...rest, peg })
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

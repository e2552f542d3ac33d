import type { Currency } from './currency.js'

declare const brand: unique symbol

/** A sum of money: an integer count of a currency's smallest part. Immutable; made only by {@link amount} and {@link parseAmount}. */
export interface Amount {
  readonly value: bigint
  readonly currency: Currency
  readonly [brand]: true
  /** What `JSON.stringify` writes for it. */
  toJSON(): AmountJson
}

/** An amount in JSON. */
export interface AmountJson {
  /** The count of smallest parts, as a decimal text: JSON numbers lose digits. */
  readonly value: string
  /** The currency's id. */
  readonly currency: string
  readonly decimals: number
  readonly symbol: string
  /** The same for people: `0.01 pathUSD`. */
  readonly text: string
}

/** A class, so that all amounts share one `toJSON`. */
const Sum = class Amount {
  readonly value: bigint
  readonly currency: Currency
  constructor(value: bigint, currency: Currency) {
    this.value = value
    this.currency = currency
    Object.freeze(this)
  }
  toJSON(): AmountJson {
    const { id, decimals, symbol } = this.currency
    const text = `${formatDecimal(this.value, decimals)} ${symbol}`
    return { value: this.value.toString(), currency: id, decimals, symbol, text }
  }
}

/** The largest value a token amount can have (an EVM word). */
const MAX = 2n ** 256n - 1n

/**
 * An amount from its smallest parts.
 *
 * @throws RangeError if the value is negative or above 2^256 − 1.
 * @example
 * ```ts
 * formatAmount(amount(10_000n, CURRENCIES.pathUSD)) // '0.01 pathUSD'
 * ```
 */
export function amount(value: bigint, currency: Currency): Amount {
  if (value < 0n) throw new RangeError('An amount cannot be negative')
  if (value > MAX) throw new RangeError('An amount cannot exceed 2^256 - 1')
  // The only place where the brand is put on: the type cannot be made by hand elsewhere.
  return new Sum(value, currency) as Amount
}

/** Nothing, in that currency. */
export function zero(currency: Currency): Amount {
  return amount(0n, currency)
}

const DECIMAL = /^(0|[1-9][0-9]*)(?:\.([0-9]+))?$/

/**
 * A plain decimal text (`'0.10'`) as smallest parts at that many decimals; undefined if it is not one: no sign,
 * exponent, hexadecimal, separator, leading zero, or more decimals than the currency has.
 */
export function parseDecimal(text: string, decimals: number): bigint | undefined {
  if (text.length > 100) return undefined
  const match = DECIMAL.exec(text)
  const whole = match?.[1]
  if (whole === undefined) return undefined
  const fraction = (match?.[2] ?? '').replace(/0+$/, '')
  if (fraction.length > decimals) return undefined
  return BigInt(whole + fraction.padEnd(decimals, '0'))
}

/** Smallest parts as a plain decimal text, without trailing zeros. */
export function formatDecimal(value: bigint, decimals: number): string {
  const digits = value.toString().padStart(decimals + 1, '0')
  const whole = digits.slice(0, digits.length - decimals)
  const fraction = digits.slice(digits.length - decimals).replace(/0+$/, '')
  return fraction === '' ? whole : `${whole}.${fraction}`
}

/**
 * An amount from a decimal text such as `'0.10'`.
 *
 * @throws RangeError for anything but a plain decimal number that fits the currency.
 */
export function parseAmount(text: string, currency: Currency): Amount {
  const value = parseDecimal(text, currency.decimals)
  if (value === undefined)
    throw new RangeError(
      `Not an amount of ${currency.symbol}: write a plain decimal number with at most ${currency.decimals} decimals`,
    )
  return amount(value, currency)
}

/** `'0.01 pathUSD'`: for people. */
export function formatAmount({ value, currency }: Amount): string {
  return `${formatDecimal(value, currency.decimals)} ${currency.symbol}`
}

/**
 * The sum of two amounts.
 *
 * @throws TypeError if their currencies differ: there is no exchange rate here.
 */
export function add(a: Amount, b: Amount): Amount {
  return amount(a.value + sameCurrency(a, b).value, a.currency)
}

/**
 * The difference of two amounts.
 *
 * @throws TypeError if their currencies differ; RangeError if it would be negative.
 */
export function subtract(a: Amount, b: Amount): Amount {
  return amount(a.value - sameCurrency(a, b).value, a.currency)
}

/**
 * −1, 0 or 1, as `a` is less than, equal to or more than `b`.
 *
 * @throws TypeError if their currencies differ.
 */
export function compare(a: Amount, b: Amount): -1 | 0 | 1 {
  const other = sameCurrency(a, b).value
  return a.value < other ? -1 : a.value > other ? 1 : 0
}

function sameCurrency(a: Amount, b: Amount): Amount {
  if (a.currency.id !== b.currency.id)
    throw new TypeError(`${a.currency.symbol} and ${b.currency.symbol} cannot be put together`)
  return b
}

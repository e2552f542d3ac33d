import type { Currency } from './currency.js'

declare const brand: unique symbol

/**
 * A sum of money: an integer count of a currency's smallest unit. Immutable; created only by {@link amount} and `parseAmount`.
 */
export interface Amount {
  readonly value: bigint
  readonly currency: Currency
  readonly [brand]: true
  /** Returns the value that `JSON.stringify` writes. */
  toJSON(): AmountJson
}

/** The JSON form of an amount. */
export interface AmountJson {
  /** The count of smallest units, as decimal text. JSON numbers would lose digits. */
  readonly value: string
  /** The currency's id. */
  readonly currency: string
  readonly decimals: number
  readonly symbol: string
  /** The amount as text for people: `0.01 pathUSD`. */
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

/** The largest value of a token amount (an EVM word). */
const MAX = 2n ** 256n - 1n

/**
 * Creates an amount from a count of the currency's smallest units.
 *
 * @param value - The count, for example `10_000n` for 0.01 of a currency with six decimals.
 * @throws RangeError if the value is negative or above 2^256 − 1.
 * @example
 * ```ts
 * formatAmount(amount(10_000n, CURRENCIES.pathUSD)) // '0.01 pathUSD'
 * ```
 */
export function amount(value: bigint, currency: Currency): Amount {
  if (value < 0n) throw new RangeError('An amount cannot be negative')
  if (value > MAX) throw new RangeError('An amount cannot exceed 2^256 - 1')
  // The only place that applies the brand, so other code cannot construct the type by hand.
  return new Sum(value, currency) as Amount
}

/**
 * Returns the amount zero of a currency.
 *
 * @example
 * ```ts
 * let total = zero(CURRENCIES.pathUSD)
 * total = add(total, parseAmount('0.25', CURRENCIES.pathUSD))
 * ```
 */
export function zero(currency: Currency): Amount {
  return amount(0n, currency)
}

const DECIMAL = /^(0|[1-9][0-9]*)(?:\.([0-9]+))?$/

/**
 * Parses plain decimal text (`'0.10'`) into smallest units with that many decimals.
 *
 * @returns Undefined if the text has a sign, an exponent, a separator, a leading zero, hexadecimal digits, or more
 *   decimals than allowed.
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

/** Formats smallest units as plain decimal text without trailing zeros. */
export function formatDecimal(value: bigint, decimals: number): string {
  const digits = value.toString().padStart(decimals + 1, '0')
  const whole = digits.slice(0, digits.length - decimals)
  const fraction = digits.slice(digits.length - decimals).replace(/0+$/, '')
  return fraction === '' ? whole : `${whole}.${fraction}`
}

/**
 * Parses an amount from decimal text such as `'0.10'`.
 *
 * @param text - Plain decimal text, in whole currency units.
 * @throws RangeError if the text is not a plain decimal number that fits the currency.
 * @example
 * ```ts
 * parseAmount('0.10', CURRENCIES.pathUSD).value // 100_000n
 * ```
 */
export function parseAmount(text: string, currency: Currency): Amount {
  const value = parseDecimal(text, currency.decimals)
  if (value === undefined)
    throw new RangeError(
      `Not an amount of ${currency.symbol}: write a plain decimal number with at most ${currency.decimals} decimals`,
    )
  return amount(value, currency)
}

/**
 * Formats an amount for people: `'0.01 pathUSD'`.
 *
 * @example
 * ```ts
 * formatAmount(parseAmount('0.10', CURRENCIES.pathUSD)) // '0.1 pathUSD'
 * ```
 */
export function formatAmount({ value, currency }: Amount): string {
  return `${formatDecimal(value, currency.decimals)} ${currency.symbol}`
}

/**
 * Adds two amounts.
 *
 * @throws TypeError if their currencies differ: amounts are never converted.
 * @example
 * ```ts
 * const price = parseAmount('0.10', CURRENCIES.pathUSD)
 * formatAmount(add(price, price)) // '0.2 pathUSD'
 * ```
 */
export function add(a: Amount, b: Amount): Amount {
  return amount(a.value + sameCurrency(a, b).value, a.currency)
}

/**
 * Subtracts the second amount from the first.
 *
 * @throws TypeError if their currencies differ; RangeError if the result would be negative.
 * @example
 * ```ts
 * const budget = parseAmount('5', CURRENCIES.pathUSD)
 * formatAmount(subtract(budget, parseAmount('0.10', CURRENCIES.pathUSD))) // '4.9 pathUSD'
 * ```
 */
export function subtract(a: Amount, b: Amount): Amount {
  return amount(a.value - sameCurrency(a, b).value, a.currency)
}

/**
 * Compares two amounts of the same currency.
 *
 * @returns −1, 0 or 1 if `a` is less than, equal to or more than `b`.
 * @throws TypeError if their currencies differ.
 * @example
 * ```ts
 * compare(zero(CURRENCIES.pathUSD), parseAmount('0.10', CURRENCIES.pathUSD)) // -1
 * ```
 */
export function compare(a: Amount, b: Amount): -1 | 0 | 1 {
  const other = sameCurrency(a, b).value
  return a.value < other ? -1 : a.value > other ? 1 : 0
}

function sameCurrency(a: Amount, b: Amount): Amount {
  if (a.currency.id !== b.currency.id)
    throw new TypeError(`${a.currency.symbol} and ${b.currency.symbol} cannot be combined`)
  return b
}

import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  add,
  amount,
  CURRENCIES,
  type Currency,
  compare,
  formatAmount,
  parseAmount,
  subtract,
  token,
  zero,
} from '../../src/money/index.js'

const { USD, pathUSD } = CURRENCIES
const MOST = 2n ** 256n - 1n
const ETHER = token('eip155:1', `0x${'0'.repeat(39)}1`, { symbol: 'ETH', decimals: 18 })
const WHOLE = token('eip155:1', `0x${'0'.repeat(39)}2`, { symbol: 'PIECE', decimals: 0 })

const values = fc.bigInt({ min: 0n, max: MOST })
const currencies = fc.constantFrom<Currency>(USD, pathUSD, ETHER, WHOLE)

test('an amount is frozen, and at most an EVM word', () => {
  const one = amount(1n, pathUSD)
  expect(one).toEqual({ value: 1n, currency: pathUSD })
  expect(Object.isFrozen(one)).toBe(true)
  expect(amount(MOST, pathUSD).value).toBe(MOST)
  expect(() => amount(-1n, pathUSD)).toThrow(new RangeError('An amount cannot be negative'))
  expect(() => amount(MOST + 1n, pathUSD)).toThrow(new RangeError('An amount cannot exceed 2^256 - 1'))
  expect(zero(USD)).toEqual(amount(0n, USD))
})

test.each([
  ['0', USD, 0n],
  ['0.10', USD, 10n],
  ['0.1', USD, 10n],
  ['5', USD, 500n],
  ['0.000001', pathUSD, 1n],
  ['1.000000', pathUSD, 1_000_000n],
  // Zeros behind the last digit that counts are no decimals.
  ['1.1000000000', USD, 110n],
  ['7', WHOLE, 7n],
  ['0.000000000000000001', ETHER, 1n],
])('%s %o is %i', (text, currency, value) => {
  expect(parseAmount(text, currency)).toEqual(amount(value, currency))
})

test.each([
  '',
  ' ',
  '-1',
  '+1',
  '1e3',
  '1E3',
  '0x10',
  '01',
  '00',
  '.5',
  '5.',
  '1,000',
  '1_000',
  '1 ',
  ' 1',
  '1\n',
  '0.001',
  '1.2.3',
  'NaN',
  'Infinity',
  '١',
  '１',
  `0.${'0'.repeat(100)}`,
])('%j is not an amount of dollars', (text) => {
  expect(() => parseAmount(text, USD)).toThrow(RangeError)
  expect(() => parseAmount(text, USD)).toThrow(/^Not an amount of USD: .* at most 2 decimals$/)
})

test('a text above an EVM word is refused', () => {
  expect(parseAmount(MOST.toString(), WHOLE).value).toBe(MOST)
  expect(() => parseAmount((MOST + 1n).toString(), WHOLE)).toThrow(RangeError)
})

test.each([
  [0n, USD, '0 USD'],
  [1n, USD, '0.01 USD'],
  [10n, USD, '0.1 USD'],
  [100n, USD, '1 USD'],
  [123_456n, USD, '1234.56 USD'],
  [10_000n, pathUSD, '0.01 pathUSD'],
  [7n, WHOLE, '7 PIECE'],
])('%i reads %o', (value, currency, text) => {
  expect(formatAmount(amount(value, currency))).toBe(text)
})

test('formatted amounts can be parsed again', () => {
  fc.assert(
    fc.property(values, currencies, (value, currency) => {
      const [text = ''] = formatAmount(amount(value, currency)).split(' ')
      expect(parseAmount(text, currency).value).toBe(value)
    }),
  )
})

test('sums, differences and order match those of integers', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: MOST / 2n }), fc.bigInt({ min: 0n, max: MOST / 2n }), (x, y) => {
      const [a, b] = [amount(x, USD), amount(y, USD)]
      const sum = add(a, b)
      expect(sum.value).toBe(x + y)
      expect(subtract(sum, b)).toEqual(a)
      expect(compare(a, b)).toBe(x < y ? -1 : x > y ? 1 : 0)
    }),
  )
})

test('no result is below zero or above a word', () => {
  expect(() => subtract(zero(USD), amount(1n, USD))).toThrow(RangeError)
  expect(() => add(amount(MOST, USD), amount(1n, USD))).toThrow(RangeError)
})

test.each([
  ['add', add],
  ['subtract', subtract],
  ['compare', compare],
])('%s refuses two currencies, of the same symbol and peg too', (_name, operation) => {
  const other = CURRENCIES.testPathUSD
  expect(other.symbol).toBe(pathUSD.symbol)
  expect(() => operation(amount(1n, pathUSD), amount(1n, other))).toThrow(
    new TypeError('pathUSD and pathUSD cannot be combined'),
  )
  expect(() => operation(amount(1n, pathUSD), amount(1n, USD))).toThrow(TypeError)
})

import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  amount,
  CURRENCIES,
  count,
  formatUnits,
  parseUnits,
  token,
  UNIT_DECIMALS,
} from '../../src/money/index.js'

const UNIT = 'iso4217:USD'
const fine = token('eip155:1', `0x${'1'.repeat(40)}`, { symbol: 'FINE', decimals: 18, peg: UNIT })
const ten = token('eip155:1', `0x${'2'.repeat(40)}`, { symbol: 'TEN', decimals: 10, peg: UNIT })
const whole = token('eip155:1', `0x${'3'.repeat(40)}`, { symbol: 'WHOLE', decimals: 0, peg: UNIT })
const free = token('eip155:1', `0x${'4'.repeat(40)}`, { symbol: 'USD', decimals: 6 })
const euro = token('eip155:1', `0x${'5'.repeat(40)}`, { symbol: 'EURC', decimals: 6, peg: 'iso4217:EUR' })

test.each([
  ['a cent', amount(1n, CURRENCIES.USD), 10_000_000n],
  ['the smallest part of a stablecoin', amount(1n, CURRENCIES.pathUSD), 1000n],
  ['one of what has no decimals', amount(1n, whole), 1_000_000_000n],
  ['nothing', amount(0n, fine), 0n],
  ['the smallest part of eighteen decimals', amount(1n, fine), 1n],
  ['what comes out even', amount(10n ** 9n, fine), 1n],
  ['a little more than even', amount(10n ** 9n + 1n, fine), 2n],
  ['a tenth of a unit', amount(1n, ten), 1n],
])('%s counts', (_what, sum, units) => {
  expect(count(sum, UNIT)).toBe(units)
})

test.each([
  ['a token that merely calls itself USD', amount(1n, free)],
  ['a token of another unit', amount(1n, euro)],
])('%s has no value in the unit', (_what, sum) => {
  expect(count(sum, UNIT)).toBeUndefined()
})

test('counts are rounded up: parts never count for less than their sum', () => {
  fc.assert(
    fc.property(
      fc.array(fc.bigInt({ min: 0n, max: 10n ** 30n }), { minLength: 1, maxLength: 20 }),
      (parts) => {
        const apart = parts.reduce((sum, part) => sum + (count(amount(part, fine), UNIT) ?? 0n), 0n)
        const whole = parts.reduce((sum, part) => sum + part, 0n)
        expect(apart).toBeGreaterThanOrEqual(count(amount(whole, fine), UNIT) ?? 0n)
        // And by less than one unit for each of them.
        expect(apart * 10n ** 9n).toBeLessThan(whole + BigInt(parts.length) * 10n ** 9n)
      },
    ),
  )
})

test.each([
  ['0.1', 100_000_000n],
  ['5', 5_000_000_000n],
  ['0.000000001', 1n],
  ['0.0000000001', undefined],
  ['-1', undefined],
  ['1e2', undefined],
  ['', undefined],
])('%j in units is %s', (text, units) => {
  expect(parseUnits(text)).toBe(units)
})

test('formatted units are readable, also below zero, and can be parsed again', () => {
  expect(UNIT_DECIMALS).toBe(9)
  expect(formatUnits(100_000_000n, 'USD')).toBe('0.1 USD')
  expect(formatUnits(0n, 'USD')).toBe('0 USD')
  expect(formatUnits(-1n, 'USD')).toBe('-0.000000001 USD')
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 10n ** 40n }), (units) => {
      expect(parseUnits(formatUnits(units, 'USD').replace(' USD', ''))).toBe(units)
    }),
  )
})

import { expect, it } from 'vitest'
import { decode, encode } from '../../src/ledger/json.js'
import { amount, CURRENCIES } from '../../src/money/index.js'

it.each([
  ['bigints of any size', { a: 0n, b: -5n, c: [2n ** 255n, { d: 1n }] }],
  ['texts that begin like a bigint', { a: '#1', b: '##', c: ['#', '#x y'], '#d': '1' }],
  ['amounts', { fiat: amount(5n, CURRENCIES.USD), token: amount(2n ** 256n - 1n, CURRENCIES.pathUSD) }],
  ['a symbol with spaces', { a: amount(1n, { id: 'x:1/y:2', symbol: 'two  words ', decimals: 18 }) }],
  ['an id with spaces', { a: amount(1n, { id: 'x 1', symbol: 'X', decimals: 0, peg: 'iso4217:USD' }) }],
  [
    'what an amount is worth',
    {
      fiat: amount(5n, {
        id: 'iso4217:EUR',
        symbol: 'EUR',
        decimals: 2,
        rate: { unit: 'iso4217:USD', most: '1.12' },
      }),
      pegged: amount(5n, {
        id: 'x:1/y:2',
        symbol: 'E',
        decimals: 6,
        peg: 'x:3',
        rate: { unit: 'x:4', most: '2' },
      }),
      odd: amount(5n, {
        id: 'x:1/y:2',
        symbol: 'E',
        decimals: 6,
        peg: 'x*3',
        rate: { unit: 'x:4', most: '2' },
      }),
    },
  ],
  [
    'what only looks like an amount',
    { a: { value: '1', currency: 'USD' }, b: { value: 1n, currency: 'USD' } },
  ],
  ['names of any kind', { $n: '5', '': null, constructor: true, toString: 1.5 }],
  ['the names that every object inherits', { a: named('__proto__', 5n), b: named('toString', { c: 1n }) }],
])('writes and reads %s', (_, value) => {
  expect(decode(encode(value))).toEqual(value)
})

it('keeps a property called __proto__, and sets no prototype by it', () => {
  const read = decode(encode({ payees: named('__proto__', { value: 7n, list: ['#1', 2n] }), b: undefined }))
  expect(Object.keys(Object(read))).toEqual(['payees'])
  const payees: unknown = Reflect.get(Object(read), 'payees')
  expect(Object.getPrototypeOf(payees)).toBeNull()
  expect(Object.entries(Object(payees))).toEqual([['__proto__', { value: 7n, list: ['#1', 2n] }]])
})

it.each(['{', '{"a":"#x"}', '{"a":"#-5 x:1/y:2 6  X"}'])('refuses %s', (text) => {
  expect(() => decode(text)).toThrowError(expect.objectContaining({ code: 'ledger_corrupt' }))
})

function named(name: string, value: unknown): object {
  return Object.fromEntries([[name, value]])
}

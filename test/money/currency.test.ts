import { expect, test } from 'vitest'
import {
  CURRENCIES,
  type Currency,
  currencyTable,
  fiat,
  isProductionNetwork,
  token,
} from '../../src/money/index.js'

const ADDRESS = '0x20C0000000000000000000000000000000000001'
const mine = token('eip155:31337', ADDRESS, { symbol: 'Mine', decimals: 6, peg: 'iso4217:USD' })

test('a token is named by its network and its address in lower case', () => {
  expect(mine).toEqual({
    id: `eip155:31337/erc20:${ADDRESS.toLowerCase()}`,
    symbol: 'Mine',
    decimals: 6,
    peg: 'iso4217:USD',
  })
  expect(Object.isFrozen(mine)).toBe(true)
  expect(fiat('EUR', 2)).toEqual({ id: 'iso4217:EUR', symbol: 'EUR', decimals: 2 })
})

test('the built-in table: each id once, frozen, dollars of Tempo with six decimals', () => {
  const all = Object.values(CURRENCIES)
  expect(new Set(all.map(({ id }) => id)).size).toBe(all.length)
  expect(Object.isFrozen(CURRENCIES)).toBe(true)
  const table = currencyTable()
  for (const currency of all) {
    expect(Object.isFrozen(currency)).toBe(true)
    expect(table.get(currency.id)).toBe(currency)
  }
  for (const { id, decimals, peg } of all.filter((currency) => currency !== CURRENCIES.USD)) {
    expect(id).toMatch(/^eip155:(4217|42431)\/erc20:0x20c0[0-9a-f]{36}$/)
    expect({ decimals, peg }).toEqual({ decimals: 6, peg: 'iso4217:USD' })
  }
})

test('the table ignores the case of addresses, and finds no token of another chain', () => {
  const table = currencyTable([mine])
  expect(table.token('eip155:31337', ADDRESS)).toEqual(mine)
  expect(table.token('eip155:31337', ADDRESS.toLowerCase())).toEqual(mine)
  expect(table.token('eip155:1', ADDRESS)).toBeUndefined()
  expect(table.get('iso4217:EUR')).toBeUndefined()
})

test("the user's own currency is kept with its id in lower case", () => {
  const own = { id: `eip155:5/erc20:${ADDRESS}`, symbol: 'Own', decimals: 0 }
  const table = currencyTable([own])
  own.decimals = 18
  expect(table.token('eip155:5', ADDRESS)).toEqual({ id: own.id.toLowerCase(), symbol: 'Own', decimals: 0 })
  expect(Object.isFrozen(table.token('eip155:5', ADDRESS))).toBe(true)
})

test('a known currency may be repeated, but not contradicted', () => {
  const { pathUSD } = CURRENCIES
  expect(currencyTable([{ ...pathUSD, symbol: 'my dollar' }]).get(pathUSD.id)?.symbol).toBe('my dollar')
  const lie = /already known with other decimals or another peg/
  expect(() => currencyTable([{ ...pathUSD, decimals: 18 }])).toThrow(lie)
  expect(() => currencyTable([{ ...pathUSD, peg: 'iso4217:EUR' }])).toThrow(lie)
  expect(() => currencyTable([mine, { ...mine, decimals: 5 }])).toThrow(lie)
})

const GOOD = { id: 'iso4217:EUR', symbol: 'EUR', decimals: 2 }
test.each<[string, Record<string, unknown>, RegExp]>([
  ['no id', { id: undefined }, /needs an id/],
  ['an id without a namespace', { id: 'EUR' }, /needs an id/],
  ['an id with a space', { id: 'iso4217:E UR' }, /needs an id/],
  ['no symbol', { symbol: '' }, /symbol of 1 to 20/],
  ['a long symbol', { symbol: 'x'.repeat(21) }, /symbol of 1 to 20/],
  ['a symbol that is no text', { symbol: 1 }, /symbol of 1 to 20/],
  ['decimals as text', { decimals: '2' }, /decimals from 0 to 36/],
  ['half a decimal', { decimals: 0.5 }, /decimals from 0 to 36/],
  ['negative decimals', { decimals: -1 }, /decimals from 0 to 36/],
  ['too many decimals', { decimals: 37 }, /decimals from 0 to 36/],
  ['a peg that is no text', { peg: true }, /peg of iso4217:EUR/],
])('a currency with %s is refused', (_what, wrong, message) => {
  const currency: Currency = Object.assign({ ...GOOD }, wrong)
  expect(() => currencyTable([currency])).toThrow(TypeError)
  expect(() => currencyTable([currency])).toThrow(message)
})

test('money is real only on the listed networks', () => {
  for (const network of ['eip155:4217', 'eip155:1', 'eip155:8453', 'stripe:live'])
    expect(isProductionNetwork(network)).toBe(true)
  for (const network of ['eip155:42431', 'eip155:31337', 'stripe:test', 'EIP155:1', '1', ''])
    expect(isProductionNetwork(network)).toBe(false)
})

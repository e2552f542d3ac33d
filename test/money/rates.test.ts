import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  amount,
  areRates,
  CURRENCIES,
  type Currency,
  count,
  currencyTable,
  fiat,
  formatDecimal,
  type Rates,
  token,
} from '../../src/money/index.js'
import { partsWithin, withRates } from '../../src/money/rates.js'

const UNIT = 'iso4217:USD'
const ETH = 'eip155:8453/slip44:60'
const BTC = 'bip122:000000000019d6689c085ae165831e93/slip44:0'
const EURC = '0x60a3E35Cc302bFA44Cb288Bc5a4F316Fdb1adb42'
const eurc = token('eip155:8453', EURC, { symbol: 'EURC', decimals: 6, peg: 'iso4217:EUR' })
const odd = token('eip155:8453', `0x${'7'.repeat(40)}`, { symbol: 'EUR', decimals: 6 })

const table = (rates: Rates, unit = UNIT) => withRates(currencyTable([eurc, odd]), rates, unit)

/** What so many smallest parts of a currency of the table come to in units. */
function worth(rates: Rates, id: string, parts: bigint, unit = UNIT): bigint | undefined {
  const currency = table(rates, unit).get(id)
  return currency === undefined ? undefined : count(amount(parts, currency), unit)
}

test.each<[string, Rates, string, bigint, bigint | undefined]>([
  ['fiat by its code', { EUR: '1.12' }, 'iso4217:EUR', 500n, 5_600_000_000n],
  ['fiat by its id', { 'iso4217:JPY': '0.0068' }, 'iso4217:JPY', 100n, 680_000_000n],
  ['three decimals', { KWD: '3.25' }, 'iso4217:KWD', 1000n, 3_250_000_000n],
  ['ether on a chain of its own', { [ETH]: '4000' }, ETH, 10n ** 18n, 4_000_000_000_000n],
  ['the smallest part of ether, rounded up', { [ETH]: '4000' }, ETH, 1n, 1n],
  ['a satoshi', { [BTC]: '120000' }, BTC, 1000n, 1_200_000n],
  ['a millisatoshi', { [BTC]: '120000' }, BTC, 1n, 1200n],
  ['what is pegged to what has a rate', { EUR: '1.12' }, eurc.id, 1_000_000n, 1_120_000_000n],
  ['the rate of its own before that of its peg', { EUR: '1.12', [eurc.id]: '1.2' }, eurc.id, 1n, 1200n],
  [
    'a token by an id in capitals',
    {
      [eurc.id.toUpperCase().replace('EIP155', 'eip155').replace('ERC20', 'erc20').replace('0X', '0x')]:
        '1.2',
    },
    eurc.id,
    1n,
    1200n,
  ],
  ['the unit, whatever is said of it', { USD: '0.5' }, UNIT, 1n, 10_000_000n],
  [
    'what is pegged to the unit',
    { [CURRENCIES.pathUSD.id]: '0.5', USD: '0.1' },
    CURRENCIES.pathUSD.id,
    1n,
    1000n,
  ],
])('%s counts', (_what, rates, id, parts, units) => {
  expect(areRates(rates)).toBe(true)
  expect(worth(rates, id, parts)).toBe(units)
})

test('dollars count in a policy of euros', () => {
  expect(worth({ USD: '0.9' }, CURRENCIES.pathUSD.id, 1_000_000n, 'iso4217:EUR')).toBe(900_000_000n)
  expect(worth({ USD: '0.9' }, UNIT, 100n, 'iso4217:EUR')).toBe(900_000_000n)
})

test.each<[string, Rates, string]>([
  ['fiat without a rate', {}, 'iso4217:EUR'],
  ['ether without a rate', { EUR: '1.12' }, ETH],
  ['ether of another chain', { 'eip155:1/slip44:60': '4000' }, ETH],
  ['a token that only calls itself EUR', { EUR: '1.12' }, odd.id],
])('%s is known, and has no value', (_what, rates, id) => {
  expect(table(rates).get(id)).toMatchObject({ id })
  expect(worth(rates, id, 1n)).toBeUndefined()
})

test.each([
  'iso4217:DAI',
  'iso4217:eur',
  'iso4217:EURO',
  'eip155:8453/slip44:61',
  'eip155:1/slip44:60/x',
  '',
])('%j is unknown', (id) => {
  expect(table({ EUR: '1.12' }).get(id)).toBeUndefined()
})

test.each<[string, object]>([
  ['the symbol of a token', { DAI: '1' }],
  ['a coin by its symbol', { ETH: '4000' }],
  ['a code in small letters', { eur: '1.12' }],
  ['a number', { EUR: 1.12 }],
  ['nothing', { EUR: '0' }],
  ['less than nothing', { EUR: '-1' }],
  ['a sum', { EUR: '1.12 USD' }],
  ['more decimals than there are', { EUR: `0.${'0'.repeat(18)}1` }],
  ['an exponent', { EUR: '1e3' }],
])('%s is not a rate', (_what, rates) => {
  expect(areRates(rates)).toBe(false)
})

test('decimals are those of card charges', () => {
  const known = ['JPY', 'EUR', 'KWD', 'ISK', 'UGX', 'MGA', 'KRW'].map((code) =>
    table({}).get(`iso4217:${code}`),
  )
  expect(known.map((one) => one?.decimals)).toEqual([0, 2, 3, 2, 2, 0, 0])
})

test('the user’s entry for a currency wins', () => {
  const own = withRates(currencyTable([fiat('JPY', 2)]), { JPY: '0.01' }, UNIT)
  expect(own.get('iso4217:JPY')).toEqual({ ...fiat('JPY', 2), rate: { unit: UNIT, most: '0.01' } })
  expect(own.token('eip155:8453', EURC)).toBeUndefined()
  expect(table({ EUR: '1.12' }).token('eip155:8453', EURC)?.rate).toEqual({ unit: UNIT, most: '1.12' })
})

test('a rate in one unit does not apply in another', () => {
  const euro = table({ EUR: '1.12' }).get('iso4217:EUR')
  expect(euro && count(amount(1n, euro), 'iso4217:GBP')).toBeUndefined()
})

const rated = fc
  .record({ decimals: fc.integer({ min: 0, max: 24 }), rate: fc.bigInt({ min: 1n, max: 10n ** 24n }) })
  .map(({ decimals, rate }): Currency => {
    const most = formatDecimal(rate, 18)
    return { id: 'x:1/y:2', symbol: 'X', decimals, rate: { unit: UNIT, most } }
  })
const parts = fc.bigInt({ min: 0n, max: 10n ** 30n })

describe('counting at a rate', () => {
  test('parts never count for less than their sum, and more never counts for less', () => {
    fc.assert(
      fc.property(rated, parts, parts, (currency, a, b) => {
        const units = (value: bigint) => count(amount(value, currency), UNIT) ?? -1n
        expect(units(a) + units(b)).toBeGreaterThanOrEqual(units(a + b))
        expect(units(a + b)).toBeGreaterThanOrEqual(units(a))
        if (a > 0n) expect(units(a)).toBeGreaterThan(0n)
      }),
    )
  })

  test('the largest amount within a limit does not exceed it, and one part more does', () => {
    fc.assert(
      fc.property(rated, parts, (currency, limit) => {
        const most = partsWithin(limit, currency, UNIT) ?? -1n
        expect(count(amount(most, currency), UNIT)).toBeLessThanOrEqual(limit)
        expect(count(amount(most + 1n, currency), UNIT)).toBeGreaterThan(limit)
      }),
    )
    expect(partsWithin(1n, odd, UNIT)).toBeUndefined()
  })
})

import { describe, expect, test } from 'vitest'
import { fiat, formatAmount } from '../../../src/money/index.js'
import type { JsonObject } from '../../../src/protocol/index.js'
import { type StripeClientOptions, stripe } from '../../../src/wallet/stripe/index.js'
import { BOUNDS, payable, unpayable } from '../tempo/harness.js'
import { ask, offer, offerWith, SELLER, scripted, stripeContext } from './harness.js'

/** Nothing is asked of Stripe to read an offer. */
const silent = scripted(() => {
  throw new Error('a quote asks nobody')
})
const make = (more: Partial<StripeClientOptions> = {}) =>
  stripe({ client: silent, paymentMethod: 'pm_1', livemode: false, ...more })

describe('terms', () => {
  test('are the normal form of the charge, without a network call', async () => {
    const { terms, wallet, goodUntil, lane } = payable(await ask(make({ account: 'acct_1' }), offer()))
    expect(wallet).toBe('stripe:test:acct_1')
    expect(terms).toMatchObject({
      purpose: 'pay',
      kind: 'stripe/charge',
      network: 'stripe:test',
      exact: true,
    })
    expect(formatAmount(terms.most)).toBe('1 USD')
    expect(terms.most.currency.id).toBe('iso4217:USD')
    expect(terms.payees).toEqual([{ id: SELLER, amount: terms.most }])
    expect(terms.fee).toBeUndefined()
    expect(lane).toBeUndefined()
    expect(goodUntil).toBeLessThanOrEqual(Date.now() + 60_000)
    expect(silent.log).toEqual([])
  })

  test('contain no text of the server', async () => {
    const words = { description: 'tea', externalId: 'order', recipient: 'somebody', decimals: 6 }
    const [one, two] = [payable(await ask(make(), offer())), payable(await ask(make(), offer(words)))]
    expect(two.terms).toEqual(one.terms)
  })

  test.each([
    ['jpy', '250', '250 JPY', 0],
    ['eur', '250', '2.5 EUR', 2],
    ['EUR', '250', '2.5 EUR', 2],
    ['huf', '20000', '200 HUF', 2],
    ['isk', '500', '5 ISK', 2],
    ['ugx', '500', '5 UGX', 2],
    ['mga', '500', '500 MGA', 0],
    ['kwd', '1230', '1.23 KWD', 3],
  ])('count %s %s as Stripe does: %s', async (currency, amount, text, decimals) => {
    const { terms } = payable(await ask(make(), offer({ currency, amount })))
    expect(formatAmount(terms.most)).toBe(text)
    expect(terms.most.currency.decimals).toBe(decimals)
  })

  test('take rates and pegs from the user, and decimals only from Stripe’s table', async () => {
    const own = [{ ...fiat('EUR', 6), peg: 'iso4217:USD' }]
    const quote = payable(
      await make().quote(offer({ currency: 'eur', amount: '250' }), stripeContext({}, own)),
    )
    expect(quote.terms.most.currency).toMatchObject({ id: 'iso4217:EUR', decimals: 2, peg: 'iso4217:USD' })
  })
})

describe('an offer is not paid', () => {
  const details = (more: JsonObject) => ({
    methodDetails: { networkId: SELLER, paymentMethodTypes: ['card'], ...more },
  })
  test.each<[string, JsonObject, string]>([
    ['with a fraction for an amount', { amount: '1.00' }, 'whole number'],
    ['with a number for an amount', { amount: 100 }, 'whole number'],
    ['with a sign', { amount: '-100' }, 'whole number'],
    ['of nothing', { amount: '0' }, 'zero'],
    ['of more than any integer of Stripe', { amount: '1000000000000' }, 'whole number'],
    ['in no currency', { currency: 'dollars' }, 'currency'],
    ['in a currency that nobody knows', { currency: 'zzz' }, 'ZZZ'],
    ['without details', { methodDetails: 'x' }, 'methodDetails'],
    ['without a seller', { methodDetails: { paymentMethodTypes: ['card'] } }, 'networkId'],
    ['for a seller that is a path', details({ networkId: 'a/../b' }), 'networkId'],
    ['without types', details({ paymentMethodTypes: [] }), 'paymentMethodTypes'],
    ['with metadata that is none', details({ metadata: { a: 1 } }), 'metadata'],
    ['with a form in its metadata', details({ metadata: { 'a][b': 'c' } }), 'metadata'],
    ['with an order in its metadata', details({ metadata: { externalId: 'x' } }), 'metadata'],
    ['with a flood of metadata', details({ metadata: { a: 'x'.repeat(501) } }), 'metadata'],
    ['with an order that is no text', { externalId: { a: 1 } }, 'externalId'],
    ['finer than its currency', { currency: 'isk', amount: '550' }, 'finer'],
    ['finer than card networks', { currency: 'kwd', amount: '1234' }, 'finer'],
    [
      'of less than Stripe charges',
      { amount: '49' },
      '0.49 USD is below the minimum of Stripe in USD: 0.5 USD',
    ],
    ['of less yen than Stripe charges', { currency: 'jpy', amount: '49' }, '49 JPY is below'],
  ])('%s', async (_, request, message) => {
    expect(unpayable(await ask(make(), offer(request))).unpayable).toContain(message)
  })

  test('in an unknown currency, by that code', async () => {
    expect(unpayable(await ask(make(), offer({ currency: 'zzz' }))).code).toBe('unknown_currency')
  })

  test('that does not take this type of payment method', async () => {
    const wallet = make({ paymentMethodTypes: ['link'] })
    expect(unpayable(await ask(wallet, offer())).unpayable).toContain('type of payment method')
    payable(await ask(wallet, offerWith({ paymentMethodTypes: ['card', 'link'] })))
  })

  test.each([
    [-1, 'has expired'],
    [4_000, 'too little time'],
    [Number.NaN, 'cannot be read'],
  ])('that ends in %s ms', async (ms, message) => {
    const now = Date.now()
    expect(unpayable(await ask(make(), offer({}, { expires: now + ms }), { now })).unpayable).toContain(
      message,
    )
  })

  test('if the policy leaves too little time', async () => {
    const bounds = { ...BOUNDS, maxValidityMs: 1_000 }
    expect(unpayable(await ask(make(), offer(), { bounds })).unpayable).toContain('too little time')
  })
})

test.each([
  ['the offer', {}, { expires: 30_000 }, 30],
  ['the policy', { bounds: { ...BOUNDS, maxValidityMs: 20_000 } }, { expires: 3_600_000 }, 20],
  ['the wallet', { bounds: { ...BOUNDS, maxValidityMs: 7_200_000 } }, { expires: 9_000_000 }, 600],
])('a token lives as long as %s lets it', async (_, more, { expires }, seconds) => {
  const now = 1_800_000_000_000
  const { goodUntil } = payable(await ask(make(), offer({}, { expires: now + expires }), { now, ...more }))
  expect(goodUntil).toBe(now + seconds * 1_000)
})

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { amount, type Currency, fiat } from '../../src/money/index.js'
import type { Candidate } from '../../src/pay/authorize/candidates.js'
import { costOf, rank } from '../../src/pay/authorize/rank.js'
import { createPolicy, type Terms } from '../../src/policy/index.js'
import { likingOf } from '../../src/protocol/accept-payment.js'
import type { Preference } from '../../src/protocol/index.js'
import { TestClock } from '../ledger/fixtures.js'
import { BASE, call, context, facts } from '../policy/fixtures.js'
import { fakeWallet, offer, Rail } from './peers.js'

const UNIT = 'iso4217:USD'
const usd = fiat('USD', 2)
const policy = createPolicy(BASE)
const at = call()
const bounds = policy.bounds(at, context())

interface Spec {
  readonly kind?: Terms['kind']
  readonly wallet?: string
  readonly effect?: 'allow' | 'ask' | 'deny'
  readonly price?: number
  readonly usual?: number
  readonly bound?: number
  readonly locks?: number
  readonly exact?: boolean
  readonly payee?: string
  readonly network?: string
  readonly currency?: Currency
}

function candidate(spec: Spec): Candidate {
  const { kind = 'tempo/charge', wallet: id = 'w', effect = 'allow', price = 10, currency = usd } = spec
  const { usual = 0, bound = usual, locks, exact = true, payee = '0xaa', network = 'eip155:4217' } = spec
  const sum = (cents: number) => amount(BigInt(cents), currency)
  const terms: Terms = {
    purpose: 'pay',
    kind,
    network,
    most: sum(price),
    exact,
    payees: [{ id: payee, amount: sum(price) }],
    ...(bound === 0 ? {} : { fee: { bound: sum(bound), usual: sum(usual) } }),
    ...(locks === undefined ? {} : { locks: sum(locks) }),
  }
  const challenge = offer({ kind })
  const decision = { ...policy.evaluate(terms, at, context(), facts()), effect }
  const wallet = fakeWallet(new Rail(), new TestClock(), { id, kinds: [kind] })
  return { quote: { wallet: id, challenge, resource: at, terms }, wallet, bounds, decision }
}

const best = (candidates: readonly Candidate[], prefer: readonly Preference[] = []): Candidate | undefined =>
  rank(candidates, { prefer, policy })[0]

const euro = fiat('EUR', 2)

describe('the better of two', () => {
  it.each<[string, Spec, Spec, (readonly Preference[])?]>([
    [
      'is allowed, before it is preferred',
      { price: 90 },
      { kind: 'evm/charge', effect: 'ask' },
      [{ kind: 'evm/charge' }],
    ],
    ['needs asking, before it is denied', { price: 90, effect: 'ask' }, { effect: 'deny' }],
    [
      'is liked more, before it is cheaper',
      { kind: 'stripe/charge', price: 90 },
      {},
      [{ kind: 'tempo/*', q: 0.5 }],
    ],
    [
      'is named first, of two liked alike',
      { kind: 'stripe/charge', price: 90 },
      {},
      [{ kind: 'stripe/*' }, { kind: '*/*' }],
    ],
    ['is cheaper with its usual fee', { price: 11 }, { price: 10, usual: 2 }],
    ['is cheaper, whatever it puts at risk', { price: 10, locks: 500 }, { price: 11 }],
    ['can be counted', { price: 90 }, { currency: euro, price: 1 }],
    ['has the lower bound on its fee', { usual: 1, bound: 2 }, { usual: 1, bound: 3 }],
    ['locks up less', { kind: 'tempo/session', locks: 50 }, { kind: 'tempo/session', locks: 60 }],
    ['locks up nothing', {}, { kind: 'a/session', locks: 1 }],
    ['has an exact price', { kind: 'x402/exact' }, { kind: 'x402/batch', exact: false }],
    ['is first by name where nothing else differs', { payee: '0xaa' }, { payee: '0xbb' }],
    ['is the wallet first by name where terms are the same', { wallet: 'a' }, { wallet: 'b' }],
  ])('%s', (_what, better, worse, prefer = []) => {
    const [good, bad] = [candidate(better), candidate(worse)]
    expect(best([good, bad], prefer)).toBe(good)
    expect(best([bad, good], prefer)).toBe(good)
  })
})

describe('what an offer costs', () => {
  it('is the expected cost, and the most that it can take or lock up', () => {
    const { quote } = candidate({ price: 10, usual: 1, bound: 3, locks: 100 })
    expect(costOf(quote.terms, UNIT)).toEqual({ expected: 110_000_000n, atRisk: 1_130_000_000n })
  })

  it('is the upper limit if the price is not known', () => {
    const { quote } = candidate({ price: 10, exact: false })
    expect(costOf(quote.terms, UNIT)).toEqual({ expected: 100_000_000n, atRisk: 100_000_000n })
  })

  it('is unknown if a part of it cannot be counted', () => {
    expect(costOf(candidate({ currency: euro }).quote.terms, UNIT)).toBeUndefined()
  })
})

describe('the preference for a kind', () => {
  const prefer: readonly Preference[] = [
    { kind: 'tempo/*' },
    { kind: 'tempo/session', q: 0.95 },
    { kind: 'stripe/charge', q: 0.5 },
    { kind: 'lightning/*', q: 0 },
  ]
  it.each([
    ['tempo/charge', { q: 1, place: 0 }],
    ['tempo/session', { q: 0.95, place: 1 }],
    ['stripe/charge', { q: 0.5, place: 2 }],
    ['lightning/charge', { q: 0, place: 3 }],
    // After the kinds with a full preference, before those with a lower one.
    ['evm/charge', { q: 0.9, place: 4 }],
  ] as const)('%s', (kind, liking) => {
    expect(likingOf(prefer, kind)).toEqual(liking)
  })

  it('is equal if nothing is preferred', () => {
    expect(likingOf([], 'tempo/charge')).toEqual(likingOf([], 'stripe/charge'))
  })
})

const spec: fc.Arbitrary<Spec> = fc.record(
  {
    kind: fc.constantFrom('tempo/charge', 'tempo/session', 'stripe/charge', 'x402/exact', 'x402/upto'),
    wallet: fc.constantFrom('a', 'b'),
    effect: fc.constantFrom('allow', 'ask', 'deny'),
    price: fc.integer({ min: 0, max: 3 }),
    usual: fc.integer({ min: 0, max: 2 }),
    locks: fc.constantFrom(1, 2),
    exact: fc.boolean(),
    payee: fc.constantFrom('0xaa', '0xbb'),
    network: fc.constantFrom('eip155:1', 'eip155:8453'),
    currency: fc.constantFrom(usd, euro),
  },
  { requiredKeys: [] },
)
const preferences = fc.uniqueArray(
  fc.record<Preference>({
    kind: fc.constantFrom('tempo/charge', 'tempo/*', '*/charge', 'x402/*', 'stripe/charge', '*/*'),
    q: fc.constantFrom(0.2, 0.5, 0.9, 1),
  }),
  { selector: ({ kind }) => kind, maxLength: 4 },
)

it('the same offers are ranked alike in any order of the server', () => {
  const lists = fc
    .array(spec, { minLength: 1, maxLength: 7 })
    .map((specs) => specs.map(candidate))
    .chain((all) =>
      fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length }), preferences),
    )
  fc.assert(
    fc.property(lists, ([all, shuffled, prefer]) => {
      expect(rank(shuffled, { prefer, policy })).toEqual(rank(all, { prefer, policy }))
    }),
    { numRuns: 300 },
  )
})

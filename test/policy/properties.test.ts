import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type AskDocument,
  type BudgetDocument,
  type Context,
  counterKey,
  createPolicy,
  type Decision,
  type Facts,
  type PolicyDocument,
  type RulesDocument,
  type Terms,
  type VendorDocument,
} from '../../src/policy/index.js'
import { rollingWindow } from '../../src/policy/windows.js'
import type { HttpResource } from '../../src/protocol/index.js'
import { call, context, facts, NOW, SHOP, type TermsSpec, terms } from './fixtures.js'

const OTHER = 'https://other.example'
/** A value that is drawn more often than others. */
const many = <T>(value: T): readonly T[] => Array.from({ length: 6 }, () => value)

const RAIL = 'tempo/charge@eip155:4217'
/** Prices lie among the limits, so that both sides of each are met; most payments pass most rules. */
const PRICES = ['0', '0.001', '0.002', '0.01', '0.3'] as const
const sum = fc.constantFrom('0.005', '0.05', '0.5', '1', '2', '5')

const budget: fc.Arbitrary<BudgetDocument> = fc.oneof(
  fc.record({ limit: sum, per: fc.constantFrom('day', 'month', 'task', 'ever') }),
  fc.record({
    limit: sum,
    per: fc.constantFrom('day', 'hour'),
    each: fc.constantFrom('vendor', 'payee', 'task', 'category'),
  }),
  fc.record({ limit: sum, per: fc.constantFrom('1h', '30d'), rolling: fc.constant(true) }),
  fc.record({ payments: fc.integer({ min: 1, max: 3 }), per: fc.constantFrom('minute', 'day') }),
)

/** Rules that ask. `newPayee` is not among them: it turns a denial into a question, by design. */
const asking: fc.Arbitrary<AskDocument> = fc.oneof(
  sum.map((above) => ({ above })),
  fc.constantFrom<AskDocument>(
    { newVendor: true },
    { category: 'food' },
    { priceJump: 2 },
    { aboveAdvertised: true },
  ),
)

const optional = { requiredKeys: [] as never[] }
const vendor: fc.Arbitrary<VendorDocument> = fc.record(
  {
    origin: fc.constantFrom(SHOP, SHOP, OTHER),
    methods: fc.constantFrom(['GET', 'POST'], ['GET']),
    paths: fc.constantFrom(['/v1/**'], ['/v1/*', '/v2/**'], ['/v1/*']),
    category: fc.constantFrom('food', 'search'),
    payees: fc.oneof(fc.constant('any' as const), fc.constantFrom(['x', 'y', 'z'], ['x', 'y'])),
    perPayment: sum,
    deposit: sum,
  },
  { requiredKeys: ['origin'] },
)

const repeat: fc.Arbitrary<NonNullable<RulesDocument['repeat']>> = fc.record(
  {
    within: fc.constantFrom('1m', '1h'),
    // biome-ignore lint/suspicious/noThenProperty: a key of the document
    then: fc.constantFrom('ask', 'deny'),
    unlessKeyed: fc.constant(true),
  },
  { requiredKeys: ['within', 'then'] },
)

const everyRule: fc.Arbitrary<RulesDocument> = fc.record({
  perPayment: sum,
  maxFee: sum,
  perTask: sum,
  deposits: sum,
  budgets: fc.array(budget, { maxLength: 3 }),
  unlisted: fc.constantFrom('deny', 'ask', 'allow'),
  vendors: fc.array(vendor, { maxLength: 4 }),
  currencies: fc.constantFrom(['USD'], ['USD', 'iso4217:USD']),
  networks: fc.constantFrom(['tempo', 'stripe'], ['stripe', 'eip155:42431'], ['tempo', 'eip155:42431']),
  ask: fc.array(asking, { maxLength: 3 }),
  repeat,
})

/** A few rules of all: with every one of them nothing would ever be paid. */
const rules: fc.Arbitrary<RulesDocument> = fc
  .tuple(
    everyRule,
    fc.subarray(
      [
        'maxFee',
        'perTask',
        'deposits',
        'budgets',
        'unlisted',
        'vendors',
        'currencies',
        'networks',
        'ask',
        'repeat',
      ],
      { maxLength: 4 },
    ),
  )
  .map(([all, keys]) => Object.fromEntries(Object.entries(all).filter(([key]) => keys.includes(key))))

const document: fc.Arbitrary<PolicyDocument> = fc
  .tuple(
    rules,
    fc.oneof(
      { weight: 2, arbitrary: fc.constant(undefined) },
      { weight: 1, arbitrary: fc.dictionary(fc.constantFrom('a', 'b', '*'), rules, { maxKeys: 2 }) },
    ),
    fc.boolean(),
    fc.constantFrom(...many(true), false),
  )
  .map(([base, agents, unlimited, plain]) => ({
    ...base,
    perPayment: base.perPayment ?? '1',
    vendors: [...(base.vendors ?? []), ...(plain ? [{ origin: SHOP }] : [])],
    budgets: [...(base.budgets ?? []), { limit: '100', per: 'year' as const }],
    ...(agents === undefined ? {} : { agents }),
    unlimited,
  }))

interface Asked {
  readonly terms: Terms
  readonly resource: HttpResource
  readonly context: Context
  readonly facts: Facts
}

const asked: fc.Arbitrary<Asked> = fc
  .record({
    spec: fc.record(
      {
        price: fc.constantFrom(...PRICES),
        fee: fc.constantFrom('0.001', '0.06'),

        network: fc.constantFrom(...many('eip155:4217'), 'eip155:42431'),
      },
      optional,
    ),
    payees: fc.dictionary(fc.constantFrom('x', 'y'), fc.constantFrom('0.001', '0.0005'), {
      minKeys: 1,
      maxKeys: 2,
    }),
    locks: fc.constantFrom(...many({}), { locks: '0.01' }, { locks: '0.7' }),
    url: fc.constantFrom(...many(`${SHOP}/v1/a`), `${SHOP}/v2/a/b`, `${OTHER}/v1/a`),
    method: fc.constantFrom('GET', 'GET', 'POST'),
    agent: fc.constantFrom(...many('a'), 'b', 'c'),
    tasks: fc.constantFrom([], ['t'], ['t', 'u']),
    pin: fc.option(fc.constantFrom(['x', 'y'], ['x']), { nil: undefined }),
    knownVendor: fc.boolean(),
    granted: fc.boolean(),
    denied: fc.constantFrom(...many(false), true),
    usual: fc.option(fc.constantFrom(1_000_000n, 500_000_000n), { nil: undefined }),
  })
  .map((one) => {
    const spec: TermsSpec = { ...one.spec, ...one.locks, payees: one.payees }
    const paid = terms(spec)
    const grant = {
      id: 'g',
      agent: one.agent,
      vendor: new URL(one.url).origin,
      rail: RAIL,
      by: 'Ann',
      unit: 'iso4217:USD',
      until: NOW + 1000,
      upTo: 600_000_000n,
      total: 700_000_000n,
      payees: ['x', 'y', '0x5a0b'],
    }
    return {
      terms: paid,
      resource: call(one.url, one.method),
      context: context({ agent: one.agent, tasks: one.tasks }),
      facts: facts({
        knownVendor: one.knownVendor,
        grants: one.granted ? [grant] : [],
        denied: one.denied ? [paid] : [],
        ...(one.pin === undefined ? {} : { pins: { [RAIL]: one.pin } }),
        ...(one.usual === undefined ? {} : { usual: { [RAIL]: one.usual }, advertised: one.usual }),
      }),
    }
  })

type Tightening = (document: PolicyDocument) => PolicyDocument

const lower = (old: string | undefined, to: string): string =>
  old === undefined || Number(to) < Number(old) ? to : old

/** One way to be stricter. Each may be put on any document, and makes sense of what it finds there. */
const tightening: fc.Arbitrary<Tightening> = fc.oneof(
  sum.map(
    (to): Tightening =>
      (d) => ({ ...d, perPayment: lower(d.perPayment, to) }),
  ),
  sum.map(
    (to): Tightening =>
      (d) => ({ ...d, maxFee: lower(d.maxFee, to) }),
  ),
  sum.map(
    (to): Tightening =>
      (d) => ({ ...d, perTask: lower(d.perTask, to) }),
  ),
  // Without any limit on deposits none may be made: giving one is no tightening.
  sum.map(
    (to): Tightening =>
      (d) =>
        d.deposits === undefined ? d : { ...d, deposits: lower(d.deposits, to) },
  ),
  budget.map(
    (one): Tightening =>
      (d) => ({ ...d, budgets: [...(d.budgets ?? []), one] }),
  ),
  asking.map(
    (one): Tightening =>
      (d) => ({ ...d, ask: [...(d.ask ?? []), one] }),
  ),
  fc.constant<Tightening>((d) => ({ ...d, unlisted: d.unlisted === 'allow' ? 'ask' : 'deny' })),
  fc.constant<Tightening>((d) => ({ ...d, unlimited: false })),
  fc.constant<Tightening>((d) => ({ ...d, networks: (d.networks ?? ['tempo', 'stripe']).slice(0, 1) })),
  fc.constant<Tightening>((d) => ({ ...d, currencies: d.currencies ?? ['USD'] })),
  rules.map(
    (one): Tightening =>
      (d) => ({
        ...d,
        // An agent's rules come on top; where there were none, or none for it, this names the one that asks.
        agents: d.agents ?? { a: one },
      }),
  ),
  fc.constant<Tightening>((d) => {
    const { '*': _star, ...named } = d.agents ?? {}
    return d.agents === undefined || Object.keys(named).length === 0 ? d : { ...d, agents: named }
  }),
  vendor.map(
    (by): Tightening =>
      (d) => ({ ...d, vendors: d.vendors?.map((entry) => stricter(entry, by, d.vendors ?? [])) ?? [] }),
  ),
)

/**
 * The same entry, restricted by another: lists intersect where both have one, limits go down. An entry that shares its origin
 * with another keeps its scope: every entry in scope restricts a call, so one that leaves the call out restricts it less.
 */
function stricter(entry: VendorDocument, by: VendorDocument, all: readonly VendorDocument[]): VendorDocument {
  const alone = all.every((other) => other === entry || other.origin !== entry.origin)
  const common = (ours?: readonly string[], theirs?: readonly string[]): readonly string[] | undefined => {
    const both = ours?.filter((one) => theirs?.includes(one) ?? true) ?? theirs
    return both?.length === 0 ? ours : both
  }
  const methods = alone ? common(entry.methods, by.methods) : entry.methods
  const paths = alone ? common(entry.paths, by.paths) : entry.paths
  const { payees } = entry
  const fewer = Array.isArray(payees) ? payees.slice(0, 1) : payees
  return {
    ...entry,
    ...(methods === undefined ? {} : { methods }),
    ...(paths === undefined ? {} : { paths }),
    ...(fewer === undefined ? {} : { payees: fewer }),
    ...(by.perPayment === undefined ? {} : { perPayment: lower(entry.perPayment, by.perPayment) }),
    ...(by.deposit === undefined || entry.deposit === undefined
      ? {}
      : { deposit: lower(entry.deposit, by.deposit) }),
  }
}

function judge(document: PolicyDocument, { terms, resource, context, facts }: Asked): Decision {
  return createPolicy(document).evaluate(terms, resource, context, facts)
}

const RANK = { allow: 0, ask: 1, deny: 2 } as const

/** Is every counter that the one claims claimed by the other too, with no more room? */
function claimsNoLess(strict: Decision, loose: Decision): boolean {
  const limits = new Map(strict.claims.map((claim) => [counterKey(claim), claim]))
  return loose.claims.every((claim) => {
    const other = limits.get(counterKey(claim))
    return other !== undefined && other.limit <= claim.limit && other.amount === claim.amount
  })
}

describe('tightening', () => {
  it('never allows more', () => {
    let compared = 0
    fc.assert(
      fc.property(
        document,
        fc.array(tightening, { minLength: 1, maxLength: 3 }),
        asked,
        (loose, steps, one) => {
          const strict = steps.reduce((so, step) => step(so), loose)
          const [before, after] = [judge(loose, one), judge(strict, one)]
          expect(RANK[after.effect]).toBeGreaterThanOrEqual(RANK[before.effect])
          if (after.effect === 'allow' && after.grant === before.grant) {
            compared++
            expect(claimsNoLess(after, before)).toBe(true)
          }
        },
      ),
      { numRuns: 1500 },
    )
    // The property says something only where some payments are allowed.
    expect(compared).toBeGreaterThan(30)
  })

  it('by the caller never allows more', () => {
    fc.assert(
      fc.property(document, asked, fc.bigInt({ min: 0n, max: 10n ** 9n }), (rules, one, maxAmount) => {
        const capped = { ...one, context: { ...one.context, maxAmount } }
        expect(RANK[judge(rules, capped).effect]).toBeGreaterThanOrEqual(RANK[judge(rules, one).effect])
      }),
      { numRuns: 500 },
    )
  })
})

describe('terms that are no worse', () => {
  it('are never refused if the worse ones were allowed', () => {
    let paid = 0
    fc.assert(
      fc.property(document, asked, (rules, one) => {
        const half = { ...one.terms, payees: one.terms.payees.slice(0, 1) }
        const { fee: _fee, ...free } = one.terms
        // A person's denial is of exactly these terms, and nothing else.
        if (judge(rules, one).effect !== 'allow') return
        paid++
        expect(judge(rules, { ...one, terms: free }).effect).toBe('allow')
        expect(judge(rules, { ...one, terms: half }).effect).toBe('allow')
      }),
      { numRuns: 1000 },
    )
    expect(paid).toBeGreaterThan(30)
  })
})

describe('order', () => {
  it('of rules, vendors and payees does not matter', () => {
    const shuffled = <T>(items: readonly T[] | undefined, turn: number): readonly T[] => {
      const list = [...(items ?? [])].reverse()
      const cut = list.length === 0 ? 0 : turn % list.length
      return [...list.slice(cut), ...list.slice(0, cut)]
    }
    const turned = <R extends RulesDocument>(rules: R, turn: number): R => ({
      ...rules,
      ...(rules.budgets === undefined ? {} : { budgets: shuffled(rules.budgets, turn) }),
      ...(rules.vendors === undefined ? {} : { vendors: shuffled(rules.vendors, turn) }),
      ...(rules.ask === undefined ? {} : { ask: shuffled(rules.ask, turn) }),
    })
    fc.assert(
      fc.property(document, asked, fc.nat(5), (rules, one, turn) => {
        const agents = Object.fromEntries(
          Object.entries(rules.agents ?? {})
            .reverse()
            .map(([agent, own]) => [agent, turned(own, turn)]),
        )
        const other = { ...turned(rules, turn), ...(rules.agents === undefined ? {} : { agents }) }
        const { policy: _one, ...first } = judge(rules, one)
        const reversed = { ...one.terms, payees: [...one.terms.payees].reverse() }
        const { policy: _two, ...second } = judge(other, { ...one, terms: reversed })
        expect(withoutLists(second)).toEqual(withoutLists(first))
      }),
      { numRuns: 500 },
    )
  })
})

/** Lists are quoted in reasons as they were written. */
function withoutLists({ reasons, ...rest }: Omit<Decision, 'policy'>): unknown {
  return { ...rest, reasons: reasons.map(({ rule }) => rule) }
}

describe('evaluation', () => {
  it('is pure', () => {
    fc.assert(
      fc.property(document, asked, (rules, one) => {
        const policy = createPolicy(rules)
        const judgeOnce = () => policy.evaluate(one.terms, one.resource, one.context, one.facts)
        expect(judgeOnce()).toEqual(judgeOnce())
      }),
      { numRuns: 100 },
    )
  })
})

describe('a rolling window', () => {
  it('never under-counts, and over-counts by at most a sixtieth of its length', () => {
    const minutes = fc.integer({ min: 1, max: 100_000 })
    const ago = fc.double({ min: 0, max: 2, noNaN: true })
    fc.assert(
      fc.property(minutes, fc.array(ago, { maxLength: 30 }), fc.nat(10 ** 9), (length, fractions, offset) => {
        const span = length * 60_000
        const now = NOW + offset
        const window = rollingWindow(span)
        const payments = fractions.map((fraction) => now - Math.floor(fraction * span))
        const { from, at } = window.span(now)
        const counted = payments.filter((paid) => window.span(paid).at >= from)
        for (const paid of payments) if (paid > now - span) expect(counted).toContain(paid)
        for (const paid of counted) expect(paid).toBeGreaterThan(now - span - span / 60)
        expect(now - at).toBeLessThan(span / 60)
      }),
    )
  })
})

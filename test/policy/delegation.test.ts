import { describe, expect, it } from 'vitest'
import type { DelegationAsk } from '../../src/policy/delegated-rules.js'
import { planDelegation } from '../../src/policy/delegation.js'
import { createPolicy, documentOf, type PolicyDocument } from '../../src/policy/index.js'

const A = `0x${'a1'.repeat(20)}`
const B = `0x${'b2'.repeat(20)}`
const DAY = 86_400_000
const ONE = 1_000_000_000n

const BASE: PolicyDocument = {
  perPayment: '0.10',
  budgets: [{ limit: '5', per: 'day' }],
  vendors: [{ origin: 'https://api.example', payees: [A] }],
}

function plan(document: PolicyDocument, ask: Partial<DelegationAsk> = {}) {
  const read = documentOf(createPolicy(document))
  if (read === undefined) throw new Error('no document')
  return planDelegation(read, {
    agent: 'agent',
    lifeMs: 30 * DAY,
    tokens: 1,
    headroom: 0n,
    network: 'eip155:4217',
    ...ask,
  })
}

const holders = (document: PolicyDocument, ask: Partial<DelegationAsk> = {}) =>
  Object.fromEntries(plan(document, ask).rules.map(({ rule, holder }) => [rule, holder]))

describe('the budget that a chain enforces', () => {
  it('is a limit with a period, or without one', () => {
    expect(plan(BASE)).toMatchObject({ limit: 5n * ONE, periodMs: DAY })
    const ever = plan({ ...BASE, budgets: [{ limit: '7', per: 'ever' }] })
    expect(ever.limit).toBe(7n * ONE)
    expect(ever.periodMs).toBeUndefined()
  })

  it.each([
    ['minute', 60_000],
    ['hour', 3_600_000],
    ['week', 7 * DAY],
    ['month', 31 * DAY],
    ['year', 366 * DAY],
  ] as const)('of a %s lasts as long as the longest such window', (per, periodMs) => {
    expect(plan({ ...BASE, budgets: [{ limit: '5', per }] }).periodMs).toBe(periodMs)
  })

  it('is the one that allows least over the life of the key', () => {
    const budgets = [
      { limit: '5', per: 'day' },
      { limit: '20', per: '30d', rolling: true },
      { limit: '0.01', per: 'minute' },
    ] as const
    expect(plan({ ...BASE, budgets })).toMatchObject({ limit: 20n * ONE, periodMs: 30 * DAY })
    expect(plan({ ...BASE, budgets }, { lifeMs: DAY })).toMatchObject({ limit: 5n * ONE })
    expect(plan({ ...BASE, budgets }, { lifeMs: 60_000 })).toMatchObject({ limit: ONE / 100n })
  })

  it('never counts by task, by value or in payments', () => {
    const budgets = [
      { limit: '1', per: 'task' },
      { limit: '2', per: 'day', each: 'vendor' },
      { payments: 3, per: 'day' },
      { limit: '9', per: 'day' },
    ] as const
    expect(plan({ ...BASE, perTask: '0.50', budgets })).toMatchObject({ limit: 9n * ONE, periodMs: DAY })
  })

  it('can be chosen by name, and must be enforceable by a chain', () => {
    const document: PolicyDocument = {
      ...BASE,
      budgets: [...(BASE.budgets ?? []), { limit: '20', per: 'month' }],
    }
    expect(plan(document, { budget: 'budget.day' }).limit).toBe(5n * ONE)
    expect(() => plan(document, { budget: 'budget.year' })).toThrow(
      /no budget budget.year.*: it has budget.day, budget.month/,
    )
  })

  it('may come from the rules of the agent', () => {
    const agents = { cook: { budgets: [{ limit: '1', per: 'day' }] } } as const
    expect(plan({ ...BASE, agents }, { agent: 'cook' }).limit).toBe(ONE)
    expect(() => plan({ ...BASE, agents }, { agent: 'thief' })).toThrow(/lets the agent thief pay nothing/)
    expect(plan({ ...BASE, agents: { ...agents, '*': {} } }, { agent: 'other' }).limit).toBe(5n * ONE)
  })

  it('must exist', () => {
    expect(() => plan({ ...BASE, unlimited: true, budgets: [] })).toThrow(/no budget over all payments/)
  })
})

describe('other budgets', () => {
  const budgets = [
    { limit: '5', per: 'day' },
    { limit: '9.99', per: 'hour' },
    { limit: '10', per: 'hour', timezone: 'Europe/Berlin' },
    { limit: '39.99', per: 'week' },
  ] as const

  it('are implied if none of their windows can exceed them', () => {
    const rules = plan({ ...BASE, budgets }, { budget: 'budget.day' }).rules
    const told = rules
      .filter(({ rule }) => rule.startsWith('budget.'))
      .map(({ rule, holder }) => [rule, holder])
    // An hour can reach into two periods, and a week into nine.
    expect(told).toEqual([
      ['budget.day', 'chain'],
      ['budget.hour', 'purser'],
      ['budget.hour', 'chain'],
      ['budget.week', 'purser'],
    ])
    const wide = { ...BASE, budgets: [budgets[0], { limit: '45', per: 'week' }] } as const
    expect(holders(wide, { budget: 'budget.day' })['budget.week']).toBe('chain')
  })

  it('are computed with every token and its headroom', () => {
    const ever = {
      ...BASE,
      budgets: [
        { limit: '5', per: 'ever' },
        { limit: '10', per: 'day' },
      ],
    } as const
    expect(holders(ever, { tokens: 2 })['budget.day']).toBe('chain')
    expect(holders(ever, { tokens: 2, headroom: 1n })['budget.day']).toBe('purser')
    expect(holders(ever, { tokens: 3 })['budget.day']).toBe('purser')
  })
})

describe('recipients', () => {
  it('are the payees of the policy, without those of other rails', () => {
    const vendors = [
      { origin: 'https://a.example', payees: [A.toUpperCase().replace('0X', '0x'), 'acct_123'] },
      { origin: 'https://b.example', payees: [B, A] },
    ]
    expect(plan({ ...BASE, vendors }).recipients).toEqual([A, B])
  })

  it.each([
    ['a vendor whose payees are pinned on first use', { vendors: [{ origin: 'https://a.example' }] }],
    ['a vendor whose payees may be any', { vendors: [{ origin: 'https://a.example', payees: 'any' }] }],
    ['vendors that are not listed', { unlisted: 'ask' }],
  ] as const)('must be listed by the caller if there are %s', (_, more) => {
    const document: PolicyDocument = { ...BASE, ...more }
    expect(() => plan(document)).toThrow(/does not name all payees/)
    expect(plan(document, { recipients: [B.toUpperCase().replace('0X', '0x')] }).recipients).toEqual([B])
  })

  it('can only be a subset of the payees of the policy', () => {
    const vendors = [{ origin: 'https://a.example', payees: [A, B] }]
    expect(plan({ ...BASE, vendors }, { recipients: [B] }).recipients).toEqual([B])
    expect(() => plan(BASE, { recipients: [B] })).toThrow(/the policy does not allow/)
    expect(() => plan(BASE, { recipients: ['acct_1'] })).toThrow(/is not an address/)
    expect(() => plan(BASE, { recipients: [] })).toThrow(/no payee with an address/)
  })

  it('must be named by both the document and the rules of the agent', () => {
    const vendors = [{ origin: 'https://a.example', payees: [A, B] }]
    const agents = { cook: { vendors: [{ origin: 'https://a.example', payees: [B] }] } }
    expect(plan({ ...BASE, vendors, agents }, { agent: 'cook' }).recipients).toEqual([B])
    const open = { ...BASE, vendors: [{ origin: 'https://a.example' }], agents }
    expect(plan(open, { agent: 'cook' }).recipients).toEqual([B])
  })
})

it('every rule of a document and its agent appears exactly once', () => {
  const rules = {
    perPayment: '0.10',
    maxFee: '0.05',
    perTask: '1',
    deposits: '2',
    budgets: [{ limit: '5', per: 'day' }],
    unlisted: 'deny',
    vendors: [{ origin: 'https://api.example', payees: [A] }],
    currencies: ['USD'],
    networks: ['tempo'],
    ask: [{ above: '0.05' }],
    approval: { timeout: '5m' },
    maxValidity: '1m',
  } as const
  const found = plan({ ...rules, agents: { agent: rules } }).rules.map(({ rule }) => rule)
  const expected = [
    'budget.day',
    'perTask',
    'vendors.payees',
    'vendors',
    'currencies',
    'networks',
    'perPayment',
    'maxFee',
    'deposits',
    'ask',
    'approval',
    'maxValidity',
  ]
  expect(found).toEqual([...expected, ...expected.map((rule) => `agents.agent.${rule}`)])
})

it('describes the enforced limits in words', () => {
  expect(plan(BASE, { headroom: ONE / 20n, tokens: 2 }).rules[0]?.message).toBe(
    "At most 5 USD and 0.05 USD of headroom for each of 2 tokens, fees included, in every 1d from the authorization on; the policy's own window is Purser's.",
  )
})

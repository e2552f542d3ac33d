import { describe, expect, it } from 'vitest'
import { createPolicy, inScope, type PolicyDocument } from '../../src/policy/index.js'
import { shortfall } from '../../src/policy/tell.js'
import { BASE, call, context, dialled, facts, NOW, SHOP, terms, tool } from './fixtures.js'

type Budgets = NonNullable<PolicyDocument['budgets']>

const over = (budgets: Budgets, more: Partial<PolicyDocument> = {}) =>
  createPolicy({ ...BASE, unlisted: 'allow', ...more, budgets: [...BASE.budgets, ...budgets] })

/** The claims of the added budgets, as scope and amount. */
function claimsOf(policy: ReturnType<typeof over>, asked = terms(), resource = call(), asking = context()) {
  const { claims } = policy.evaluate(asked, resource, asking, facts())
  return claims
    .filter(({ rule }) => rule !== 'budget.day')
    .map(({ scope: { policy: _name, unit: _unit, ...scope }, amount }) => ({ scope, amount }))
}

const CENT = 10_000_000n

describe('claims', () => {
  it('count price and fee bound in every window, and one payment', () => {
    const policy = over([
      { limit: '50', per: 'month', timezone: 'Europe/Berlin' },
      { limit: '20', per: '30d', rolling: true },
      { payments: 60, per: 'minute' },
    ])
    const { claims, units, price } = policy.evaluate(terms({ fee: '0.005' }), call(), context(), facts())
    expect({ units, price }).toEqual({ units: 15_000_000n, price: CENT })
    expect(claims.map(({ window, amount, limit, counts }) => [counts, window, amount, limit])).toEqual([
      ['payments', 'minute', 1n, 60n],
      ['spend', '30d~', 15_000_000n, 20_000_000_000n],
      ['spend', 'day@UTC', 15_000_000n, 100_000_000_000n],
      ['spend', 'month@Europe/Berlin', 15_000_000n, 50_000_000_000n],
    ])
  })

  it('are one per counter, with the lowest limit of all rules', () => {
    const twice = over(
      [
        { limit: '3', per: 'day' },
        { limit: '50', per: 'day', timezone: 'UTC' },
        { limit: '4', per: 'day', each: 'agent' },
      ],
      {
        agents: {
          a: {
            budgets: [
              { limit: '2', per: 'day' },
              { limit: '9', per: 'day' },
            ],
          },
        },
      },
    )
    const { claims } = twice.evaluate(terms(), call(), context(), facts())
    expect(claims.map(({ scope, limit, rule }) => [scope, limit, rule])).toEqual([
      [{ policy: 'default', agent: 'a', unit: 'iso4217:USD' }, 2_000_000_000n, 'agents.a.budget.day'],
      [{ policy: 'default', unit: 'iso4217:USD' }, 3_000_000_000n, 'budget.day'],
    ])
  })

  it('nest with tasks; without one they are the agent’s', () => {
    const policy = over([{ limit: '1', per: 'task' }])
    expect(claimsOf(policy, terms(), call(), context({ tasks: ['t', 'u'] }))).toEqual([
      { scope: { task: 't' }, amount: CENT },
      { scope: { task: 't/u' }, amount: CENT },
    ])
    expect(claimsOf(policy)).toEqual([{ scope: { agent: 'a', task: '' }, amount: CENT }])
  })

  it('of perTask are those of a budget per task', () => {
    const { claims: one } = over([{ limit: '0.5', per: 'task' }]).evaluate(
      terms(),
      call(),
      context(),
      facts(),
    )
    const { claims: two } = over([], { perTask: '0.5' }).evaluate(terms(), call(), context(), facts())
    expect(two.map(({ rule: _rule, ...claim }) => claim)).toEqual(
      one.map(({ rule: _rule, ...claim }) => claim),
    )
  })

  it('of each vendor follow the matching entry, otherwise the requested origin', async () => {
    const vendors = [{ origin: SHOP }, { origin: 'https://*.shop.example' }]
    const policy = over([{ limit: '1', per: 'day', each: 'vendor' }], { vendors })
    await policy.ready()
    expect(claimsOf(policy)).toEqual([
      { scope: { vendor: 'https://*.shop.example' }, amount: CENT },
      { scope: { vendor: SHOP }, amount: CENT },
    ])
    expect(claimsOf(policy, terms(), dialled('https://www.shop.example'))).toEqual([
      { scope: { vendor: 'https://*.shop.example' }, amount: CENT },
    ])
    expect(claimsOf(policy, terms(), dialled('https://other.example'))).toEqual([
      { scope: { vendor: 'https://other.example' }, amount: CENT },
    ])
  })

  it('of each payee are the amount of each payee', () => {
    const policy = over([{ limit: '1', per: 'day', each: 'payee' }])
    const split = terms({ price: '0.03', fee: '0.01', payees: { x: '0.01', y: '0.02' } })
    expect(claimsOf(policy, split)).toEqual([
      { scope: { payee: 'x' }, amount: CENT },
      { scope: { payee: 'y' }, amount: 2n * CENT },
    ])
    expect(claimsOf(policy, terms({ payees: {} }))).toEqual([{ scope: { payee: '' }, amount: CENT }])
  })

  it('of each category, tool and network', () => {
    const budgets: Budgets = (['category', 'tool', 'network'] as const).map((each) => ({
      limit: '1',
      per: 'day',
      each,
    }))
    const vendors = [{ origin: SHOP, category: 'food' }, { origin: 'mcp:search' }]
    const policy = over(budgets, { vendors })
    expect(claimsOf(policy, terms(), call(), context({ tool: 'fetcher' })).map(({ scope }) => scope)).toEqual(
      [{ category: 'food' }, { network: 'eip155:4217' }, { tool: 'fetcher' }],
    )
    const { claims } = policy.evaluate(
      terms(),
      tool('mcp:search', 'find'),
      context({ tool: 'fetcher' }),
      facts(),
    )
    expect(claims.map(({ scope }) => scope)).toContainEqual({
      policy: 'default',
      tool: 'find',
      unit: 'iso4217:USD',
    })
    expect(claims.map(({ scope }) => scope)).toContainEqual({
      policy: 'default',
      category: '',
      unit: 'iso4217:USD',
    })
  })

  it('of each vendor in a task have both', () => {
    const policy = over([{ limit: '1', per: 'task', each: 'vendor' }])
    expect(claimsOf(policy, terms(), call(), context({ tasks: ['t'] }))).toEqual([
      { scope: { task: 't', vendor: SHOP }, amount: CENT },
    ])
  })

  it('of an agent are separate, also under the star', () => {
    const agents = { '*': { budgets: [{ limit: '1', per: 'hour' }] } } as const
    const scopes = ['a', 'b'].flatMap((agent) =>
      claimsOf(over([], { agents }), terms(), call(), context({ agent })).map(({ scope }) => scope),
    )
    expect(scopes).toEqual([{ agent: 'a' }, { agent: 'b' }])
  })

  it('of deposits are locks, in addition to spending', () => {
    const vendors = [{ origin: SHOP, deposit: '1' }]
    const agents = { a: { deposits: '2' } }
    const policy = over([], { deposits: '5', vendors, agents })
    const { claims } = policy.evaluate(terms({ locks: '0.5' }), call(), context(), facts())
    expect(claims.filter(({ counts }) => counts === 'lock')).toEqual([
      {
        counts: 'lock',
        window: 'ever',
        from: 0,
        at: 0,
        amount: 500_000_000n,
        limit: 2_000_000_000n,
        rule: 'agents.a.deposits',
        scope: { policy: 'default', agent: 'a', unit: 'iso4217:USD' },
      },
      {
        counts: 'lock',
        window: 'ever',
        from: 0,
        at: 0,
        amount: 500_000_000n,
        limit: 1_000_000_000n,
        rule: 'vendor.deposit',
        scope: { policy: 'default', vendor: SHOP, unit: 'iso4217:USD' },
      },
      {
        counts: 'lock',
        window: 'ever',
        from: 0,
        at: 0,
        amount: 500_000_000n,
        limit: 5_000_000_000n,
        rule: 'deposits',
        scope: { policy: 'default', unit: 'iso4217:USD' },
      },
    ])
  })

  it('have the scope of their rule', async () => {
    const each = ['agent', 'task', 'vendor', 'payee', 'category', 'tool', 'network'] as const
    const vendors = [
      { origin: SHOP, category: 'food' },
      { origin: 'https://*.shop.example', category: 'all' },
    ]
    const policy = over(
      each.map((one) => ({ limit: '1', per: 'day', each: one })),
      { vendors, perTask: '1' },
    )
    await policy.ready()
    for (const asking of [context(), context({ tasks: ['t', 'u'], tool: 'x' })]) {
      const { claims, dimensions } = policy.evaluate(
        terms({ payees: { x: '0.01' } }),
        call(),
        asking,
        facts(),
      )
      expect(claims.length).toBeGreaterThan(each.length)
      for (const { scope } of claims) expect(inScope(scope, dimensions)).toBe(true)
    }
  })
})

describe('a counter without enough room', () => {
  const message = (budgets: Budgets, remaining: bigint, asking = context()) => {
    const policy = over(budgets)
    const { claims } = policy.evaluate(terms(), call(), asking, facts())
    const claim = claims.find(({ rule }) => rule !== 'budget.day') ?? claims[0]
    if (claim === undefined) throw new TypeError('The policy claims nothing')
    return shortfall({ claim, remaining }, policy.symbol)
  }

  it('names the remaining amount, and the time of its reset', () => {
    const reason = message([{ limit: '2', per: 'week', timezone: 'Europe/Berlin' }], 5_000_000n)
    expect(reason).toEqual({
      rule: 'budget.week',
      limit: '2 USD',
      asked: '0.01 USD',
      remaining: '0.005 USD',
      resetsAt: Date.UTC(2026, 6, 19, 22),
      message:
        'The budget of 2 USD per week (Europe/Berlin) has 0.005 USD left, and this payment needs 0.01 USD; it resets at 2026-07-19T22:00:00Z.',
    })
  })

  it.each<readonly [Budgets, string]>([
    [
      [{ limit: '2', per: '30d', rolling: true }],
      'The budget of 2 USD in any 30d has 0 USD left, and this payment needs 0.01 USD; room comes back as older payments leave the window.',
    ],
    [
      [{ limit: '2', per: 'ever' }],
      'The budget of 2 USD in all has 0 USD left, and this payment needs 0.01 USD.',
    ],
    [
      [{ payments: 1, per: 'minute' }],
      'The allowance of 1 payment per minute has 0 payments left, and this payment needs 1 payment; it resets at 2026-07-15T12:01:00Z.',
    ],
    [
      [{ limit: '2', per: 'day', each: 'vendor' }],
      `The budget of 2 USD per day (UTC) for vendor ${SHOP} has 0 USD left, and this payment needs 0.01 USD; it resets at 2026-07-16T00:00:00Z.`,
    ],
    [
      [{ limit: '2', per: 'task' }],
      'The budget of 2 USD for agent a, calls without a task has 0 USD left, and this payment needs 0.01 USD.',
    ],
  ])('reads as a sentence: %j', (budgets, sentence) => {
    expect(message(budgets, 0n).message).toBe(sentence)
  })
})

describe('applicable budgets and bounds', () => {
  it('lists every budget of a context; values that only the ledger knows are left open', () => {
    const policy = over(
      [
        { limit: '1', per: 'day', each: 'vendor' },
        { limit: '1', per: 'day', each: 'tool' },
        { payments: 5, per: 'hour' },
      ],
      { perTask: '0.5', deposits: '3', agents: { a: { budgets: [{ limit: '2', per: 'ever' }] } } },
    )
    const lines = policy.budgets(context({ tasks: ['t', 'u'], tool: 'x' }), NOW)
    expect(lines.map(({ rule, each, claim }) => [rule, each, claim.scope])).toEqual([
      ['budget.day', undefined, { policy: 'default', unit: 'iso4217:USD' }],
      ['budget.day.vendor', 'vendor', { policy: 'default', unit: 'iso4217:USD' }],
      ['budget.day.tool', undefined, { policy: 'default', tool: 'x', unit: 'iso4217:USD' }],
      ['payments.hour', undefined, { policy: 'default' }],
      ['perTask', undefined, { policy: 'default', task: 't', unit: 'iso4217:USD' }],
      ['perTask', undefined, { policy: 'default', task: 't/u', unit: 'iso4217:USD' }],
      ['deposits', undefined, { policy: 'default', unit: 'iso4217:USD' }],
      ['agents.a.budget.ever', undefined, { policy: 'default', agent: 'a', unit: 'iso4217:USD' }],
    ])
    for (const { claim } of lines) expect(claim.amount).toBe(0n)
    const bare = policy.budgets(context(), NOW).map(({ rule, each, claim }) => [rule, each, claim.scope])
    expect(bare).toContainEqual(['budget.day.tool', 'tool', { policy: 'default', unit: 'iso4217:USD' }])
    expect(bare).toContainEqual([
      'perTask',
      undefined,
      { policy: 'default', agent: 'a', task: '', unit: 'iso4217:USD' },
    ])
  })

  it('limits validity, fee and deposit before an offer is read', () => {
    const vendors = [{ origin: SHOP, deposit: '1', perPayment: '0.02' }, { origin: 'https://other.example' }]
    const agents = { a: { maxValidity: '30s', maxFee: '0.01' }, b: {} }
    const policy = over([], { maxFee: '0.05', deposits: '5', maxValidity: '1m', vendors, agents })
    expect(policy.bounds(call(), context())).toEqual({
      maxValidityMs: 30_000,
      maxFee: CENT,
      maxPrice: 2n * CENT,
      maxLock: 1_000_000_000n,
      unit: 'iso4217:USD',
    })
    expect(policy.bounds(dialled('https://other.example'), context({ agent: 'b' }))).toMatchObject({
      maxValidityMs: 60_000,
      maxLock: 5_000_000_000n,
    })
    expect(over([]).bounds(call(), context())).toEqual({
      maxValidityMs: 600_000,
      maxPrice: 1_000_000_000n,
      maxLock: 0n,
      unit: 'iso4217:USD',
    })
    // An agent's rules only restrict.
    const opened = over([], { agents: { a: { deposits: '2' } } })
    expect(opened.bounds(call(), context()).maxLock).toBe(0n)
    expect(createPolicy({ unlimited: true }).bounds(call(), context()).maxLock).toBeGreaterThan(10n ** 15n)
  })

  it('separates payable origins from others', () => {
    const closed = createPolicy({ ...BASE, vendors: [{ origin: SHOP, paths: ['/v1/**'] }] })
    const open = over([])
    const other = dialled('https://other.example')
    for (const _again of [1, 2]) {
      expect(closed.payable(call(), context())).toBe(true)
      // Listed, and out of scope: the call is refused with a reason, not left alone.
      expect(closed.payable(call(`${SHOP}/v2/x`), context())).toBe(true)
      expect(closed.payable(other, context())).toBe(false)
      expect(open.payable(other, context())).toBe(true)
      expect(open.payable(dialled('http://other.example'), context())).toBe(false)
    }
  })

  it('separates them for every agent', () => {
    const agents = { a: {}, b: { vendors: [{ origin: 'https://b.example' }] } }
    const policy = over([], { agents })
    for (const _again of [1, 2]) {
      expect(policy.payable(call(), context({ agent: 'a' }))).toBe(true)
      expect(policy.payable(call(), context({ agent: 'b' }))).toBe(false)
      expect(policy.payable(dialled('https://b.example'), context({ agent: 'b' }))).toBe(true)
      // Refused with a reason when it is judged.
      expect(policy.payable(call(), context({ agent: 'c' }))).toBe(true)
    }
  })

  it('remembers answers for a bounded number of origins', () => {
    const policy = createPolicy(BASE)
    for (let index = 0; index < 25_000; index++)
      expect(policy.payable(dialled(`https://v${index}.example`), context())).toBe(false)
    expect(policy.payable(call(), context())).toBe(true)
  })

  it('loosens only if every entry does', async () => {
    const wild = { origin: 'https://*.shop.example' }
    const one = { origin: SHOP, authorization: 'replace', cors: true } as const
    const both = createPolicy({ ...BASE, vendors: [one, wild] })
    const alone = createPolicy({ ...BASE, vendors: [one] })
    await both.ready()
    expect([alone.replacesAuthorization(call()), alone.sendsIdempotencyKey(call())]).toEqual([true, true])
    expect([both.replacesAuthorization(call()), both.sendsIdempotencyKey(call())]).toEqual([false, false])
    expect(alone.replacesAuthorization(dialled('https://other.example'))).toBe(false)
  })
})

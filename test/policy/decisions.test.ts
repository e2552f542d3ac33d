import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { parseUnits } from '../../src/money/index.js'
import { createPolicy, type Facts, type Grant, type PolicyDocument, railOf } from '../../src/policy/index.js'
import { explain } from '../../src/policy/tell.js'
import { call, context, facts, NOW, SHOP, type TermsSpec, terms, tool } from './fixtures.js'

interface Row {
  readonly name: string
  readonly policy?: Partial<PolicyDocument>
  readonly url?: string
  readonly method?: string
  readonly mcp?: string
  readonly tool?: string
  readonly agent?: string
  readonly maxAmount?: string
  readonly terms?: TermsSpec
  readonly facts?: Omit<Partial<Facts>, 'usual' | 'advertised'> & {
    readonly usual?: Readonly<Record<string, string>>
    readonly advertised?: string
  }
  readonly grant?: { readonly upTo?: string; readonly total?: string; readonly endsIn?: number } & Partial<
    Pick<Grant, 'agent' | 'vendor' | 'rail' | 'payees'>
  >
  readonly deniedBefore?: boolean
  readonly effect: string
  readonly rules: readonly string[]
  readonly claims?: readonly string[]
  readonly payees?: string
}

const table: { readonly base: PolicyDocument; readonly rows: readonly Row[] } = parse(
  readFileSync(new URL('./decisions.yaml', import.meta.url), 'utf8'),
)

function units(text: string): bigint {
  const value = parseUnits(text)
  if (value === undefined) throw new TypeError(`${text} is no amount`)
  return value
}

function factsOf(row: Row): Facts {
  const { usual = {}, advertised, ...given } = row.facts ?? {}
  const asked = terms(row.terms)
  const { upTo = '1', total = '10', endsIn = 1, ...grant } = row.grant ?? {}
  const granted: Grant = {
    id: 'g1',
    agent: 'a',
    vendor: row.url === undefined ? SHOP : new URL(row.url).origin,
    rail: railOf(asked),
    by: 'Ann',
    unit: 'iso4217:USD',
    payees: ['0x5a0b'],
    ...grant,
    until: NOW + endsIn,
    upTo: units(upTo),
    total: units(total),
  }
  return facts({
    ...given,
    usual: Object.fromEntries(Object.entries(usual).map(([rail, price]) => [rail, units(price)])),
    ...(advertised === undefined ? {} : { advertised: units(advertised) }),
    ...(row.grant === undefined ? {} : { grants: [granted] }),
    ...(row.deniedBefore ? { denied: [asked] } : {}),
  })
}

describe('decisions', () => {
  it.each(table.rows)('$name', async (row) => {
    const policy = createPolicy({ ...table.base, ...row.policy })
    const resource =
      row.mcp === undefined ? call(row.url ?? `${SHOP}/v1/items`, row.method) : tool(row.mcp, row.tool ?? '')
    const { agent = 'a', maxAmount } = row
    const asking = context({ agent, ...(maxAmount === undefined ? {} : { maxAmount: units(maxAmount) }) })
    const decision = policy.evaluate(terms(row.terms), resource, asking, factsOf(row))
    expect({ effect: decision.effect, rules: decision.reasons.map(({ rule }) => rule) }).toEqual({
      effect: row.effect,
      rules: row.rules,
    })
    if (row.claims !== undefined)
      expect(decision.claims.map(({ rule }) => rule).sort()).toEqual([...row.claims].sort())
    if (row.payees !== undefined) expect(decision.payees).toBe(row.payees)
    for (const { message } of decision.reasons) expect(message).toMatch(/^\S.*\.$/)
    expect(decision).toMatchObject({ facts: 7, at: NOW, policy: policy.hash, unit: policy.unit })
    expect(Object.isFrozen(decision)).toBe(true)
  })

  it('has a row for every rule', () => {
    const rules = new Set(table.rows.flatMap((row) => row.rules))
    for (const rule of [
      'perPayment',
      'maxFee',
      'networks.test',
      'payees.pinned',
      'denied',
      'grant',
      'agents',
    ])
      expect(rules).toContain(rule)
    expect(new Set(table.rows.map(({ name }) => name)).size).toBe(table.rows.length)
  })
})

describe('sentences', () => {
  it('name the requested and the allowed amount', () => {
    const policy = createPolicy({ ...table.base, ask: [{ above: '0.5' }] })
    const decision = policy.evaluate(terms({ price: '2' }), call(), context(), facts())
    expect(explain(decision)).toBe(
      'Denied. One payment may cost at most 1 USD; this one would cost 2 USD. 2 USD is above 0.5 USD, so a person must approve it.',
    )
    expect(decision.reasons[0]).toEqual({
      rule: 'perPayment',
      limit: '1 USD',
      asked: '2 USD',
      message: 'One payment may cost at most 1 USD; this one would cost 2 USD.',
    })
  })

  it('name the approver, without control characters', () => {
    const policy = createPolicy({ ...table.base, ask: [{ above: '0.001' }] })
    const row: Row = { name: '', effect: '', rules: [], grant: {} }
    const given = factsOf(row)
    const grants = given.grants.map((grant) => ({ ...grant, by: 'Ann\u001b[2J' }))
    const decision = policy.evaluate(terms(), call(), context(), { ...given, grants })
    expect(explain(decision)).toContain('A remembered approval by Ann [2J covers this.')
    expect(decision).toMatchObject({ grant: 'g1', dimensions: { grant: 'g1' } })
  })

  it('confirm an allowed payment', () => {
    const decision = createPolicy(table.base).evaluate(terms(), call(), context(), facts())
    expect(explain(decision)).toBe('Allowed.')
  })
})

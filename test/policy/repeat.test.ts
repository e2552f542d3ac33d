import { describe, expect, it } from 'vitest'
import {
  type Context,
  createPolicy,
  type Decision,
  type PolicyDocument,
  type RepeatDocument,
} from '../../src/policy/index.js'
import { call, context, facts, NOW, SHOP, terms } from './fixtures.js'

const HOUR = 3_600_000

function rule(within: string, effect: 'ask' | 'deny', more: { unlessKeyed?: true } = {}): RepeatDocument {
  // biome-ignore lint/suspicious/noThenProperty: a key of the document
  return { within, then: effect, ...more }
}

interface Asked {
  /** How long ago the same request was bought, in milliseconds. */
  readonly ago?: number
  readonly policy?: Partial<PolicyDocument>
  readonly entry?: { readonly repeat?: RepeatDocument; readonly paths?: readonly string[] }
  readonly keyed?: true
  readonly agent?: string
  readonly price?: string
}

function judged({ ago, policy, entry, keyed, agent = 'a', price = '0.01' }: Asked): Decision & {
  readonly rules: readonly string[]
  readonly asks: number | undefined
} {
  const made = createPolicy({
    perPayment: '1',
    budgets: [{ limit: '100', per: 'day' }],
    vendors: [{ origin: SHOP, ...entry }],
    ...policy,
  })
  const who: Context = { ...context({ agent }), ...(keyed === undefined ? {} : { keyed }) }
  const bought =
    ago === undefined ? undefined : { payment: 'p1', at: NOW - ago, open: false, reference: '0xref' }
  const known = facts(bought === undefined ? {} : { bought })
  const decision = made.evaluate(terms({ price }), call(`${SHOP}/v1/a`), who, known)
  const asks = made.repeatWithin(call(`${SHOP}/v1/a`), who)
  return { ...decision, rules: decision.reasons.map((reason) => reason.rule), asks }
}

describe('repeat', () => {
  it('does not limit repeats without a rule, and does not ask the ledger', () => {
    const { effect, repeat, asks } = judged({ ago: 1 })
    expect([effect, repeat, asks]).toEqual(['allow', undefined, undefined])
  })

  it('denies or asks within its time, to the millisecond', () => {
    const policy = (effect: 'ask' | 'deny') => ({ repeat: rule('1h', effect) })
    for (const effect of ['deny', 'ask'] as const) {
      expect(judged({ policy: policy(effect), ago: HOUR - 1 })).toMatchObject({
        effect,
        rules: ['repeat'],
        repeat: { withinMs: HOUR, last: 'p1' },
      })
      const over = judged({ policy: policy(effect), ago: HOUR })
      expect(over).toMatchObject({ effect: 'allow', rules: [], repeat: { withinMs: HOUR } })
      expect(over.repeat).not.toHaveProperty('last')
      expect(judged({ policy: policy(effect) })).toMatchObject({
        effect: 'allow',
        repeat: { withinMs: HOUR },
      })
    }
  })

  it('names the earlier payment, its receipt, and the time after which the same may be bought again', () => {
    const { reasons } = judged({ policy: { repeat: rule('90m', 'deny') }, ago: 60_000 })
    expect(reasons).toEqual([
      {
        rule: 'repeat',
        limit: 'once in 90m',
        asked: 'GET /v1/a',
        resetsAt: NOW - 60_000 + 90 * 60_000,
        payment: 'p1',
        reference: '0xref',
        message: `The same request to ${SHOP} was bought at 2026-07-15T11:59:00.000Z (payment p1, receipt 0xref), and may be bought once in 90m.`,
      },
    ])
  })

  it('applies in the document, for an agent and for a vendor, and all rules together', () => {
    const policy = { repeat: rule('1m', 'deny'), agents: { a: { repeat: rule('1h', 'ask') }, b: {} } }
    const entry = { repeat: rule('1d', 'ask') }
    const at = (ago: number, agent = 'a') => judged({ policy, entry, ago, agent }).rules
    expect(at(59_000)).toEqual(['repeat', 'agents.a.repeat', 'vendor.repeat'])
    expect(at(59_000, 'b')).toEqual(['repeat', 'vendor.repeat'])
    expect(at(60_000)).toEqual(['agents.a.repeat', 'vendor.repeat'])
    expect(at(2 * HOUR)).toEqual(['vendor.repeat'])
    expect(at(24 * HOUR)).toEqual([])
    expect(judged({ policy, entry }).asks).toBe(24 * HOUR)
    const ofAgent = { agents: { a: { vendors: [{ origin: SHOP, repeat: rule('1h', 'deny') }] } } }
    expect(judged({ policy: ofAgent, ago: 1 }).rules).toEqual(['agents.a.vendor.repeat'])
  })

  it('of a vendor applies only to the calls that its entry has in scope', () => {
    const policy = {
      vendors: [{ origin: SHOP, paths: ['/v2/**'], repeat: rule('1h', 'deny') }, { origin: SHOP }],
    }
    expect(judged({ policy, ago: 1 })).toMatchObject({ effect: 'allow', asks: undefined })
  })

  it('exempts calls with a key only if the rule says so', () => {
    const strict = { repeat: rule('1h', 'deny') }
    const lenient = { repeat: rule('1h', 'deny', { unlessKeyed: true }) }
    expect(judged({ policy: strict, ago: 1, keyed: true }).effect).toBe('deny')
    expect(judged({ policy: lenient, ago: 1 }).effect).toBe('deny')
    const keyed = judged({ policy: lenient, ago: 1, keyed: true })
    expect([keyed.effect, keyed.repeat, keyed.asks]).toEqual(['allow', undefined, undefined])
  })

  it('applies to purchases only: a proof of identity may be repeated', () => {
    const { effect, repeat } = judged({ policy: { repeat: rule('1h', 'deny') }, ago: 1, price: '0' })
    expect([effect, repeat]).toEqual(['allow', undefined])
  })

  it('reports the faults of a rule', () => {
    const wrong = (repeat: unknown): unknown => {
      const text = { perPayment: '1', budgets: [{ limit: '1', per: 'day' }], vendors: [], repeat }
      try {
        // What a file may hold is not typed.
        return createPolicy(JSON.parse(JSON.stringify(text)))
      } catch (error) {
        return error instanceof Error ? error.message : error
      }
    }
    expect(wrong({ within: '1h' })).toContain('repeat.then: is missing')
    // biome-ignore lint/suspicious/noThenProperty: a key of the document
    expect(wrong({ within: '1h', then: 'allow' })).toContain('"allow" is not ask or deny')
    // biome-ignore lint/suspicious/noThenProperty: a key of the document
    expect(wrong({ within: '31d', then: 'deny' })).toContain('from 1s to 30d')
    // biome-ignore lint/suspicious/noThenProperty: a key of the document
    expect(wrong({ within: '1h', then: 'deny', unlessKey: true })).toContain('did you mean unlessKeyed?')
    // biome-ignore lint/suspicious/noThenProperty: a key of the document
    expect(wrong({ within: '1h', then: 'deny', unlessKeyed: false })).toContain(
      "leave the key out if it isn't meant",
    )
  })
})

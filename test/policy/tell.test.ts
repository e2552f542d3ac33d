import { describe, expect, it } from 'vitest'
import { createPolicy } from '../../src/policy/index.js'
import { shortfalls } from '../../src/policy/tell.js'
import { BASE, call, context, facts, terms } from './fixtures.js'

describe('a budget that is short', () => {
  const policy = createPolicy({
    ...BASE,
    budgets: [
      { limit: '0.02', per: 'ever' },
      { payments: 3, per: 'ever' },
    ],
  })
  const decided = (price: string, fee?: string) =>
    policy.evaluate(terms(fee === undefined ? { price } : { price, fee }), call(), context(), facts())

  it('names the price and the maximum of the fee, if both count', () => {
    const decision = decided('0.01', '0.002')
    const short = decision.claims.map((claim) => ({ claim, remaining: 0n }))
    const [payments, spend] = shortfalls(short, decision, 'USD')
    expect(spend).toMatchObject({
      asked: '0.012 USD',
      message:
        'The budget of 0.02 USD in all has 0 USD left, and this payment needs 0.012 USD (0.01 USD and up to 0.002 USD for its fee).',
    })
    expect(payments?.message).toBe(
      'The allowance of 3 payments in all has 0 payments left, and this payment needs 1 payment.',
    )
  })

  it('names one amount if there is no fee', () => {
    const decision = decided('0.01')
    const [, spend] = shortfalls(
      decision.claims.map((claim) => ({ claim, remaining: 0n })),
      decision,
      'USD',
    )
    expect(spend?.message).toBe(
      'The budget of 0.02 USD in all has 0 USD left, and this payment needs 0.01 USD.',
    )
  })

  it('the refusal of a payment that can never fit has the same form', () => {
    const { effect, reasons } = decided('0.015', '0.01')
    expect(effect).toBe('deny')
    expect(reasons.map(({ message }) => message)).toEqual([
      'This payment needs 0.025 USD (0.015 USD and up to 0.01 USD for its fee), which is more than the budget of 0.02 USD in all.',
    ])
  })
})

import type { PolicyDocument } from '../../src/index.js'

/** Room for many payments, unless the budget is what a test is about: the crash is the only thing in the way. */
export function policyFor(origin: string, limit = '1'): PolicyDocument {
  return {
    perPayment: '0.10 USD',
    maxFee: '0.05 USD',
    networks: ['eip155:31337'],
    budgets: [{ limit: `${limit} USD`, per: 'day' }],
    vendors: [{ origin }],
  }
}

/** The same, and a person is asked about every payment. */
export function askingPolicy(origin: string, limit?: string): PolicyDocument {
  return { ...policyFor(origin, limit), ask: [{ above: '0.001' }], approval: { holds: 100 } }
}

/** The same for sessions: a dollar may lie in each of two escrows. */
export function sessionPolicy(origin: string, escrow: string): PolicyDocument {
  return { ...policyFor(origin), deposits: '1 USD', vendors: [{ origin, escrows: [escrow] }] }
}

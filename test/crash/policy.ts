import type { PolicyDocument } from '../../src/index.js'

/** Room for many payments: the crash is the only thing in the way. */
export function policyFor(origin: string): PolicyDocument {
  return {
    perPayment: '0.10 USD',
    maxFee: '0.05 USD',
    networks: ['eip155:31337'],
    budgets: [{ limit: '1 USD', per: 'day' }],
    vendors: [{ origin }],
  }
}

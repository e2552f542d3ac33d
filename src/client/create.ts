import { fileLedger } from './file-ledger.js'
import type { PurserOptions } from './options.js'
import { newPurser, type Purser } from './purser.js'

/**
 * A purser.
 *
 * @throws TypeError for a caller's mistake; PaymentError `invalid_policy` if the policy does not hold.
 * @example
 * ```ts
 * const purser = createPurser({
 *   agent: 'researcher',
 *   wallets: [tempo({ account })],
 *   policy: {
 *     perPayment: '0.10 USD',
 *     budgets: [{ limit: '5 USD', per: 'day' }],
 *     vendors: [{ origin: 'https://api.search.example' }],
 *   },
 * })
 * const response = await purser.fetch('https://api.search.example/v1/search?q=tea')
 * ```
 */
export function createPurser(options: PurserOptions): Purser {
  return newPurser(options, fileLedger)
}

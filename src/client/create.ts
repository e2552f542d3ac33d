import { memoryInBrowsers } from './create-without-files.js'
import type { DefaultLedger, PurserOptions } from './options.js'
import { newPurser, type Purser } from './purser.js'
import { userAgent } from './runtime.js'

/**
 * Creates a purser.
 *
 * @throws TypeError for a caller's mistake; PaymentError `invalid_policy` if the policy cannot be used.
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

/** Chooses a SQLite file, if the runtime has files. */
export const fileLedger: DefaultLedger = () =>
  hasFiles() ? async () => (await import('../ledger/sqlite/index.js')).sqliteLedger() : memoryInBrowsers()

/** Whether this runtime has files that last. Workers claim to be Node, and their files end with the call. */
function hasFiles(): boolean {
  const node: unknown = globalThis.process?.versions?.node
  return typeof node === 'string' && userAgent() !== 'Cloudflare-Workers'
}

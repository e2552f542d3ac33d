import type { Ledger } from '../ledger/index.js'
import { loadEngine } from './core.js'
import type { PurserOptions } from './options.js'
import { newPurser, type Purser } from './purser.js'
import { userAgent } from './runtime.js'

/** As in create.ts, without SQLite: for browsers, Workers and Edge. Their packages must not contain that code. */
export function createPurserWithoutFiles(options: PurserOptions): Purser {
  return newPurser(options, memoryInBrowsers)
}

/**
 * Chooses memory in a browser. Other runtimes without files must name their ledger, because budgets in memory reset on every
 * restart.
 *
 * @returns A function that opens the ledger.
 * @throws TypeError if this runtime must name its ledger.
 */
export function memoryInBrowsers(): () => Promise<Ledger> {
  if (!isBrowser())
    throw new TypeError(
      'This runtime has no files for a ledger, so createPurser needs one by name: `ledger: memoryLedger()` from purser/ledger/memory. It forgets its budgets with every restart and shares them with no other instance: keep the outer limit on the key (docs/bundlers.md)',
    )
  return async () => (await loadEngine()).memoryLedger()
}

/**
 * Whether this is a page of a browser. Servers without files (Workers, Edge) and React Native have no document and
 * another user agent.
 */
function isBrowser(): boolean {
  return typeof document === 'object' || userAgent().startsWith('Mozilla/')
}

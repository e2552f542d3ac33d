import { memoryInBrowsers } from './default-ledger.js'
import type { PurserOptions } from './options.js'
import { newPurser, type Purser } from './purser.js'

/** As in create.ts, without SQLite: for browsers, Workers and Edge. */
export function createPurser(options: PurserOptions): Purser {
  return newPurser(options, memoryInBrowsers)
}

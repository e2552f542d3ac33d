import { ownOptions } from '../errors/index.js'
import { randomId } from '../util/random-id.js'
import { type Clock, systemClock } from './clock.js'
import { StoredLedger } from './ledger.js'
import { MemoryTables } from './memory-tables.js'
import type { Ledger } from './port.js'
import type { Store } from './tables.js'

/** Options of a ledger in memory. */
export interface MemoryLedgerOptions {
  /** The clock. @default the clocks of the runtime */
  readonly clock?: Clock
}

/**
 * Creates a ledger in memory, for browsers and tests. It is lost when the process ends. In Node it is opt-in, because
 * budgets would reset on every restart.
 *
 * @example
 * ```ts
 * const purser = createPurser({ agent: 'researcher', wallets, policy, ledger: memoryLedger() })
 * ```
 */
export function memoryLedger(options: MemoryLedgerOptions = {}): Ledger {
  const { clock = systemClock } = ownOptions(options, { clock: true }, 'memoryLedger()')
  const tables = new MemoryTables(randomId())
  // Steps run to their end without waiting, so each step is atomic. Each step checks before it writes.
  const store: Store = {
    read: async (use) => use(tables),
    write: async (use) => use(tables),
    close: async () => undefined,
  }
  return new StoredLedger(store, clock)
}

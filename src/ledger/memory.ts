import { ownOptions } from '../errors/index.js'
import { randomId } from '../util/random-id.js'
import { type Clock, systemClock } from './clock.js'
import { StoredLedger } from './ledger.js'
import { MemoryTables } from './memory-tables.js'
import type { Ledger } from './port.js'
import type { Store } from './tables.js'

/** How a ledger in memory is made. */
export interface MemoryLedgerOptions {
  /** Time; the runtime's own unless given. */
  readonly clock?: Clock
}

/**
 * A ledger that lives as long as the process: for browsers and tests. A budget that a restart forgets is no budget,
 * so in Node it must be asked for by name.
 *
 * @example
 * ```ts
 * const purser = createPurser({ agent: 'researcher', wallets, policy, ledger: memoryLedger() })
 * ```
 */
export function memoryLedger(options: MemoryLedgerOptions = {}): Ledger {
  const { clock = systemClock } = ownOptions(options, { clock: true }, 'memoryLedger()')
  const tables = new MemoryTables(randomId())
  // Steps run to their end without waiting, so each is atomic by itself; each checks before it writes.
  const store: Store = {
    read: async (use) => use(tables),
    write: async (use) => use(tables),
    close: async () => undefined,
  }
  return new StoredLedger(store, clock)
}

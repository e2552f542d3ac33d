import { type Names, ownOptions } from '../../errors/index.js'
import { checkDuration } from '../../money/index.js'
import { type Clock, systemClock } from '../clock.js'
import { StoredLedger } from '../ledger.js'
import type { Ledger } from '../port.js'
import type { LedgerStore } from './port.js'
import { StepRunner } from './runner.js'

/** Options of a ledger in your own store. */
export interface StoreLedgerOptions {
  /**
   * How long a step is retried if other processes write first, in whole milliseconds. After that it rejects with
   * `ledger_busy`.
   *
   * @default 10_000
   */
  readonly busyTimeoutMs?: number
  /**
   * The source of time. If several machines share the ledger, give the database's clock. @default the runtime's clock
   */
  readonly clock?: Clock
}

const OPTIONS: Names<StoreLedgerOptions> = { busyTimeoutMs: true, clock: true }

/**
 * Makes a ledger that stores its data in a {@link LedgerStore}. Processes that share the store share its budgets. If
 * the store contains no ledger, the first call makes one.
 *
 * @param store - The store. Closing the ledger closes it.
 * @throws TypeError if an option is unknown or not valid.
 * @example
 * ```ts
 * declare const store: LedgerStore // your implementation
 * const ledger = storeLedger(store)
 * const purser = createPurser({ agent: 'researcher', wallets, policy, ledger })
 * ```
 * @see docs/ledger-store.md
 */
export function storeLedger(store: LedgerStore, options: StoreLedgerOptions = {}): Ledger {
  const { clock = systemClock, ...given } = ownOptions(options, OPTIONS, 'storeLedger()')
  const busyTimeoutMs = checkDuration('busyTimeoutMs', given.busyTimeoutMs ?? 10_000, { least: 0 })
  return new StoredLedger(new StepRunner(store, busyTimeoutMs), clock)
}

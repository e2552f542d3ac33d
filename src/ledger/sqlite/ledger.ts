import { type Names, ownOptions } from '../../errors/index.js'
import { checkDuration } from '../../money/index.js'
import { type Clock, systemClock } from '../clock.js'
import { StoredLedger } from '../ledger.js'
import type { Ledger } from '../port.js'
import { defaultPath } from './file.js'
import { SqliteStore } from './store.js'

/** Options of a SQLite ledger. */
export interface SqliteLedgerOptions {
  /** The ledger's file. @default `ledger.db` below the user's state directory */
  readonly path?: string
  /** Whether to make a ledger if there is none. @default true */
  readonly create?: boolean
  /**
   * When a commit is on the disk. `full`: before a credential is sent, so that not even a power cut loses a payment.
   * `normal`: later. This is faster, and safe if the process crashes.
   *
   * @default 'full'
   */
  readonly synchronous?: 'full' | 'normal'
  /** How long to wait while other processes write, in whole milliseconds. With 0, it does not wait. @default 10_000 */
  readonly busyTimeoutMs?: number
  readonly clock?: Clock
}

const OPTIONS: Names<SqliteLedgerOptions> = {
  path: true,
  create: true,
  synchronous: true,
  busyTimeoutMs: true,
  clock: true,
}

/**
 * Makes a ledger in a SQLite file that many processes may share. The first call opens the file. From then on, every
 * call rejects with a `PaymentError` if the ledger cannot answer: `ledger_busy`, `ledger_missing`, `ledger_corrupt`,
 * `ledger_read_only`, `ledger_newer` or `ledger_failed`.
 *
 * @example
 * ```ts
 * const ledger = sqliteLedger({ path: '/var/lib/agent/ledger.db' })
 * const purser = createPurser({ agent: 'researcher', wallets, policy, ledger })
 * ```
 */
export function sqliteLedger(given: SqliteLedgerOptions = {}): Ledger {
  const options = ownOptions(given, OPTIONS, 'sqliteLedger()')
  const { create = true, synchronous = 'full', clock = systemClock } = options
  if (synchronous !== 'full' && synchronous !== 'normal')
    throw new TypeError("synchronous must be 'full' or 'normal'")
  if (typeof create !== 'boolean') throw new TypeError('create must be true or false')
  const busyTimeoutMs = checkDuration('busyTimeoutMs', options.busyTimeoutMs ?? 10_000, { least: 0 })
  const path = options.path ?? defaultPath()
  return new StoredLedger(new SqliteStore({ path, create, synchronous, busyTimeoutMs }), clock)
}

import { type Names, ownOptions } from '../../errors/index.js'
import { checkDuration } from '../../money/index.js'
import { type Clock, systemClock } from '../clock.js'
import { StoredLedger } from '../ledger.js'
import type { Ledger } from '../port.js'
import { defaultPath } from './file.js'
import { SqliteStore } from './store.js'

/** Where a SQLite ledger is, and how it is kept. */
export interface SqliteLedgerOptions {
  /** The file. `ledger.db` below the user's state directory unless given. */
  readonly path?: string
  /** May a ledger be made where there is none? True unless given. */
  readonly create?: boolean
  /**
   * `full`: a commit is on the disk before a credential leaves, so that not even a power cut forgets one. `normal`:
   * safe against crashes of the process, faster. `full` unless given.
   */
  readonly synchronous?: 'full' | 'normal'
  /** How long to wait while other processes write, in whole milliseconds: 10,000 unless given; 0: not at all. */
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
 * A ledger in a SQLite file that many processes may share. The file is opened by the first call; from then on every
 * call rejects with a `PaymentError` while the ledger cannot answer: `ledger_busy`, `ledger_missing`,
 * `ledger_corrupt`, `ledger_read_only`, `ledger_newer` or `ledger_failed`.
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

// `purser/ledger/sqlite` for browsers, Workers and Edge: it can be imported there, and says what to do when it is used.
import type { SqliteLedgerOptions } from '../ledger/sqlite/index.js'

export type { Restored, SqliteLedgerOptions } from '../ledger/sqlite/index.js'

function noFiles(): never {
  throw new TypeError(
    'This runtime has no files, so it has no SQLite ledger: use memoryLedger() from purser/ledger/memory',
  )
}

/**
 * Says that there are no files here.
 *
 * @throws TypeError in any case
 */
export const sqliteLedger: (options?: SqliteLedgerOptions) => never = noFiles

/**
 * Says that there are no files here.
 *
 * @throws TypeError in any case
 */
export const backupLedger: () => never = noFiles

/**
 * Says that there are no files here.
 *
 * @throws TypeError in any case
 */
export const restoreLedger: () => never = noFiles

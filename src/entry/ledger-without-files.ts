// `purser/ledger/sqlite` for browsers, Workers and Edge. A program can import it there, but its functions throw an
// error, because they need files.
import type { LedgerViewOptions, SqliteLedgerOptions } from '../ledger/sqlite/index.js'

export type { LedgerViewOptions, Restored, SqliteLedgerOptions } from '../ledger/sqlite/index.js'

function noFiles(): never {
  throw new TypeError(
    'This runtime has no files, so it has no SQLite ledger: use memoryLedger() from purser/ledger/memory',
  )
}

/**
 * Throws, because this runtime has no files.
 *
 * @throws TypeError always
 */
export const sqliteLedger: (options?: SqliteLedgerOptions) => never = noFiles

/**
 * Throws, because this runtime has no files.
 *
 * @throws TypeError always
 */
export const openLedgerView: (options?: LedgerViewOptions) => never = noFiles

/**
 * Throws, because this runtime has no files.
 *
 * @throws TypeError always
 */
export const backupLedger: () => never = noFiles

/**
 * Throws, because this runtime has no files.
 *
 * @throws TypeError always
 */
export const restoreLedger: () => never = noFiles

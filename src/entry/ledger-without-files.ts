// `purser/ledger/sqlite` for browsers, Workers and Edge. It can be imported there; its functions explain that they need
// files.
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

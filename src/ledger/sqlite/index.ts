export { backupLedger, type Restored, restoreLedger } from './backup.js'
export { defaultPath } from './file.js'
export { type SqliteLedgerOptions, sqliteLedger } from './ledger.js'
export { type LedgerViewOptions, openLedgerView } from './view.js'

export {
  backupLedger,
  type LedgerViewOptions,
  openLedgerView,
  type Restored,
  restoreLedger,
  type SqliteLedgerOptions,
  sqliteLedger,
} from '../ledger/sqlite/index.js'

export {
  backupLedger,
  type Restored,
  restoreLedger,
  type SqliteLedgerOptions,
  sqliteLedger,
} from '../ledger/sqlite/index.js'

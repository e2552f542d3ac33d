export { type SqliteLedgerOptions, sqliteLedger } from '../ledger/sqlite/index.js'

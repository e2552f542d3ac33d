export { type MemoryLedgerOptions, memoryLedger } from '../ledger/index.js'

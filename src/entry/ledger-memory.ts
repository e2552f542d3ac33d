export { type MemoryLedgerOptions, memoryLedger } from '../ledger/memory.js'

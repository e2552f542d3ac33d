export { type StoreLedgerOptions, storeLedger } from './ledger.js'
export type {
  LedgerStore,
  StoreChange,
  StoreEntry,
  StoreRange,
  StoreRead,
  StoreTransaction,
} from './port.js'

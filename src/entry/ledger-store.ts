export {
  type LedgerStore,
  type StoreChange,
  type StoreEntry,
  type StoreLedgerOptions,
  type StoreRange,
  type StoreRead,
  type StoreTransaction,
  storeLedger,
} from '../ledger/key-value/index.js'

/** One key and its value. */
export interface StoreEntry {
  readonly key: string
  readonly value: string
}

/** Keys from `from` (included) to `to` (not included), at most `limit` of them. */
export interface StoreRange {
  readonly from: string
  readonly to: string
  /** `descending`: the highest keys come first. */
  readonly order: 'ascending' | 'descending'
  readonly limit: number
}

/** What a transaction reads: one key, or a range of keys. */
export type StoreRead = { readonly key: string } | StoreRange

/** What a transaction writes: the new value of a key. Without a value the key is deleted. */
export interface StoreChange {
  readonly key: string
  readonly value?: string | undefined
}

/**
 * A transaction of a {@link LedgerStore}. All its reads see one state of the store. The ledger ends it by one call of
 * `commit` or `rollback`.
 */
export interface StoreTransaction {
  /**
   * Reads more. The ledger calls this only if a step needs something that it did not ask for at the beginning.
   *
   * @returns For each read the entries that were found, in its order: none or one for a key.
   */
  load(reads: readonly StoreRead[]): Promise<readonly (readonly StoreEntry[])[]>
  /**
   * Writes all changes, or none of them. No key is named twice.
   *
   * @param options.durable - The changes must survive a power cut before this is answered.
   * @returns False if another transaction has written since this one began. Nothing was written then, and the ledger runs
   * the step again. A store that locks in `begin` always answers true.
   */
  commit(changes: readonly StoreChange[], options: { readonly durable: boolean }): Promise<boolean>
  /** Ends the transaction without writing anything. */
  rollback(): Promise<void>
}

/**
 * A store of keys and values that a ledger can be kept in: Postgres, Redis, a Durable Object or any other database. The
 * ledger has all rules; the store only reads and writes. Keys are printable ASCII, and are in the order of their bytes.
 *
 * Test an implementation with `ledgerStoreContract` from `purser/ledger/testing`.
 *
 * @see docs/ledger-store.md
 */
export interface LedgerStore {
  /**
   * Begins a transaction and reads, in one round trip if the store can.
   *
   * @param kind - `write`: either no other `write` transaction begins before this one ends (a lock), or its `commit`
   * answers false if another one has written meanwhile. `read`: it is always ended by `rollback`.
   * @returns The transaction, and for each read the entries that were found.
   */
  begin(
    kind: 'read' | 'write',
    reads: readonly StoreRead[],
  ): Promise<{
    readonly transaction: StoreTransaction
    readonly found: readonly (readonly StoreEntry[])[]
  }>
  close(): Promise<void>
}

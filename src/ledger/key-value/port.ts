/** One key and its value. */
export interface StoreEntry {
  readonly key: string
  readonly value: string
}

/** The keys from `from` (included) to `to` (not included), at most `limit` of them. */
export interface StoreRange {
  readonly from: string
  readonly to: string
  /** `descending`: the highest keys come first. */
  readonly order: 'ascending' | 'descending'
  readonly limit: number
}

/** A read of a transaction: one key, or a range of keys. */
export type StoreRead = { readonly key: string } | StoreRange

/** A change of a transaction: the new value of a key. Without a value, the key is deleted. */
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
   * Reads more entries. The ledger calls this only if a step needs entries that were not requested in `begin`.
   *
   * @returns For each read the entries that were found, in the read's order. For a key, one entry or none.
   */
  load(reads: readonly StoreRead[]): Promise<readonly (readonly StoreEntry[])[]>
  /**
   * Writes all changes, or none of them. Each key occurs at most once.
   *
   * @param options.durable - Whether the changes must survive a power cut before the store answers.
   * @returns False if another transaction has written since this one began. Then the store has written no change, and
   * the ledger runs the step again. A store that locks in `begin` always returns true.
   */
  commit(changes: readonly StoreChange[], options: { readonly durable: boolean }): Promise<boolean>
  /** Ends the transaction without a write. */
  rollback(): Promise<void>
}

/**
 * A store of keys and values for a ledger: Postgres, Redis, a Durable Object or any other database. The ledger has all
 * rules. The store only reads and writes. Keys are printable ASCII and are sorted by their bytes.
 *
 * Test an implementation with `ledgerStoreContract` from `purser/ledger/testing`.
 *
 * @see docs/ledger-store.md
 */
export interface LedgerStore {
  /**
   * Begins a transaction and reads, in one round trip if the store can.
   *
   * @param kind - `write`: either the store locks, so that another `write` transaction begins only after this one ends,
   * or `commit` returns false if another transaction has written meanwhile. `read`: the ledger always ends it by
   * `rollback`.
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

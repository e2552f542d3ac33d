import type {
  LedgerStore,
  StoreChange,
  StoreEntry,
  StoreRead,
  StoreTransaction,
} from '../../src/ledger/key-value/index.js'

/** The smallest store: a map, one transaction after the other. It is what a database does, without one. */
export class ExampleStore implements LedgerStore {
  readonly #values = new Map<string, string>()
  /** Ends with the last transaction that was begun. */
  #last: Promise<void> = Promise.resolve()

  async begin(
    _kind: 'read' | 'write',
    reads: readonly StoreRead[],
  ): Promise<{ transaction: StoreTransaction; found: readonly (readonly StoreEntry[])[] }> {
    const before = this.#last
    let end: () => void = () => undefined
    this.#last = new Promise((resolve) => {
      end = resolve
    })
    await before
    const transaction: StoreTransaction = {
      load: async (more) => more.map((read) => this.#read(read)),
      commit: async (changes) => {
        this.#write(changes)
        end()
        return true
      },
      rollback: async () => end(),
    }
    return { transaction, found: reads.map((read) => this.#read(read)) }
  }

  async close(): Promise<void> {}

  /** Somebody drops the database. */
  empty(): void {
    this.#values.clear()
  }

  #read(read: StoreRead): readonly StoreEntry[] {
    return entriesOf(this.#values, read)
  }

  #write(changes: readonly StoreChange[]): void {
    apply(this.#values, changes)
  }
}

/** A store that locks nothing: a commit is refused if another one came between. Each transaction sees a copy. */
export class OptimisticStore implements LedgerStore {
  #values: ReadonlyMap<string, string> = new Map()

  async begin(
    _kind: 'read' | 'write',
    reads: readonly StoreRead[],
  ): Promise<{ transaction: StoreTransaction; found: readonly (readonly StoreEntry[])[] }> {
    const seen = this.#values
    const transaction: StoreTransaction = {
      load: async (more) => more.map((read) => entriesOf(seen, read)),
      commit: async (changes) => {
        if (this.#values !== seen) return false
        const next = new Map(seen)
        apply(next, changes)
        this.#values = next
        return true
      },
      rollback: async () => undefined,
    }
    return { transaction, found: reads.map((read) => entriesOf(seen, read)) }
  }

  async close(): Promise<void> {}
}

export function entriesOf(values: ReadonlyMap<string, string>, read: StoreRead): readonly StoreEntry[] {
  if ('key' in read) {
    const value = values.get(read.key)
    return value === undefined ? [] : [{ key: read.key, value }]
  }
  const keys = [...values.keys()].filter((key) => key >= read.from && key < read.to).sort()
  if (read.order === 'descending') keys.reverse()
  return keys.slice(0, read.limit).map((key) => ({ key, value: values.get(key) ?? '' }))
}

function apply(values: Map<string, string>, changes: readonly StoreChange[]): void {
  for (const { key, value } of changes)
    if (value === undefined) values.delete(key)
    else values.set(key, value)
}

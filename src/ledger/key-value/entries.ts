import { BoundedCache } from '../bounded-cache.js'
import type { StoreChange, StoreEntry, StoreRange, StoreRead } from './port.js'

/** Thrown if a step needs these reads before it can continue. */
export class MissingReads extends Error {
  readonly reads: readonly StoreRead[]

  constructor(reads: readonly StoreRead[]) {
    super('The step reads something that is not loaded')
    this.reads = reads
  }
}

/** The loaded entries of a range. `complete` means that the range has no others. */
interface LoadedRange extends StoreRange {
  readonly entries: readonly StoreEntry[]
  readonly complete: boolean
}

type Values = Map<string, string | undefined>

/** The entries that a step reads: those of the store, with the changes of earlier steps and of this step. */
export abstract class Entries {
  readonly #kept: Values = new Map()
  readonly #changed: Values = new Map()

  protected abstract loaded(key: string): string | undefined
  protected abstract loadedRange(range: StoreRange): readonly StoreEntry[]
  /** Checks that all of these are loaded, so that missing ones are loaded together. */
  abstract want(reads: readonly StoreRead[]): void

  get(key: string): string | undefined {
    if (this.#changed.has(key)) return this.#changed.get(key)
    if (this.#kept.has(key)) return this.#kept.get(key)
    return this.loaded(key)
  }

  set(key: string, value: string | undefined): void {
    this.#changed.set(key, value)
  }

  /** Returns the entries of a range, in its order, with the changes. */
  range(range: StoreRange): readonly StoreEntry[] {
    const changes = [...this.#inRange(range)]
    const loaded = this.loadedRange({ ...range, limit: range.limit + changes.length })
    if (changes.length === 0) return loaded
    const merged = new Map<string, string | undefined>(loaded.map(({ key, value }) => [key, value]))
    for (const [key, value] of changes) merged.set(key, value)
    const entries = [...merged].flatMap(([key, value]) => (value === undefined ? [] : [{ key, value }]))
    return entries.sort(comparing(range)).slice(0, range.limit)
  }

  *#inRange({ from, to }: StoreRange): Iterable<[string, string | undefined]> {
    for (const [key, value] of new Map([...this.#kept, ...this.#changed]))
      if (key >= from && key < to) yield [key, value]
  }

  /** Keeps the changes of a finished step for the steps after it. */
  keep(): void {
    for (const [key, value] of this.#changed) this.#kept.set(key, value)
    this.#changed.clear()
  }

  /** Drops the changes of a step that failed or runs again. */
  discard(): void {
    this.#changed.clear()
  }

  /** Returns the changes of all kept steps. */
  changes(): readonly StoreChange[] {
    return [...this.#kept].map(([key, value]) => ({ key, value }))
  }
}

function comparing({ order }: StoreRange): (a: StoreEntry, b: StoreEntry) => number {
  const sign = order === 'ascending' ? 1 : -1
  return (a, b) => (a.key < b.key ? -sign : sign)
}

/**
 * The entries that one transaction has loaded. A step that reads any other entry is stopped by {@link MissingReads}.
 */
export class Snapshot extends Entries {
  readonly #values: Values = new Map()
  readonly #ranges: LoadedRange[] = []

  add(reads: readonly StoreRead[], found: readonly (readonly StoreEntry[])[]): void {
    for (const [index, read] of reads.entries()) {
      const entries = found[index] ?? []
      if ('key' in read) this.#values.set(read.key, entries[0]?.value)
      else this.#ranges.push({ ...read, entries, complete: entries.length < read.limit })
    }
  }

  protected loaded(key: string): string | undefined {
    if (this.#values.has(key)) return this.#values.get(key)
    const range = this.#ranges.find((each) => knows(each, key))
    if (range === undefined) throw new MissingReads([{ key }])
    return range.entries.find((entry) => entry.key === key)?.value
  }

  protected loadedRange(range: StoreRange): readonly StoreEntry[] {
    for (const known of this.#ranges) {
      const entries = part(known, range)
      if (entries !== undefined) return entries
    }
    throw new MissingReads([range])
  }

  want(reads: readonly StoreRead[]): void {
    const missing = reads.filter((read) => {
      if (!('key' in read)) return this.#ranges.every((known) => part(known, read) === undefined)
      return !this.#values.has(read.key) && !this.#ranges.some((range) => knows(range, read.key))
    })
    if (missing.length > 0) throw new MissingReads(missing)
  }

  /** Returns the loaded values, for {@link Remembered}. */
  *values(): Iterable<readonly [string, string | undefined]> {
    yield* this.#values
    for (const { entries } of this.#ranges) for (const { key, value } of entries) yield [key, value]
  }

  ranges(): readonly LoadedRange[] {
    return this.#ranges
  }
}

/** Returns whether the range shows if this key exists. */
function knows({ from, to, order, entries, complete }: LoadedRange, key: string): boolean {
  if (key < from || key >= to) return false
  const last = entries.at(-1)?.key
  if (complete || last === undefined) return complete
  return order === 'ascending' ? key <= last : key >= last
}

/** Returns the entries of a range that is inside a loaded one. Undefined if some of them are not loaded. */
function part(known: LoadedRange, { from, to, order, limit }: StoreRange): readonly StoreEntry[] | undefined {
  if (known.order !== order || known.from > from || known.to < to) return undefined
  const inside = known.entries.filter(({ key }) => key >= from && key < to)
  if (inside.length >= limit) return inside.slice(0, limit)
  const last = known.entries.at(-1)?.key
  const beyond = last !== undefined && (order === 'ascending' ? last >= to : last < from)
  return known.complete || beyond ? inside : undefined
}

/** The maximum of remembered values and ranges. */
const MOST_REMEMBERED = 5000
const MOST_RANGES = 500

/** The entries that earlier transactions of this process have read and written. They may be out of date. */
export class Memory {
  readonly #values = new BoundedCache<string | undefined>(MOST_REMEMBERED)
  readonly #ranges = new BoundedCache<readonly StoreEntry[]>(MOST_RANGES)

  learn(snapshot: Snapshot): void {
    for (const range of snapshot.ranges()) this.#ranges.set(nameOf(range), range.entries)
    for (const [key, value] of snapshot.values()) this.#values.set(key, value)
    for (const { key, value } of snapshot.changes()) this.#values.set(key, value)
  }

  value(key: string): string | undefined {
    return this.#values.get(key)
  }

  range(range: StoreRange): readonly StoreEntry[] {
    return this.#ranges.get(nameOf(range)) ?? []
  }
}

function nameOf({ from, to, order }: StoreRange): string {
  return `${from} ${to} ${order}`
}

/**
 * A test run of a step. It runs on remembered entries, treats all other entries as absent, and notes all reads. Its
 * answer and its changes are dropped.
 */
export class Rehearsal extends Entries {
  readonly #memory: Memory
  readonly #reads = new Map<string, StoreRead>()

  constructor(memory: Memory) {
    super()
    this.#memory = memory
  }

  /** Returns all reads, each once. */
  reads(): readonly StoreRead[] {
    return [...this.#reads.values()]
  }

  protected loaded(key: string): string | undefined {
    this.want([{ key }])
    return this.#memory.value(key)
  }

  protected loadedRange(range: StoreRange): readonly StoreEntry[] {
    this.want([range])
    return this.#memory.range(range).slice(0, range.limit)
  }

  want(reads: readonly StoreRead[]): void {
    for (const read of reads) {
      const name = 'key' in read ? read.key : nameOf(read)
      const before = this.#reads.get(name)
      if (before !== undefined && 'limit' in before && 'limit' in read && before.limit >= read.limit) continue
      this.#reads.set(name, read)
    }
  }
}

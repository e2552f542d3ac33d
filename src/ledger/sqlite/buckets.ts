import type { Instant } from '../../money/index.js'
import { BoundedCache } from '../bounded-cache.js'
import type { Counts } from '../counts.js'
import { damaged } from '../ledger-error.js'
import type { Value } from './driver.js'
import type { Sql } from './sql.js'

/** Buckets older than every window are kept this long. Then they are removed a few at a time. */
const SPARED_MS = 3_600_000
const MOST_PRUNED = 50
/** A window has at most sixty buckets, plus one for each payment in it that did not claim it. */
const MOST_BUCKETS = 200
/** How many buckets one statement writes. */
const MOST_WRITTEN = 8

const ADD = `INSERT INTO buckets VALUES (?, ?, ?, ?)
  ON CONFLICT (counter, at) DO UPDATE SET counted = counted + excluded.counted, held = held + excluded.held`
/** The statements that write none, one, two, … buckets. */
const UPSERTS = Array.from({ length: MOST_WRITTEN + 1 }, (_, rows) =>
  rows === 0
    ? undefined
    : `INSERT INTO buckets VALUES ${Array.from({ length: rows }, () => '(?, ?, ?, ?)').join(', ')}
       ON CONFLICT (counter, at) DO UPDATE SET counted = excluded.counted, held = excluded.held`,
)

interface Bucket {
  readonly counter: number
  readonly at: Instant
  counted: bigint
  held: bigint
}

/** The buckets of one counter at or after `from`, where a window begins. */
interface Known {
  readonly from: Instant
  readonly buckets: Map<Instant, Bucket>
}

/**
 * The sums of the counters, by the counters' numbers. The sums that a transaction adds are written at its end. Each
 * bucket is written once, for all payments that changed it.
 */
export class Buckets {
  readonly #sql: Sql
  readonly #known = new BoundedCache<Known, number>()
  readonly #changed = new Set<Bucket>()

  constructor(sql: Sql) {
    this.#sql = sql
  }

  /** Forgets all sums that were read, and all added sums that are not written yet. */
  clear(): void {
    this.#known.clear()
    this.#changed.clear()
  }

  sum(counter: number, from: Instant): Counts {
    const known = this.#known.get(counter)
    // A counter with many buckets is read again, from the present beginning of its window.
    const fits = known !== undefined && known.from <= from && known.buckets.size <= MOST_BUCKETS
    const sum = { counted: 0n, held: 0n }
    for (const { at, counted, held } of (fits ? known : this.#read(counter, from)).buckets.values()) {
      if (at < from) continue
      sum.counted += counted
      sum.held += held
    }
    return sum
  }

  add(counter: number, at: Instant, { counted, held }: Counts): void {
    if (counted === 0n && held === 0n) return
    const known = this.#known.get(counter)
    // No step has read this counter yet, so the beginning of its window is unknown.
    if (known === undefined || at < known.from) {
      this.#sql.run(ADD, counter, at, counted, held)
      return
    }
    let bucket = known.buckets.get(at)
    if (bucket === undefined) {
      this.#prune(counter, known.from)
      bucket = { counter, at, counted: 0n, held: 0n }
      known.buckets.set(at, bucket)
    }
    bucket.counted += counted
    bucket.held += held
    this.#changed.add(bucket)
  }

  /** Writes the added sums. */
  flush(): void {
    if (this.#changed.size === 0) return
    const values: Value[] = []
    for (const { counter, at, counted, held } of this.#changed) {
      values.push(counter, at, counted, held)
      if (values.length === 4 * MOST_WRITTEN) this.#write(values.splice(0))
    }
    this.#write(values)
    this.#changed.clear()
  }

  #write(values: readonly Value[]): void {
    const sql = UPSERTS[values.length / 4]
    if (sql !== undefined) this.#sql.run(sql, ...values)
  }

  #read(counter: number, from: Instant): Known {
    this.flush()
    const buckets = new Map<Instant, Bucket>()
    const sql = 'SELECT at, counted, held FROM buckets WHERE counter = ? AND at >= ?'
    for (const { at, counted, held } of this.#sql.exact(sql, counter, from)) {
      if (typeof at !== 'bigint' || typeof counted !== 'bigint' || typeof held !== 'bigint') throw damaged()
      buckets.set(Number(at), { counter, at: Number(at), counted, held })
    }
    const known = { from, buckets }
    this.#known.set(counter, known)
    return known
  }

  /**
   * Removes a few old buckets of a counter that gets a new bucket. No window reaches them, and time never goes back to
   * them.
   */
  #prune(counter: number, from: Instant): void {
    const sql = `DELETE FROM buckets WHERE counter = ? AND at IN
      (SELECT at FROM buckets WHERE counter = ? AND at < ? ORDER BY at LIMIT ${MOST_PRUNED})`
    if (from > 0) this.#sql.run(sql, counter, counter, from - SPARED_MS)
  }
}

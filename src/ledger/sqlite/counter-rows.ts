import type { Instant } from '../../money/index.js'
import type { CounterClaim, Dimension } from '../../policy/index.js'
import { own } from '../../util/objects.js'
import { BoundedCache } from '../bounded-cache.js'
import { type Counter, type Counts, counterOf } from '../counts.js'
import { claimBy, familyOf, sameFamily } from '../family.js'
import { decode, encode } from '../json.js'
import { damaged } from '../ledger-error.js'
import { type Fill, isFilled, type KnownShape } from '../shapes.js'
import type { LedgerTables, Meta } from '../tables.js'
import { Buckets } from './buckets.js'
import { clockOf, clockText } from './clock-rows.js'
import { type Fields, numberOf, optionalNumber, optionalText, textOf } from './codec.js'
import { FactRows } from './fact-rows.js'
import { gapsOf, gapsText } from './gap-rows.js'
import type { Sql } from './sql.js'

/** The maximum of cached names. The table has all of them. */
const MOST_NAMES = 10_000

/**
 * How far ahead of the latest time the file's time is written, so that not every step writes it. A process that finds
 * the time in the file takes it for the latest time. So the time never goes back, and it may run ahead by this much.
 */
const AHEAD_MS = 50

const NOTHING: Counts = Object.freeze({ counted: 0n, held: 0n })

/** The few values that every step reads, and the counters. */
export class CounterRows extends FactRows {
  #meta: Meta | undefined
  #listed = 0
  #boughtAfter: number | undefined
  #changed = false
  /** The time that is stored in the file. No answer has used a later time. */
  #bound: Instant = 0
  /** The latest time of this process. Undefined if another process may have used a later one. */
  #high: Instant | undefined
  readonly #buckets: Buckets
  // These rows are never removed. A cached row stays true, unless the transaction that wrote it is undone.
  readonly #numbers = new BoundedCache<number>()
  readonly #keys = new BoundedCache<string>()
  readonly #names = new Set<string>()
  #shapes: readonly KnownShape[] = []

  constructor(sql: Sql) {
    super(sql)
    this.#buckets = new Buckets(sql)
  }

  override doubt(): void {
    this.#high = undefined
    this.clear()
  }

  protected override clear(): void {
    super.clear()
    this.#meta = undefined
    this.#buckets.clear()
    // The progress of a fill changes although no shape is added.
    if (!this.#shapes.every(isFilled)) this.#shapes = []
  }

  /** Writes the step's changes to counters and to {@link Meta}. */
  end(): void {
    this.#buckets.flush()
    const { high, clock, frozen, filled, shapes, gaps } = this.meta()
    this.#high = high
    if (!this.#changed && high <= this.#bound) return
    this.#bound = Math.max(this.#bound, high + AHEAD_MS)
    this.#changed = false
    const sql =
      'UPDATE meta SET high = ?, clock = ?, frozen = ?, filled = ?, shapes = ?, gaps = ?, listed = ?, bought = ?'
    const rest = [frozen ?? null, filled, shapes, gapsText(gaps), this.#listed, this.#boughtAfter ?? null]
    this.sql.run(sql, this.#bound, clockText(clock), ...rest)
  }

  /** Sets the time in the file back to the latest time, because no further step follows. */
  rest(): void {
    if (this.meta().high < this.#bound) this.sql.run('UPDATE meta SET high = ?', this.meta().high)
  }

  /** Forgets the cached values after a step was undone. */
  forget(): void {
    this.clear()
    this.#changed = false
    this.#numbers.clear()
    this.#keys.clear()
    this.#names.clear()
    this.#shapes = []
  }

  meta(): Meta {
    if (this.#meta !== undefined) return this.#meta
    const row = this.sql.get('SELECT id, high, clock, frozen, filled, shapes, gaps, listed, bought FROM meta')
    if (row === undefined) throw damaged()
    const frozen = optionalText(row, 'frozen')
    const stored = numberOf(row, 'high')
    const rest = {
      id: textOf(row, 'id'),
      high: this.#high ?? stored,
      clock: clockOf(row),
      filled: numberOf(row, 'filled'),
      shapes: numberOf(row, 'shapes'),
      gaps: gapsOf(row),
    }
    this.#meta = own(frozen === undefined ? rest : { ...rest, frozen })
    this.#bound = stored
    this.#listed = numberOf(row, 'listed')
    this.#boughtAfter = optionalNumber(row, 'bought')
    return this.#meta
  }

  setMeta(change: Parameters<LedgerTables['setMeta']>[0]): void {
    const before = this.meta()
    const { frozen, ...rest } = own({ ...before, ...change })
    this.#meta = own(frozen === undefined ? rest : { ...rest, frozen })
    const { high, clock, filled, shapes, gaps } = rest
    this.#changed ||= frozen !== before.frozen || filled !== before.filled || shapes !== before.shapes
    this.#changed ||= gaps !== before.gaps || clock !== before.clock
    // Time goes back only if a person confirms it. Then the time in the file goes back too.
    if (high < before.high) this.#bound = 0
  }

  /** The place of the last payment that is in the indexes. */
  protected get listed(): number {
    this.meta()
    return this.#listed
  }

  protected set listed(place: number) {
    this.#listed = place
    this.#changed = true
  }

  /**
   * All payments after this place are listed by the moment of their purchase. Undefined if no process has asked for
   * that yet.
   */
  protected get boughtAfter(): number | undefined {
    this.meta()
    return this.#boughtAfter
  }

  protected set boughtAfter(place: number | undefined) {
    this.#boughtAfter = place
    this.#changed = true
  }

  family(claim: CounterClaim, dimension: Dimension): readonly Counter[] {
    this.#buckets.flush()
    const sql = `SELECT key FROM counters WHERE family = ?
      AND EXISTS (SELECT 1 FROM buckets WHERE counter = n AND at >= ?)`
    const counters = this.sql.all(sql, familyOf(claimBy(claim, dimension)), claim.from).map(readCounter)
    return counters.filter((counter) => sameFamily(counter, claim, dimension))
  }

  counters(): readonly Counter[] {
    return this.sql.all('SELECT key FROM counters ORDER BY n').map(readCounter)
  }

  countsSince(key: string, from: Instant): Counts {
    const n = this.#number(key)
    return n === undefined ? NOTHING : this.#buckets.sum(n, from)
  }

  addCounts(key: string, at: Instant, change: Counts): void {
    this.#buckets.add(this.numberOf(key), at, change)
  }

  shapes(): readonly KnownShape[] {
    // Shapes are only added and never removed. If their number is the same, the cached shapes are current.
    if (this.#shapes.length !== this.meta().shapes)
      this.#shapes = this.sql.all('SELECT body, through FROM shapes ORDER BY n').map(readShape)
    return this.#shapes
  }

  addShape(shape: KnownShape): void {
    const { fill } = shape
    const sql = 'INSERT INTO shapes (fill, through, body) VALUES (?, ?, ?)'
    this.sql.run(sql, fill?.number ?? null, fill?.through ?? null, encode(shape))
    this.setMeta({ shapes: this.meta().shapes + 1 })
  }

  setThrough(number: number, place: number): void {
    this.sql.run('UPDATE shapes SET through = ? WHERE fill = ?', place, number)
    this.#shapes = []
  }

  setFill(fill: Fill): void {
    for (const shape of this.shapes()) {
      if (shape.fill?.number !== fill.number) continue
      const body = encode({ ...shape, fill })
      this.sql.run('UPDATE shapes SET through = ?, body = ? WHERE fill = ?', fill.through, body, fill.number)
    }
    this.#shapes = []
  }

  clearCounts(): void {
    this.#buckets.clear()
    this.sql.run('DELETE FROM buckets')
  }

  hasTrait(name: string): boolean {
    if (this.#names.has(name)) return true
    if (this.sql.get('SELECT 1 FROM traits WHERE name = ?', name) === undefined) return false
    this.#mind(name)
    return true
  }

  addTrait(name: string): void {
    this.sql.run('INSERT OR IGNORE INTO traits VALUES (?)', name)
  }

  #mind(name: string): void {
    if (this.#names.size >= MOST_NAMES) this.#names.clear()
    this.#names.add(name)
  }

  #number(key: string): number | undefined {
    const known = this.#numbers.get(key)
    if (known !== undefined) return known
    const row = this.sql.get('SELECT n FROM counters WHERE key = ?', key)
    if (row === undefined) return undefined
    const n = numberOf(row, 'n')
    this.#numbers.set(key, n)
    return n
  }

  /**
   * Returns a counter's number. Charges name counters by their numbers, because keys are long and each key would be
   * stored in thousands of payments. A new counter gets a new number.
   */
  protected numberOf(key: string): number {
    const n = this.#number(key)
    if (n !== undefined) return n
    const counter = counterOf(key)
    if (counter === undefined) throw damaged()
    const added = this.sql.insert('INSERT INTO counters (key, family) VALUES (?, ?)', key, familyOf(counter))
    this.#numbers.set(key, added)
    return added
  }

  protected keyOf(n: number): string {
    return this.#keys.getOrLoad(`${n}`, () => {
      const row = this.sql.get('SELECT key FROM counters WHERE n = ?', n)
      if (row === undefined) throw damaged()
      return textOf(row, 'key')
    })
  }
}

function readCounter(row: Fields): Counter {
  const counter = counterOf(textOf(row, 'key'))
  if (counter === undefined) throw damaged()
  return counter
}

function readShape(row: Fields): KnownShape {
  const shape = decode(textOf(row, 'body'))
  if (!isShape(shape)) throw damaged()
  return shape.fill === undefined
    ? shape
    : own({ ...shape, fill: { ...shape.fill, through: numberOf(row, 'through') } })
}

function isShape(value: unknown): value is KnownShape {
  return typeof value === 'object' && value !== null && 'by' in value && Array.isArray(value.by)
}

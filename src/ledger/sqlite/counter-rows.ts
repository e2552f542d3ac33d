import type { Instant } from '../../money/index.js'
import type { CounterClaim, Dimension } from '../../policy/index.js'
import type { Counter } from '../counts.js'
import { familyOf, familyWith, sameFamily } from '../family.js'
import type { Shape } from '../shapes.js'
import type { Meta, Shelf, Sum } from '../shelf.js'
import { damaged, decode, encode, type Fields, numberOf, optionalText, textOf } from './codec.js'
import { FactRows } from './fact-rows.js'

/** More names than this are not kept in mind; the table knows them all. */
const MOST_NAMES = 10_000

/** The few values every step reads, and the counters. */
export class CounterRows extends FactRows {
  #meta: Meta | undefined
  #changed = false
  // Rows that are never removed, so what was read once stays true, unless the transaction that wrote it is undone.
  readonly #numbers = new Map<string, number>()
  readonly #names = new Set<string>()
  #shapes: readonly Shape[] = []

  /** Begins a step: nothing of the last one is believed. */
  begin(): void {
    this.#meta = undefined
    this.#changed = false
  }

  /** Writes what the step changed in {@link Meta}. */
  end(): void {
    const { high, frozen, filled, shapes } = this.meta()
    const sql = 'UPDATE meta SET high = ?, frozen = ?, filled = ?, shapes = ?'
    if (this.#changed) this.sql.run(sql, high, frozen ?? null, filled, shapes)
  }

  /** The step was undone. */
  forget(): void {
    this.#meta = undefined
    this.#numbers.clear()
    this.#names.clear()
    this.#shapes = []
  }

  meta(): Meta {
    if (this.#meta !== undefined) return this.#meta
    const row = this.sql.get('SELECT id, high, frozen, filled, shapes FROM meta')
    if (row === undefined) throw damaged()
    const frozen = optionalText(row, 'frozen')
    const rest = {
      id: textOf(row, 'id'),
      high: numberOf(row, 'high'),
      filled: numberOf(row, 'filled'),
      shapes: numberOf(row, 'shapes'),
    }
    this.#meta = frozen === undefined ? rest : { ...rest, frozen }
    return this.#meta
  }

  setMeta(change: Parameters<Shelf['setMeta']>[0]): void {
    const { frozen, ...rest } = { ...this.meta(), ...change }
    this.#meta = frozen === undefined ? rest : { ...rest, frozen }
    this.#changed = true
  }

  hasCounter(key: string): boolean {
    return this.#number(key) !== undefined
  }

  addCounter(counter: Counter): void {
    this.sql.run(
      'INSERT INTO counters (key, family, filled, body) VALUES (?, ?, ?, ?)',
      counter.key,
      familyOf(counter),
      counter.filled ?? null,
      encode(counter),
    )
  }

  filledSince(number: number): readonly Counter[] {
    return this.sql.all('SELECT body FROM counters WHERE filled > ?', number).map(readCounter)
  }

  family(claim: CounterClaim, dimension: Dimension): readonly Counter[] {
    const sql = `SELECT body FROM counters WHERE family = ?
      AND EXISTS (SELECT 1 FROM buckets WHERE counter = n AND at >= ?)`
    const counters = this.sql.all(sql, familyWith(claim, dimension), claim.from).map(readCounter)
    return counters.filter((counter) => sameFamily(counter, claim, dimension))
  }

  sum(key: string, from: Instant): Sum {
    const n = this.#number(key)
    if (n === undefined) return { held: 0n, spent: 0n }
    const sql = `SELECT coalesce(sum(held), 0) AS held, coalesce(sum(spent), 0) AS spent
      FROM buckets WHERE counter = ? AND at >= ?`
    const row = this.sql.exact(sql, n, from)
    if (typeof row?.['held'] !== 'bigint' || typeof row['spent'] !== 'bigint') throw damaged()
    return { held: row['held'], spent: row['spent'] }
  }

  addTo(key: string, at: Instant, { held, spent }: Sum): void {
    const n = this.#number(key)
    if (n === undefined) throw damaged()
    this.sql.run(
      `INSERT INTO buckets VALUES (?, ?, ?, ?)
       ON CONFLICT (counter, at) DO UPDATE SET held = held + excluded.held, spent = spent + excluded.spent`,
      n,
      at,
      held,
      spent,
    )
  }

  shapes(): readonly Shape[] {
    // Shapes are only ever added, so as many as there are now are the ones there were.
    if (this.#shapes.length !== this.meta().shapes)
      this.#shapes = this.sql.all('SELECT body FROM shapes ORDER BY n').map(readShape)
    return this.#shapes
  }

  addShape(shape: Shape): void {
    this.sql.run('INSERT INTO shapes (body) VALUES (?)', encode(shape))
    this.setMeta({ shapes: this.meta().shapes + 1 })
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

  vendors(policy: string): Iterable<string> {
    const rows = this.sql.all('SELECT vendor FROM vendors WHERE policy = ?', policy)
    return rows.map((row) => textOf(row, 'vendor'))
  }

  addVendor(policy: string, vendor: string): void {
    const name = `${policy}\n${vendor}`
    if (this.#names.has(name)) return
    this.sql.run('INSERT OR IGNORE INTO vendors VALUES (?, ?)', policy, vendor)
    this.#mind(name)
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
    if (this.#numbers.size >= MOST_NAMES) this.#numbers.clear()
    const n = numberOf(row, 'n')
    this.#numbers.set(key, n)
    return n
  }
}

function readCounter(row: Fields): Counter {
  const value = decode(textOf(row, 'body'))
  if (!isCounter(value)) throw damaged()
  return value
}

function readShape(row: Fields): Shape {
  const value = decode(textOf(row, 'body'))
  if (!isShape(value)) throw damaged()
  return value
}

function isShape(value: unknown): value is Shape {
  return typeof value === 'object' && value !== null && 'by' in value && Array.isArray(value.by)
}

function isCounter(value: unknown): value is Counter {
  return typeof value === 'object' && value !== null && 'key' in value && 'scope' in value && 'from' in value
}

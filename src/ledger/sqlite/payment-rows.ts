import type { Instant } from '../../money/index.js'
import { taskKeys } from '../../policy/index.js'
import { BoundedCache } from '../bounded-cache.js'
import { weightsOf } from '../counters.js'
import { damaged } from '../ledger-error.js'
import type { PaymentRow } from '../payment-row.js'
import type { PaymentId } from '../port.js'
import { purchasedAt } from '../purchases.js'
import { dueEntryOf, standingOf } from '../query.js'
import {
  bodyText,
  type Core,
  type CounterNames,
  coreOf,
  coreText,
  readBody,
  readCore,
  rowFrom,
} from '../row-codec.js'
import type { StoredRow } from '../tables.js'
import { type Fields, numberOf, optionalText, stateOf, textOf } from './codec.js'
import { CounterRows } from './counter-rows.js'
import type { Value } from './driver.js'
import { type RecentPayment, RecentPayments } from './recent-payments.js'
import type { Sql } from './sql.js'

const MOVING = 'place, state, owner, rev, body'
export const ALL = `${MOVING}, core`
/** The maximum of cached payments. It is higher than the number of payments that run at once. */
const MOST_KNOWN = 1000
/**
 * How many payments are put into the indexes at once, when this many are waiting. So each page of an index is written
 * once for several payments. Most of these payments have ended by then, so they are not written to the indexes twice.
 */
const MOST_RECENT = 64
/** How many earlier payments are added to the list of purchases at once. */
const MOST_LISTED = 50

interface Known {
  readonly place: number
  readonly rev: number
  readonly row: PaymentRow
  /**
   * The number of the period without foreign writes in which the row was read. In a later period, only the columns that
   * a hold wrote are still current.
   */
  readonly stretch: number
}

/** The payments in their table, one by one. */
export class PaymentRows extends CounterRows {
  /** The columns that a hold wrote do not change until the next hold of the same payment. That hold raises `rev`. */
  readonly #known = new BoundedCache<Known>(MOST_KNOWN)
  readonly #recent: RecentPayments
  readonly #names: CounterNames = {
    numberOf: (key) => this.numberOf(key),
    keyOf: (n) => this.keyOf(n),
  }
  #stretch = 0
  /** The last id that was searched and not found. A hold of it usually follows. */
  #absent: PaymentId | undefined

  constructor(sql: Sql) {
    super(sql)
    this.#recent = new RecentPayments(sql)
  }

  protected override clear(): void {
    super.clear()
    this.#recent.doubt()
    this.#absent = undefined
    this.#stretch++
  }

  override forget(): void {
    super.forget()
    this.#recent.forget()
    this.#known.clear()
  }

  override end(): void {
    if (this.recent().size >= 2 * MOST_RECENT) this.#list()
    super.end()
  }

  payment(id: PaymentId): PaymentRow | undefined {
    return this.#find(id)?.row
  }

  place(id: PaymentId): number {
    return this.#find(id)?.place ?? 0
  }

  /** Returns whether the payment's columns are in the indexes, and its held amounts in the buckets. */
  isHoldInBuckets(id: PaymentId): boolean {
    const place = this.place(id)
    return place > 0 && place <= this.listed
  }

  /** Returns the payments that are in no index, by their ids. They are newer than all payments in the indexes. */
  protected recent(): ReadonlyMap<PaymentId, RecentPayment> {
    return this.#recent.after(this.listed)
  }

  #find(id: PaymentId): Known | undefined {
    const known = this.#known.get(id)
    if (known?.stretch === this.#stretch) return known
    if (id === this.#absent) return undefined
    const recent = this.recent().get(id)?.place
    const fields =
      recent === undefined
        ? this.sql.get(`SELECT ${MOVING} FROM payments WHERE listed = 1 AND id = ?`, id)
        : this.sql.get(`SELECT ${MOVING} FROM payments WHERE place = ?`, recent)
    this.#absent = fields === undefined ? id : undefined
    if (fields === undefined) return undefined
    const place = numberOf(fields, 'place')
    const rev = numberOf(fields, 'rev')
    const core = known?.rev === rev ? coreOf(known.row) : this.#core(place)
    return this.#keep(place, rev, rowOf(core, fields))
  }

  #core(place: number): Core {
    const row = this.sql.get('SELECT core FROM payments WHERE place = ?', place)
    return readCore(row === undefined ? '' : textOf(row, 'core'), this.#names)
  }

  #keep(place: number, rev: number, row: PaymentRow): Known {
    const known = { place, rev, row, stretch: this.#stretch }
    this.#known.set(row.id, known)
    return known
  }

  /** Reads a row of {@link ALL} columns. */
  protected placed(fields: Fields): StoredRow {
    const core = readCore(textOf(fields, 'core'), this.#names)
    return { place: numberOf(fields, 'place'), row: rowOf(core, fields) }
  }

  save(row: PaymentRow): void {
    const known = this.#find(row.id)
    if (known === undefined) this.#insert(row)
    else if (known.row.charges === row.charges && known.row.lanes === row.lanes) this.#update(row, known)
    else this.#replace(row, known)
  }

  #insert(row: PaymentRow): void {
    const { id, context, resource, fingerprint, key, createdAt } = row
    // This is read before the insert, so that the new payment is not read back.
    this.recent()
    const place = this.sql.insert(
      `INSERT INTO payments
        (id, agent, vendor, fingerprint, key, created, rev, listed, core, counted, state, owner, body,
         standing, wallet, due, bought)
       VALUES (?, ?, ?, ?, ?, ?, 0, 0, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      id,
      context.agent,
      resource.vendor,
      fingerprint,
      key ?? null,
      createdAt,
      coreText(row, this.#names),
      countedAt(row),
      ...moving(row),
      ...this.#waysTo(row),
    )
    this.#keep(place, 0, row)
    this.#recent.add({ place, id, agent: context.agent, fingerprint, key })
  }

  #update(row: PaymentRow, { place, rev, row: before }: Known): void {
    const [was, is] = [this.#waysTo(before), this.#waysTo(row)]
    // SQLite writes a column that is set to its index too, even if its value is the same.
    if (was.every((value, index) => value === is[index])) {
      const sql = 'UPDATE payments SET state = ?, owner = ?, body = ? WHERE place = ?'
      this.sql.run(sql, ...moving(row), place)
    } else {
      const sql = `UPDATE payments SET state = ?, owner = ?, body = ?, standing = ?, wallet = ?, due = ?, bought = ?
        WHERE place = ?`
      this.sql.run(sql, ...moving(row), ...is, place)
    }
    this.#keep(place, rev, row)
  }

  #replace(row: PaymentRow, { place, rev }: Known): void {
    this.sql.run(
      `UPDATE payments SET rev = ?, fingerprint = ?, key = ?, core = ?, counted = ?, vendor = ?, agent = ?,
       state = ?, owner = ?, body = ?, standing = ?, wallet = ?, due = ?, bought = ? WHERE place = ?`,
      rev + 1,
      row.fingerprint,
      row.key ?? null,
      coreText(row, this.#names),
      countedAt(row),
      row.resource.vendor,
      row.context.agent,
      ...moving(row),
      ...this.#waysTo(row),
      place,
    )
    this.#keep(place, rev + 1, row)
    if (place <= this.listed) this.#listTasks(row, place)
  }

  /**
   * Returns the columns `standing`, `wallet`, `due` and `bought`. Twins, recovery and repeats find a payment by them.
   */
  #waysTo(row: PaymentRow): readonly [Value, Value, Value, Value] {
    const turn = dueEntryOf(row)
    const bought = this.boughtAfter === undefined ? null : (purchasedAt(row) ?? null)
    return [standingOf(row) ?? null, turn?.wallet ?? null, turn?.due ?? null, bought]
  }

  listsPurchases(): boolean {
    return this.boughtAfter === 0
  }

  /** Begins the list of purchases. A ledger that never had a `repeat` rule has no such list. */
  beginListing(): boolean {
    if (this.boughtAfter === undefined) this.boughtAfter = this.last()
    return this.listsPurchases()
  }

  /** Lists payments from the newest to the oldest, so that payments that are made meanwhile do not interfere. */
  listPurchases(since: Instant, goOn: () => boolean): boolean {
    for (;;) {
      const after = this.boughtAfter
      if (after === undefined || after === 0) return true
      const sql = `SELECT ${ALL}, created FROM payments WHERE place <= ? ORDER BY place DESC LIMIT ?`
      const page = this.sql.all(sql, after, MOST_LISTED)
      const recent = page.filter((fields) => numberOf(fields, 'created') >= since)
      for (const { place, row } of recent.map((fields) => this.placed(fields)))
        this.sql.run('UPDATE payments SET bought = ? WHERE place = ?', purchasedAt(row) ?? null, place)
      const last = recent.at(-1)
      const done = last === undefined || recent.length < page.length || page.length < MOST_LISTED
      this.boughtAfter = done ? 0 : numberOf(last, 'place') - 1
      if (!goOn()) return this.boughtAfter === 0
    }
  }

  last(): number {
    const row = this.sql.get('SELECT coalesce(max(place), 0) AS n FROM payments')
    return row === undefined ? 0 : numberOf(row, 'n')
  }

  restamp(row: PaymentRow): void {
    const known = this.#find(row.id)
    if (known === undefined) throw damaged()
    this.#replace(row, known)
    this.sql.run('UPDATE payments SET created = ? WHERE place = ?', row.createdAt, known.place)
  }

  /** Puts the recent payments into the indexes. */
  #list(): void {
    const before = this.listed
    for (const { id, place } of [...this.recent().values()].slice(0, MOST_RECENT)) {
      const row = this.payment(id)
      if (row !== undefined) {
        this.#listTasks(row, place)
        for (const [key, { at, held }] of weightsOf(this, row)) this.addCounts(key, at, { counted: 0n, held })
      }
      this.listed = place
    }
    this.sql.run('UPDATE payments SET listed = 1 WHERE place > ? AND place <= ?', before, this.listed)
    this.#recent.doubt()
  }

  /** Deletes a payment that is in the indexes and counts in no budget. */
  protected drop(id: PaymentId): void {
    const known = this.#find(id)
    if (known === undefined) return
    for (const task of tasksOf(known.row))
      this.sql.run('DELETE FROM tasks WHERE task = ? AND place = ?', task, known.place)
    this.sql.run('DELETE FROM payments WHERE place = ?', known.place)
    this.#known.delete(id)
  }

  #listTasks(row: PaymentRow, place: number): void {
    for (const task of tasksOf(row)) this.sql.run('INSERT OR IGNORE INTO tasks VALUES (?, ?)', task, place)
  }
}

/** Returns the names of the payment in the index of tasks. */
function tasksOf({ context, charges }: PaymentRow): ReadonlySet<string> {
  const paths = new Set(charges.flatMap(({ dimensions }) => dimensions.tasks))
  const tasks = new Set([...paths].map(pathed))
  // A task that is not inside another task is found by its path alone.
  for (const task of context.tasks) if (!paths.has(outermost(task))) tasks.add(named(task))
  return tasks
}

function rowOf(core: Core, fields: Fields): PaymentRow {
  return rowFrom(core, readBody(textOf(fields, 'body'), core), stateOf(fields), optionalText(fields, 'owner'))
}

/** Returns the columns that a move may change, in the order of the statements above. */
function moving(row: PaymentRow): readonly [Value, Value, Value] {
  return [row.state, row.owner ?? null, bodyText(row)]
}

function countedAt(row: PaymentRow): Instant {
  return Math.max(row.createdAt, ...row.charges.map(({ at }) => at))
}

/** Returns a task's key by its own name, which queries use. Counters use the task's path. */
export const named = (task: string): string => `n ${task}`
export const pathed = (path: string): string => `p ${path}`
export const outermost = (task: string): string => taskKeys([task])[0] ?? ''

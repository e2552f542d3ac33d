import type { Instant } from '../../money/index.js'
import { own } from '../../util/objects.js'
import type { PaymentRow } from '../payment-row.js'
import type { PaymentId, PaymentQuery } from '../port.js'
import { purchasedAt } from '../purchases.js'
import { type DueGroup, isBeyond, isOver, isStanding, matches } from '../query.js'
import type { Fill } from '../shapes.js'
import type { DuePage, DueRow, FoundPage, LedgerTables, OldRefusals, StoredRow } from '../tables.js'
import { type Fields, numberOf, textOf } from './codec.js'
import type { Value } from './driver.js'
import { ALL, named, outermost, PaymentRows, pathed } from './payment-rows.js'
import type { RecentPayment } from './recent-payments.js'

/** The conditions of a search. */
interface Search {
  readonly where: string[]
  readonly values: Value[]
  /**
   * Names of tasks. A payment must have one of them. Recent payments have no index of tasks, so they are checked one by
   * one.
   */
  readonly tasks?: readonly string[]
}

/** How many payments one search without an index checks before the event loop turns. */
const MOST_LOOKED_AT = 5000
/** How many payments a new counter counts at once. */
const MOST_COUNTED = 50

/** No process works on the payment: its owner's lease has ended, or it has no owner. */
const GONE = 'coalesce((SELECT until FROM owners WHERE name = owner), 0) <= ?'

/** All tables of a SQLite ledger. */
export class SqliteTables extends PaymentRows implements LedgerTables {
  byKey(agent: string, key: string, except: PaymentId): PaymentRow | undefined {
    const recent = this.#recentRows((each) => each.agent === agent && each.key === key && each.id !== except)
    const newest = recent.findLast((row) => !isOver(row))
    if (newest !== undefined) return newest
    const sql = `SELECT id FROM payments INDEXED BY payments_key WHERE listed = 1 AND key = ? AND agent = ?
      AND state IN ('held', 'committed', 'settled') AND id <> ? ORDER BY place DESC LIMIT 1`
    const row = this.sql.get(sql, key, agent, except)
    return row === undefined ? undefined : this.payment(textOf(row, 'id'))
  }

  twins(agent: string, fingerprint: string, since: Instant): readonly PaymentRow[] {
    const sql = `SELECT id FROM payments INDEXED BY payments_twins
      WHERE listed = 1 AND standing IS NOT NULL AND agent = ? AND fingerprint = ? AND standing > ? ORDER BY place`
    const listed = this.sql
      .all(sql, agent, fingerprint, since)
      .flatMap((found) => this.payment(textOf(found, 'id')) ?? [])
    const recent = this.#recentRows((each) => each.agent === agent && each.fingerprint === fingerprint)
    return [...listed, ...recent.filter((row) => isStanding(row, since))]
  }

  refusals(agent: string, fingerprint: string, since: Instant, limit: number): readonly PaymentRow[] {
    const recent = this.#recentRows((each) => each.agent === agent && each.fingerprint === fingerprint)
    const sql = `SELECT id FROM payments INDEXED BY payments_refused
      WHERE listed = 1 AND state = 'denied' AND agent = ? AND fingerprint = ? AND created >= ?
      ORDER BY place DESC LIMIT ?`
    const listed = this.sql
      .all(sql, agent, fingerprint, since, limit)
      .flatMap((found) => this.payment(textOf(found, 'id')) ?? [])
    const denied = recent.filter(({ state, createdAt }) => state === 'denied' && createdAt >= since)
    return [...denied.reverse(), ...listed].slice(0, limit)
  }

  dropRefusals({ before, upTo, limit }: OldRefusals): void {
    // Only payments in the indexes are dropped. The last payment is never in the indexes, because SQLite would reuse
    // its place.
    const sql = `SELECT id, created, place FROM payments INDEXED BY payments_state
      WHERE listed = 1 AND state = 'denied' ORDER BY place LIMIT ?`
    for (const found of this.sql.all(sql, limit)) {
      const place = numberOf(found, 'place')
      if (numberOf(found, 'created') >= before && place > upTo) return
      this.drop(textOf(found, 'id'))
    }
  }

  *purchases(agent: string, fingerprint: string, since: Instant): Iterable<PaymentRow> {
    const same = (each: RecentPayment): boolean => each.agent === agent && each.fingerprint === fingerprint
    const recent = this.#recentRows(same).map((row) => ({ row, at: purchasedAt(row) ?? since }))
    const waiting = recent.filter(({ at }) => at > since).sort((a, b) => a.at - b.at)
    for (const listed of this.#listedBought(agent, fingerprint, since)) {
      while ((waiting.at(-1)?.at ?? 0) >= listed.at) yield* waiting.splice(-1).map(({ row }) => row)
      yield listed.row
    }
    yield* waiting.reverse().map(({ row }) => row)
  }

  /** Reads payments one by one, because the first one usually decides. */
  *#listedBought(
    agent: string,
    fingerprint: string,
    since: Instant,
  ): Iterable<{ row: PaymentRow; at: Instant }> {
    let [at, place] = [Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER]
    for (;;) {
      const sql = `SELECT id, bought, place FROM payments INDEXED BY payments_bought
        WHERE listed = 1 AND bought IS NOT NULL AND agent = ? AND fingerprint = ? AND bought > ?
        AND (bought, place) < (?, ?) ORDER BY bought DESC, place DESC LIMIT 1`
      const found = this.sql.get(sql, agent, fingerprint, since, at, place)
      if (found === undefined) return
      const row = this.payment(textOf(found, 'id'))
      at = numberOf(found, 'bought')
      if (row !== undefined) yield { row, at }
      place = numberOf(found, 'place')
    }
  }

  #recentRows(wanted: (recent: RecentPayment) => boolean): readonly PaymentRow[] {
    const rows: PaymentRow[] = []
    for (const recent of this.recent().values()) {
      const row = wanted(recent) ? this.payment(recent.id) : undefined
      if (row !== undefined) rows.push(row)
    }
    return rows
  }

  *holdsOutsideBuckets(): Iterable<PaymentRow> {
    const sql = `SELECT id FROM payments WHERE place > ? AND state IN ('held', 'committed')`
    for (const found of this.sql.all(sql, this.listed)) {
      const row = this.payment(textOf(found, 'id'))
      if (row !== undefined) yield row
    }
  }

  orphans(now: Instant, limit: number): readonly PaymentRow[] {
    const found = (part: string, from: readonly Value[]): readonly Fields[] => {
      const sql = `SELECT id FROM payments ${part} AND due IS NOT NULL AND state = 'held' AND ${GONE} LIMIT ?`
      return this.sql.all(sql, ...from, now, limit)
    }
    const listed = found('INDEXED BY payments_due WHERE listed = 1', [])
    const recent = found('WHERE place > ?', [this.listed])
    return [...listed, ...recent].slice(0, limit).flatMap((row) => this.payment(textOf(row, 'id')) ?? [])
  }

  due({ state, wallet }: DueGroup, { to, order, after, limit }: DuePage, now: Instant): readonly DueRow[] {
    const [beyond, direction] = order === 'oldest' ? (['>', 'ASC'] as const) : (['<', 'DESC'] as const)
    const search: Search = { where: ['due IS NOT NULL', 'state = ?', 'wallet = ?'], values: [state, wallet] }
    narrow(search, 'due <= ?', to)
    if (after !== undefined) {
      narrow(search, `due ${beyond}= ?`, after.due)
      search.where.push(`(due ${beyond} ? OR place ${beyond} ?)`)
      search.values.push(after.due, after.place)
    }
    narrow(search, GONE, now)
    const found = (part: string, from: readonly Value[]): readonly DueRow[] => {
      const sql = `SELECT due, ${ALL} FROM payments ${part} AND ${search.where.join(' AND ')}
        ORDER BY due ${direction}, place ${direction} LIMIT ?`
      const rows = this.sql.all(sql, ...from, ...search.values, limit)
      return rows.map((row) => ({ due: numberOf(row, 'due'), ...this.placed(row) }))
    }
    const listed = found('INDEXED BY payments_due WHERE listed = 1', [])
    const recent = found('WHERE place > ?', [this.listed])
    if (recent.length === 0) return listed
    return [...listed, ...recent].sort((a, b) => (isBeyond(a, b, order) ? -1 : 1)).slice(0, limit)
  }

  find(query: PaymentQuery, after: number | undefined, limit: number): FoundPage {
    const oldest = query.order === 'oldest'
    const first = Math.max(
      query.from === undefined ? 1 : this.#firstAt(query.from),
      oldest ? 1 + (after ?? 0) : 0,
    )
    const end = Math.min(
      this.#end(query.to),
      oldest ? Number.POSITIVE_INFINITY : (after ?? Number.POSITIVE_INFINITY),
    )
    const most = isIndexed(query) ? Number.POSITIVE_INFINITY : MOST_LOOKED_AT
    const [from, to] = oldest ? [first, Math.min(end, first + most)] : [Math.max(first, end - most), end]
    const places = this.#placesOf(searchOf(query), { from, to, order: oldest ? 'ASC' : 'DESC', limit })
    const rows: StoredRow[] = []
    for (const place of places) {
      const found = this.sql.get(`SELECT ${ALL} FROM payments WHERE place = ?`, place)
      const placed = found === undefined ? undefined : this.placed(found)
      // Recent payments were found without a check of their tasks.
      if (placed !== undefined && matches(placed.row, query)) rows.push(placed)
    }
    const last = places.length < limit ? undefined : places.at(-1)
    const more = oldest ? to < end : from > first
    return own({ rows, next: last ?? (more ? (oldest ? to - 1 : from) : undefined) })
  }

  /** Returns places from the indexes alone, if there is an index for the query. */
  #placesOf(
    { where, values, tasks = [] }: Search,
    { from, to, order, limit }: { from: number; to: number; order: 'ASC' | 'DESC'; limit: number },
  ): readonly number[] {
    const tasked =
      tasks.length === 0
        ? []
        : [`place IN (SELECT place FROM tasks WHERE task IN (${marks(tasks)}) AND place >= ? AND place < ?)`]
    const find = (more: readonly string[], given: readonly Value[]): readonly number[] => {
      const sql = `SELECT place FROM payments WHERE ${['place >= ?', 'place < ?', ...where, ...more].join(' AND ')}
        ORDER BY place ${order} LIMIT ?`
      return this.sql.all(sql, ...given, limit).map((row) => numberOf(row, 'place'))
    }
    const listed = find(
      ['listed = 1', ...tasked],
      [from, to, ...values, ...(tasks.length === 0 ? [] : [...tasks, from, to])],
    )
    const recent = find([], [Math.max(from, this.listed + 1), to, ...values])
    return (order === 'ASC' ? [...listed, ...recent] : [...recent, ...listed]).slice(0, limit)
  }

  /**
   * Returns the place after the last payment that was made before that moment, or after all payments if `to` is absent.
   */
  #end(to: Instant | undefined): number {
    return to === undefined ? 1 + this.last() : this.#firstAt(to)
  }

  candidates({ from, until }: Pick<Fill, 'from' | 'until'>, after: number): FoundPage {
    const since = this.#firstAt(from)
    // Among the payments made before `from`, only those that were held again since then count.
    if (after + 1 < since) return this.#heldAgain(from, after, Math.min(since - 1, until))
    const end = Math.min(until, after + MOST_LOOKED_AT)
    const sql = `SELECT ${ALL} FROM payments
      WHERE place > ? AND place <= ? AND state <> 'denied' AND counted >= ? ORDER BY place LIMIT ?`
    const rows = this.sql.all(sql, after, end, from, MOST_COUNTED).map((row) => this.placed(row))
    const last = rows.length < MOST_COUNTED ? end : (rows.at(-1)?.place ?? end)
    return own({ rows, next: last < until ? last : undefined })
  }

  #heldAgain(from: Instant, after: number, end: number): FoundPage {
    const found = (part: string, more: readonly Value[]): readonly StoredRow[] => {
      const sql = `SELECT ${ALL} FROM payments ${part} AND rev > 0 AND counted >= ?
        AND place > ? AND place <= ? AND state <> 'denied' ORDER BY place LIMIT ?`
      return this.sql.all(sql, ...more, from, after, end, MOST_COUNTED).map((row) => this.placed(row))
    }
    const listed = found('INDEXED BY payments_again WHERE listed = 1', [])
    const rows = [...listed, ...found('WHERE place > ?', [this.listed])].slice(0, MOST_COUNTED)
    return own({ rows, next: rows.length < MOST_COUNTED ? end : (rows.at(-1)?.place ?? end) })
  }

  /** Returns the place of the first payment made at or after that moment. Places are in the order of creation. */
  #firstAt(moment: Instant): number {
    let low = 0
    let high = this.#end(undefined)
    while (low < high) {
      const middle = Math.floor((low + high) / 2)
      const sql = 'SELECT created AS n FROM payments WHERE place >= ? ORDER BY place LIMIT 1'
      if (this.#count(sql, middle) < moment) low = middle + 1
      else high = middle
    }
    return low
  }

  #count(sql: string, ...values: readonly Value[]): number {
    const row = this.sql.get(sql, ...values)
    return row === undefined ? Number.POSITIVE_INFINITY : numberOf(row, 'n')
  }
}

/** Returns whether one index gives exactly the payments of the query, in the order of places. */
function isIndexed({ id, key, agent, task, vendor, states }: PaymentQuery): boolean {
  if (id !== undefined || key !== undefined) return true
  const filters = [agent, vendor, states].filter((filter) => filter !== undefined)
  return task === undefined && filters.length <= 1 && (states === undefined || states.length === 1)
}

function searchOf({ id, key, agent, task, vendor, states }: PaymentQuery): Search {
  const tasks = task === undefined ? {} : { tasks: [named(task), pathed(outermost(task))] }
  const search: Search = { where: [], values: [], ...tasks }
  narrow(search, 'id = ?', id)
  narrow(search, 'key = ?', key)
  narrow(search, 'agent = ?', agent)
  narrow(search, 'vendor = ?', vendor)
  if (states === undefined) return search
  search.where.push(`state IN (${marks(states)})`)
  search.values.push(...states)
  return search
}

function narrow({ where, values }: Search, sql: string, value: Value | undefined): void {
  if (value === undefined) return
  where.push(sql)
  values.push(value)
}

function marks(values: readonly unknown[]): string {
  return values.map(() => '?').join(', ')
}

import type { Instant } from '../../money/index.js'
import type { Counter } from '../counts.js'
import type { PaymentId, PaymentQuery } from '../port.js'
import { type DueGroup, isBeyond, isOver, isStanding, matches } from '../query.js'
import type { Row } from '../row.js'
import type { DuePage, DueRow, FoundPage, Placed, Shelf } from '../shelf.js'
import { numberOf, textOf } from './codec.js'
import type { Value } from './driver.js'
import { ALL, named, outermost, PaymentRows, pathed } from './payment-rows.js'
import type { RecentPayment } from './recent.js'

/** What to look for. */
interface Search {
  readonly where: string[]
  readonly values: Value[]
  /** Names of tasks, one of which it must have. Recent payments are not known by them: they are looked at one by one. */
  readonly tasks?: readonly string[]
}

/** How many payments one search looks at before the event loop turns, where no index finds them. */
const MOST_LOOKED_AT = 5000

/** Nobody works on the payment: its owner's time is over, or it has none. */
const GONE = 'coalesce((SELECT until FROM owners WHERE name = owner), 0) <= ?'

/** The whole shelf of a SQLite ledger. */
export class SqliteShelf extends PaymentRows implements Shelf {
  byKey(agent: string, key: string, except: PaymentId): Row | undefined {
    const recent = this.#recentRows((each) => each.agent === agent && each.key === key && each.id !== except)
    const newest = recent.findLast((row) => !isOver(row))
    if (newest !== undefined) return newest
    const sql = `SELECT id FROM payments INDEXED BY payments_key WHERE listed = 1 AND key = ? AND agent = ?
      AND state IN ('held', 'committed', 'settled') AND id <> ? ORDER BY place DESC LIMIT 1`
    const row = this.sql.get(sql, key, agent, except)
    return row === undefined ? undefined : this.payment(textOf(row, 'id'))
  }

  twins(agent: string, fingerprint: string, since: Instant): readonly Row[] {
    const sql = `SELECT id FROM payments INDEXED BY payments_twins
      WHERE listed = 1 AND standing IS NOT NULL AND agent = ? AND fingerprint = ? AND standing > ? ORDER BY place`
    const listed = this.sql
      .all(sql, agent, fingerprint, since)
      .flatMap((found) => this.payment(textOf(found, 'id')) ?? [])
    const recent = this.#recentRows((each) => each.agent === agent && each.fingerprint === fingerprint)
    return [...listed, ...recent.filter((row) => isStanding(row, since))]
  }

  #recentRows(wanted: (recent: RecentPayment) => boolean): readonly Row[] {
    const rows: Row[] = []
    for (const recent of this.recent().values()) {
      const row = wanted(recent) ? this.payment(recent.id) : undefined
      if (row !== undefined) rows.push(row)
    }
    return rows
  }

  *underWay(): Iterable<Row> {
    const where = ['due IS NOT NULL', "state IN ('held', 'committed')"]
    for (const { row } of this.#search({ where, values: [] }, 'ASC')) yield row
  }

  orphans(now: Instant): readonly Row[] {
    const search = { where: ['due IS NOT NULL', "state = 'held'", GONE], values: [now] }
    return Array.from(this.#search(search, 'ASC'), ({ row }) => row)
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
    const rows: Placed[] = []
    for (const place of places) {
      const found = this.sql.get(`SELECT ${ALL} FROM payments WHERE place = ?`, place)
      const placed = found === undefined ? undefined : this.placed(found)
      // Recent payments were not searched by their tasks.
      if (placed !== undefined && matches(placed.row, query)) rows.push(placed)
    }
    const last = places.length < limit ? undefined : places.at(-1)
    const more = oldest ? to < end : from > first
    return { rows, next: last ?? (more ? (oldest ? to - 1 : from) : undefined) }
  }

  /** Read from the indexes alone, wherever there is one for what is asked. */
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

  /** The place after the last payment that was made before that moment; after all of them unless given. */
  #end(to: Instant | undefined): number {
    return to === undefined
      ? 1 + this.#count('SELECT coalesce(max(place), 0) AS n FROM payments')
      : this.#firstAt(to)
  }

  *candidates({ from, scope }: Counter): Iterable<Row> {
    const { agent, vendor, task } = scope
    const tasks = task === undefined || task === '' ? {} : { tasks: [pathed(task)] }
    const since = this.#firstAt(from)
    // Those made since, and those made before and held again since.
    for (const made of ['place >= ?', '+place < ? AND rev > 0']) {
      const search: Search = { where: [made, "state <> 'denied'"], values: [since], ...tasks }
      narrow(search, 'counted >= ?', from)
      narrow(search, 'agent = ?', agent)
      narrow(search, 'vendor = ?', vendor?.includes('*') ? undefined : vendor)
      for (const { row } of this.#search(search)) yield row
    }
  }

  /** In the indexes, and among the recent payments, which come after all that are in them. */
  *#search(search: Search, order?: 'ASC' | 'DESC'): Iterable<Placed> {
    const { where, values, tasks = [] } = search
    const tasked =
      tasks.length === 0 ? [] : [`place IN (SELECT place FROM tasks WHERE task IN (${marks(tasks)}))`]
    const listed = { where: ['listed = 1', ...where, ...tasked], values: [...values, ...tasks] }
    const recent = { where: ['place > ?', ...where], values: [this.listed, ...values] }
    const ordered = order === undefined ? '' : `ORDER BY place ${order}`
    for (const part of order === 'DESC' ? [recent, listed] : [listed, recent]) {
      const sql = `SELECT ${ALL} FROM payments WHERE ${part.where.join(' AND ')} ${ordered}`
      for (const fields of this.sql.each(sql, ...part.values)) yield this.placed(fields)
    }
  }

  /** The place of the first payment made at or after that moment. They lie in the order they were made. */
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

/** Does one index give all that is asked for, in the order of places, and nothing else? */
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

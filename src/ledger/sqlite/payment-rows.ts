import type { Instant } from '../../money/index.js'
import { taskKeys } from '../../policy/index.js'
import type { Counter } from '../counts.js'
import type { DueQuery, PaymentId, PaymentQuery } from '../port.js'
import { isDue, isOpen, isTwin, matches } from '../query.js'
import type { Row } from '../row.js'
import type { Placed, Shelf } from '../shelf.js'
import { isLive } from '../view.js'
import {
  bodyText,
  type Core,
  type CounterNames,
  coreOf,
  coreText,
  type Fields,
  numberOf,
  optionalText,
  readBody,
  readCore,
  rowFrom,
  stateOf,
  textOf,
} from './codec.js'
import { CounterRows } from './counter-rows.js'
import type { Value } from './driver.js'
import { Kept } from './kept.js'

const MOVING = 'place, state, owner, rev, body'
const ALL = `${MOVING}, core`
/** How many payments are kept in mind: more than are under way at once. */
const MOST_KNOWN = 1000

interface Known {
  readonly place: number
  readonly rev: number
  readonly row: Row
  /** In which stretch without foreign writes it was read: later than that, only what a hold wrote is still true. */
  readonly stretch: number
}

/** Payments in tables: the whole shelf of a SQLite ledger. */
export class SqliteShelf extends CounterRows implements Shelf {
  /** What a hold wrote stays as it is until the next hold of the same payment, which raises `rev`. */
  readonly #known = new Kept<Known>(MOST_KNOWN)
  readonly #names: CounterNames = {
    numberOf: (key) => this.numberOf(key),
    keyOf: (n) => this.keyOf(n),
  }
  #stretch = 0
  /** The id that was looked for last, in vain: it is about to be held. */
  #absent: PaymentId | undefined

  protected override clear(): void {
    super.clear()
    this.#absent = undefined
    this.#stretch++
  }

  override forget(): void {
    super.forget()
    this.#known.clear()
  }

  payment(id: PaymentId): Row | undefined {
    return this.#find(id)?.row
  }

  #find(id: PaymentId): Known | undefined {
    const known = this.#known.peek(id)
    if (known?.stretch === this.#stretch) return known
    if (id === this.#absent) return undefined
    const fields = this.sql.get(`SELECT ${MOVING} FROM payments WHERE id = ?`, id)
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

  #keep(place: number, rev: number, row: Row): Known {
    const known = { place, rev, row, stretch: this.#stretch }
    this.#known.set(row.id, known)
    return known
  }

  save(row: Row): void {
    const known = this.#find(row.id)
    if (known === undefined) this.#insert(row)
    else if (known.row.charges === row.charges && known.row.lanes === row.lanes) this.#update(row, known)
    else this.#replace(row, known)
  }

  #insert(row: Row): void {
    const { id, context, resource, fingerprint, key, createdAt } = row
    const place = this.sql.insert(
      `INSERT INTO payments
        (id, agent, vendor, fingerprint, key, created, rev, core, counted, state, owner, open, body)
       VALUES (?, ?, ?, ?, ?, ?, 0, ?, ?, ?, ?, ?, ?)`,
      id,
      context.agent,
      resource.vendor,
      fingerprint,
      key ?? null,
      createdAt,
      coreText(row, this.#names),
      countedAt(row),
      ...moving(row),
    )
    this.#keep(place, 0, row)
    this.#saveTasks(row, place)
  }

  #saveTasks({ context, charges }: Row, place: number): void {
    const paths = new Set(charges.flatMap(({ dimensions }) => dimensions.tasks))
    const tasks = new Set([...paths].map(pathed))
    // A task that is inside no other goes by its path alone.
    for (const task of context.tasks) if (!paths.has(outermost(task))) tasks.add(named(task))
    for (const task of tasks) this.sql.run('INSERT OR IGNORE INTO tasks VALUES (?, ?)', task, place)
  }

  #update(row: Row, { place, rev, row: before }: Known): void {
    const [state, owner, open, body] = moving(row)
    // A column that is set is written to its index too, whether or not it changed.
    if (isOpen(before) === isOpen(row)) {
      const sql = 'UPDATE payments SET state = ?, owner = ?, body = ? WHERE place = ?'
      this.sql.run(sql, state, owner, body, place)
    } else {
      const sql = 'UPDATE payments SET state = ?, owner = ?, open = ?, body = ? WHERE place = ?'
      this.sql.run(sql, state, owner, open, body, place)
    }
    this.#keep(place, rev, row)
  }

  #replace(row: Row, { place, rev }: Known): void {
    this.sql.run(
      `UPDATE payments SET rev = ?, fingerprint = ?, key = ?, core = ?, counted = ?, vendor = ?, agent = ?,
       state = ?, owner = ?, open = ?, body = ? WHERE place = ?`,
      rev + 1,
      row.fingerprint,
      row.key ?? null,
      coreText(row, this.#names),
      countedAt(row),
      row.resource.vendor,
      row.context.agent,
      ...moving(row),
      place,
    )
    this.#keep(place, rev + 1, row)
    this.#saveTasks(row, place)
  }

  #whole(fields: Fields): Placed {
    const core = readCore(textOf(fields, 'core'), this.#names)
    return { place: numberOf(fields, 'place'), row: rowOf(core, fields) }
  }

  byKey(agent: string, key: string, except: PaymentId): Row | undefined {
    const sql = `SELECT ${ALL} FROM payments WHERE agent = ? AND key = ? AND id <> ?
      AND state NOT IN ('released', 'denied') ORDER BY place DESC LIMIT 1`
    const row = this.sql.get(sql, agent, key, except)
    return row === undefined ? undefined : this.#whole(row).row
  }

  twins(agent: string, fingerprint: string): readonly Row[] {
    const sql = `SELECT ${ALL} FROM payments WHERE open = 1 AND state IN ('committed', 'settled')
      AND agent = ? AND fingerprint = ?`
    const rows = this.sql.all(sql, agent, fingerprint).map((row) => this.#whole(row).row)
    return rows.filter(isTwin)
  }

  *underWay(): Iterable<Row> {
    const sql = `SELECT ${ALL} FROM payments WHERE open = 1 AND state IN ('held', 'committed')`
    for (const fields of this.sql.each(sql)) yield this.#whole(fields).row
  }

  orphans(now: Instant): readonly Row[] {
    const rows = this.sql.all(
      `SELECT ${ALL} FROM payments WHERE open = 1 AND state = 'held'
      AND coalesce((SELECT until FROM owners WHERE name = owner), 0) <= ?`,
      now,
    )
    return rows.map((row) => this.#whole(row).row)
  }

  find(query: PaymentQuery, after: number | undefined, limit: number): readonly Placed[] {
    const oldest = query.order === 'oldest'
    const { where, values } = conditions(query)
    if (query.from !== undefined) {
      where.push('place >= ?')
      values.push(this.#firstAt(query.from))
    }
    if (query.to !== undefined) {
      where.push('place < ?')
      values.push(this.#firstAt(query.to))
    }
    if (after !== undefined) {
      where.push(oldest ? 'place > ?' : 'place < ?')
      values.push(after)
    }
    const sql = `SELECT ${ALL} FROM payments ${where.length === 0 ? '' : `WHERE ${where.join(' AND ')}`}
      ORDER BY place ${oldest ? 'ASC' : 'DESC'}`
    return this.#first(sql, values, limit, (row) => matches(row, query))
  }

  due(query: DueQuery, now: Instant, after: number, limit: number): readonly Placed[] {
    const sql = `SELECT ${ALL} FROM payments WHERE open = 1 AND place > ? ORDER BY place`
    return this.#first(sql, [after], limit, (row) => isDue(row, isLive(this, row, now), query, now))
  }

  #first(
    sql: string,
    values: readonly Value[],
    limit: number,
    wanted: (row: Row) => boolean,
  ): readonly Placed[] {
    const found: Placed[] = []
    for (const fields of this.sql.each(sql, ...values)) {
      const placed = this.#whole(fields)
      if (wanted(placed.row)) found.push(placed)
      if (found.length >= limit) break
    }
    return found
  }

  *candidates({ from, scope }: Counter): Iterable<Row> {
    const where = ["state <> 'denied'", 'counted >= ?']
    const values: Value[] = [from]
    if (scope.task !== undefined && scope.task !== '') {
      where.push('place IN (SELECT place FROM tasks WHERE task = ?)')
      values.push(pathed(scope.task))
    }
    if (scope.agent !== undefined) {
      where.push('agent = ?')
      values.push(scope.agent)
    }
    if (scope.vendor !== undefined && !scope.vendor.includes('*')) {
      where.push('vendor = ?')
      values.push(scope.vendor)
    }
    const first = this.#firstAt(from)
    // Those made since, and those made before and held again since.
    for (const more of ['place >= ?', '+place < ? AND rev > 0']) {
      const sql = `SELECT ${ALL} FROM payments WHERE ${where.join(' AND ')} AND ${more}`
      for (const fields of this.sql.each(sql, ...values, first)) yield this.#whole(fields).row
    }
  }

  /** The place of the first payment made at or after that moment. They lie in the order they were made. */
  #firstAt(moment: Instant): number {
    let low = 0
    let high = 1 + this.#count('SELECT coalesce(max(place), 0) AS n FROM payments')
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

function rowOf(core: Core, fields: Fields): Row {
  return rowFrom(core, readBody(textOf(fields, 'body'), core), stateOf(fields), optionalText(fields, 'owner'))
}

/** The columns that a move may change, in the order of the statements above. */
function moving(row: Row): readonly [Value, Value, Value, Value] {
  return [row.state, row.owner ?? null, isOpen(row) ? 1 : 0, bodyText(row)]
}

function countedAt(row: Row): Instant {
  return Math.max(row.createdAt, ...row.charges.map(({ at }) => at))
}

/** Tasks by their own name, for queries, and by their path, for counters. */
const named = (task: string): string => `n ${task}`
const pathed = (path: string): string => `p ${path}`
const outermost = (task: string): string => taskKeys([task])[0] ?? ''

function conditions(query: PaymentQuery): { readonly where: string[]; readonly values: Value[] } {
  const { id, key, agent, task, vendor, states } = query
  const terms: readonly (readonly [string, Value | undefined])[] = [
    ['id = ?', id],
    ['key = ?', key],
    ['agent = ?', agent],
    ['vendor = ?', vendor],
  ]
  const where: string[] = []
  const values: Value[] = []
  for (const [sql, value] of terms) {
    if (value === undefined) continue
    where.push(sql)
    values.push(value)
  }
  if (task !== undefined) {
    where.push('place IN (SELECT place FROM tasks WHERE task IN (?, ?))')
    values.push(named(task), pathed(outermost(task)))
  }
  if (states !== undefined) {
    where.push(`state IN (${states.map(() => '?').join(', ')})`)
    values.push(...states)
  }
  return { where, values }
}

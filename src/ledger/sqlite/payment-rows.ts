import type { Instant } from '../../money/index.js'
import type { Counter } from '../counts.js'
import type { DueQuery, PaymentId, PaymentQuery } from '../port.js'
import { isDue, isOpen, isTwin, matches } from '../query.js'
import type { Row } from '../row.js'
import type { Placed, Shelf } from '../shelf.js'
import { isLive } from '../view.js'
import {
  bodyText,
  type Core,
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

const MOVING = 'place, state, owner, rev, body'
const ALL = `${MOVING}, core`
/** How many cores are kept decoded: about the payments under way at once. */
const MOST_CORES = 500

interface Known {
  readonly place: number
  readonly rev: number
  readonly core: Core
}

/** Payments in tables: the whole shelf of a SQLite ledger. */
export class SqliteShelf extends CounterRows implements Shelf {
  /** What a hold wrote stays as it is until the next hold of the same payment, which raises `rev`. */
  readonly #cores = new Map<PaymentId, Known>()

  override forget(): void {
    super.forget()
    this.#cores.clear()
  }

  payment(id: PaymentId): Row | undefined {
    const row = this.sql.get(`SELECT ${MOVING} FROM payments WHERE id = ?`, id)
    return row === undefined ? undefined : this.#row(row, id)
  }

  #row(row: Fields, id: PaymentId): Row {
    const place = numberOf(row, 'place')
    const rev = numberOf(row, 'rev')
    const known = this.#cores.get(id)
    const core = known !== undefined && known.rev === rev ? known.core : this.#core(place)
    if (known?.core !== core) this.#keep(id, { place, rev, core })
    return rowFrom(core, readBody(textOf(row, 'body')), stateOf(row), optionalText(row, 'owner'))
  }

  #core(place: number): Core {
    const row = this.sql.get('SELECT core FROM payments WHERE place = ?', place)
    return readCore(row === undefined ? '' : textOf(row, 'core'))
  }

  #keep(id: PaymentId, known: Known): void {
    const [oldest] = this.#cores.keys()
    if (this.#cores.size >= MOST_CORES && oldest !== undefined) this.#cores.delete(oldest)
    this.#cores.set(id, known)
  }

  save(row: Row): void {
    const known = this.#cores.get(row.id) ?? this.#find(row.id)
    if (known === undefined) this.#insert(row)
    else if (known.core.charges === row.charges && known.core.lanes === row.lanes) this.#update(row, known)
    else this.#replace(row, known)
  }

  #find(id: PaymentId): Known | undefined {
    const row = this.sql.get('SELECT place, rev, core FROM payments WHERE id = ?', id)
    if (row === undefined) return undefined
    return { place: numberOf(row, 'place'), rev: numberOf(row, 'rev'), core: readCore(textOf(row, 'core')) }
  }

  #insert(row: Row): void {
    const { id, context, resource, fingerprint, key, createdAt } = row
    this.sql.run(
      `INSERT INTO payments
        (id, agent, vendor, fingerprint, key, created, rev, core, counted, state, owner, open, body)
       VALUES (?, ?, ?, ?, ?, ?, 0, ?, ?, ?, ?, ?, ?)`,
      id,
      context.agent,
      resource.vendor,
      fingerprint,
      key ?? null,
      createdAt,
      coreText(row),
      countedAt(row),
      ...moving(row),
    )
    this.#saveTasks(row)
  }

  #saveTasks(row: Row): void {
    const tasks = new Set(row.context.tasks.map(named))
    for (const { dimensions } of row.charges) for (const path of dimensions.tasks) tasks.add(pathed(path))
    for (const task of tasks)
      this.sql.run('INSERT OR IGNORE INTO tasks SELECT ?, place FROM payments WHERE id = ?', task, row.id)
  }

  #update(row: Row, { place }: Known): void {
    this.sql.run(
      'UPDATE payments SET state = ?, owner = ?, open = ?, body = ? WHERE place = ?',
      ...moving(row),
      place,
    )
  }

  #replace(row: Row, { place, rev }: Known): void {
    this.sql.run(
      `UPDATE payments SET rev = ?, fingerprint = ?, key = ?, core = ?, counted = ?, vendor = ?, agent = ?,
       state = ?, owner = ?, open = ?, body = ? WHERE place = ?`,
      rev + 1,
      row.fingerprint,
      row.key ?? null,
      coreText(row),
      countedAt(row),
      row.resource.vendor,
      row.context.agent,
      ...moving(row),
      place,
    )
    this.#cores.delete(row.id)
    this.#saveTasks(row)
  }

  byKey(agent: string, key: string, except: PaymentId): Row | undefined {
    const sql = `SELECT ${ALL} FROM payments WHERE agent = ? AND key = ? AND id <> ?
      AND state NOT IN ('released', 'denied') ORDER BY place DESC LIMIT 1`
    const row = this.sql.get(sql, agent, key, except)
    return row === undefined ? undefined : whole(row).row
  }

  twins(agent: string, fingerprint: string): readonly Row[] {
    const sql = `SELECT ${ALL} FROM payments WHERE open = 1 AND state IN ('committed', 'settled')
      AND agent = ? AND fingerprint = ?`
    const rows = this.sql.all(sql, agent, fingerprint).map((row) => whole(row).row)
    return rows.filter(isTwin)
  }

  orphans(now: Instant): readonly Row[] {
    const rows = this.sql.all(
      `SELECT ${ALL} FROM payments WHERE open = 1 AND state = 'held'
      AND coalesce((SELECT until FROM owners WHERE name = owner), 0) <= ?`,
      now,
    )
    return rows.map((row) => whole(row).row)
  }

  find(query: PaymentQuery, after: number | undefined, limit: number): readonly Placed[] {
    const oldest = query.order === 'oldest'
    const { where, values } = conditions(query)
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
      const placed = whole(fields)
      if (wanted(placed.row)) found.push(placed)
      if (found.length >= limit) break
    }
    return found
  }

  *candidates({ from, scope }: Counter): Iterable<Row> {
    const where = ['counted >= ?']
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
    const sql = `SELECT ${ALL} FROM payments WHERE state <> 'denied' AND ${where.join(' AND ')}`
    for (const fields of this.sql.each(sql, ...values)) yield whole(fields).row
  }
}

function whole(row: Fields): Placed {
  const core = readCore(textOf(row, 'core'))
  const body = readBody(textOf(row, 'body'))
  return { place: numberOf(row, 'place'), row: rowFrom(core, body, stateOf(row), optionalText(row, 'owner')) }
}

/** The columns that a move may change, in the order of the statements above. */
function moving(row: Row): readonly Value[] {
  return [row.state, row.owner ?? null, isOpen(row) ? 1 : 0, bodyText(row)]
}

function countedAt(row: Row): Instant {
  return Math.max(row.createdAt, ...row.charges.map(({ at }) => at))
}

/** Tasks by their own name, for queries, and by their path, for counters. */
const named = (task: string): string => `n ${task}`
const pathed = (path: string): string => `p ${path}`

function conditions(query: PaymentQuery): { readonly where: string[]; readonly values: Value[] } {
  const { id, key, agent, task, vendor, states, from, to } = query
  const terms: readonly (readonly [string, Value | undefined])[] = [
    ['id = ?', id],
    ['key = ?', key],
    ['agent = ?', agent],
    ['vendor = ?', vendor],
    ['created >= ?', from],
    ['created < ?', to],
    ['place IN (SELECT place FROM tasks WHERE task = ?)', task === undefined ? undefined : named(task)],
  ]
  const where: string[] = []
  const values: Value[] = []
  for (const [sql, value] of terms) {
    if (value === undefined) continue
    where.push(sql)
    values.push(value)
  }
  if (states !== undefined) {
    where.push(`state IN (${states.map(() => '?').join(', ')})`)
    values.push(...states)
  }
  return { where, values }
}

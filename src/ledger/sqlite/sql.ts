import { type Fields, fields } from './codec.js'
import type { Database, Statement, Value } from './driver.js'

/** An open database with its prepared statements. Each statement is prepared once. */
export class Sql {
  readonly #db: Database
  readonly #statements = new Map<string, Statement>()
  readonly #exact = new Map<string, Statement>()

  constructor(db: Database) {
    this.#db = db
  }

  run(sql: string, ...values: readonly Value[]): void {
    this.#prepared(sql).run(...values)
  }

  /** Runs an INSERT and returns the number of the new row. */
  insert(sql: string, ...values: readonly Value[]): number {
    return Number(this.#prepared(sql).run(...values).lastInsertRowid)
  }

  get(sql: string, ...values: readonly Value[]): Fields | undefined {
    return fields(this.#prepared(sql).get(...values))
  }

  all(sql: string, ...values: readonly Value[]): readonly Fields[] {
    return rowsOf(this.#prepared(sql).all(...values))
  }

  *each(sql: string, ...values: readonly Value[]): Iterable<Fields> {
    for (const value of this.#prepared(sql).iterate(...values)) {
      const row = fields(value)
      if (row !== undefined) yield row
    }
  }

  /** Returns integers as bigints, because token units can be larger than a safe number. */
  exact(sql: string, ...values: readonly Value[]): readonly Fields[] {
    let statement = this.#exact.get(sql)
    if (statement === undefined) {
      statement = this.#db.prepare(sql)
      statement.setReadBigInts(true)
      this.#exact.set(sql, statement)
    }
    return rowsOf(statement.all(...values))
  }

  /** Forgets all statements. A database that is about to be closed must not be used any further. */
  forget(): void {
    this.#statements.clear()
    this.#exact.clear()
  }

  #prepared(sql: string): Statement {
    const known = this.#statements.get(sql)
    if (known !== undefined) return known
    const statement = this.#db.prepare(sql)
    this.#statements.set(sql, statement)
    return statement
  }
}

function rowsOf(values: readonly unknown[]): readonly Fields[] {
  const rows: Fields[] = []
  for (const value of values) {
    const row = fields(value)
    if (row !== undefined) rows.push(row)
  }
  return rows
}

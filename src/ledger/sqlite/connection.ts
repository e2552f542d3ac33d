import { sleep } from '../../util/timers.js'
import { damaged } from '../ledger-error.js'
import { numberOf } from './codec.js'
import { isBusy } from './errors.js'
import { type OpenFile, rollBack } from './open.js'
import { checkVersion } from './schema.js'
import { SqliteTables } from './tables.js'

/**
 * The longest pause between two attempts to get the lock. Each pause is random, so that processes do not wait in step.
 */
const MOST_PAUSE_MS = 20

/** An open file and its tables. Each step runs in a separate transaction. */
export class Connection {
  readonly #file: OpenFile
  readonly #tables: SqliteTables
  /** SQLite's `data_version`. It changes if another connection has written. */
  #version: number | undefined

  constructor(file: OpenFile) {
    this.#file = file
    this.#tables = new SqliteTables(file.sql)
  }

  /**
   * Runs a step.
   *
   * @param use - Receives the tables, and whether another connection may have written since the previous step.
   */
  step<T>(begin: 'BEGIN' | 'BEGIN IMMEDIATE', use: (tables: SqliteTables, foreign: boolean) => T): T {
    const { db, sql } = this.#file
    const tables = this.#tables
    sql.run(begin)
    try {
      const version = this.#readVersion()
      const foreign = version !== this.#version
      if (foreign) {
        tables.doubt()
        checkVersion(db)
      }
      this.#version = version
      const answer = use(tables, foreign)
      if (begin === 'BEGIN IMMEDIATE') tables.end()
      sql.run('COMMIT')
      return answer
    } catch (error) {
      tables.forget()
      rollBack(db)
      throw error
    }
  }

  #readVersion(): number {
    const row = this.#file.sql.get('PRAGMA data_version')
    if (row === undefined) throw damaged()
    return numberOf(row, 'data_version')
  }
}

/** Runs a step repeatedly while another process has the lock, until the deadline. */
export async function untilFree<T>(run: () => T | Promise<T>, deadline: number): Promise<T> {
  for (let tries = 0; ; tries++) {
    try {
      return await run()
    } catch (error) {
      if (!isBusy(error) || performance.now() > deadline) throw error
    }
    await sleep(Math.random() * Math.min(MOST_PAUSE_MS, 2 ** tries))
  }
}

import { isPaymentError, PaymentError } from '../../errors/index.js'
import type { Shelf, Store } from '../shelf.js'
import { numberOf } from './codec.js'
import { type Database, loadDriver } from './driver.js'
import { damaged, failure, isBusy, ledgerError } from './failures.js'
import { type FileId, fileId, hasLog, prepareFile, recordMade, sameFile, sizeOf } from './file.js'
import { bytesOf, isCurrent, migrate } from './schema.js'
import { SqliteShelf } from './shelf.js'
import { Sql } from './sql.js'

export interface StoreOptions {
  readonly path: string
  readonly create: boolean
  readonly synchronous: 'full' | 'normal'
  readonly busyTimeoutMs: number
}

interface Opened {
  readonly db: Database
  readonly sql: Sql
  readonly shelf: SqliteShelf
  readonly file: FileId | undefined
}

/** The longest pause between two tries for the lock; each is drawn anew, so that waiters do not march in step. */
const MOST_PAUSE_MS = 20

/** How many steps share a transaction: more would keep the event loop, and other processes, waiting. */
const MOST_TOGETHER = 64

/** How long a path that was looked at need not be looked at by reads. */
const CHECKED_MS = 10

type Durability = 'FULL' | 'NORMAL'

/** A step that waits for its transaction. */
interface Job {
  /** Runs the step; what it returns gives the caller the answer, and is called when the answer is true. */
  run(shelf: Shelf): () => void
  reject(error: unknown): void
  readonly durable: boolean
  readonly deadline: number
}

/** One SQLite file. Steps run without waiting; only the lock is waited for, and never with the event loop. */
export class SqliteStore implements Store {
  readonly #options: StoreOptions
  #opening: Promise<Opened> | undefined
  #opened: Opened | undefined
  #synchronous: Durability | undefined
  /** `data_version`: moves when another connection has written. */
  #version: number | undefined
  readonly #jobs: Job[] = []
  #working = false
  #checked = Number.NEGATIVE_INFINITY
  #closed = false

  constructor(options: StoreOptions) {
    this.#options = options
  }

  async read<T>(use: (shelf: Shelf) => T): Promise<T> {
    return this.#patiently((opened) => {
      // Nothing is paid on the word of a read alone, so that not each of a row of reads looks at the path.
      if (performance.now() - this.#checked > CHECKED_MS) this.#checkFile(opened)
      return this.#step(opened, 'BEGIN', use)
    }, this.#deadline())
  }

  /** Steps that are asked for at once share one transaction, and one sync of the disk: each is answered after it. */
  write<T>(use: (shelf: Shelf) => T, durable: boolean): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#jobs.push({
        run: (shelf) => {
          const answer = use(shelf)
          return () => resolve(answer)
        },
        reject,
        durable: durable && this.#options.synchronous === 'full',
        deadline: this.#deadline(),
      })
      if (!this.#working) void this.#work()
    })
  }

  #deadline(): number {
    return performance.now() + this.#options.busyTimeoutMs
  }

  async #work(): Promise<void> {
    this.#working = true
    // Whoever was answered by the same transaction asks for its next step in this turn: let them all come.
    for (await undefined; this.#jobs.length > 0; await undefined) {
      const jobs = this.#jobs.splice(0, MOST_TOGETHER)
      try {
        await this.#together(jobs)
      } catch (error) {
        if (jobs.length === 1 || isPaymentError(error, 'ledger_busy'))
          for (const job of jobs) job.reject(error)
        // What fails, fails alone: nothing of the transaction has happened, and each step gets its own.
        else for (const job of jobs) await this.#together([job]).catch(job.reject)
      }
    }
    this.#working = false
  }

  async #together(jobs: readonly Job[]): Promise<void> {
    const deadline = Math.min(...jobs.map((job) => job.deadline))
    const answers = await this.#patiently((opened) => {
      this.#checkFile(opened)
      // The log is synced as a whole: a synced commit also keeps every step before it.
      this.#sync(opened, jobs.some(({ durable }) => durable) ? 'FULL' : 'NORMAL')
      return this.#step(opened, 'BEGIN IMMEDIATE', (shelf) => jobs.map((job) => job.run(shelf)))
    }, deadline)
    for (const answer of answers) answer()
  }

  #sync({ db }: Opened, needed: Durability): void {
    if (this.#synchronous === needed) return
    db.exec(`PRAGMA synchronous = ${needed}`)
    this.#synchronous = needed
  }

  async close(): Promise<void> {
    this.#closed = true
    const opened = await this.#opening?.catch(() => undefined)
    if (opened === undefined) return
    try {
      this.#step(opened, 'BEGIN IMMEDIATE', (shelf) => shelf.rest())
      // A driver may keep the file open until its statements are collected: nothing is left waiting for that.
      opened.db.exec('PRAGMA wal_checkpoint(TRUNCATE)')
    } catch {
      // The log stays beside the file, and whoever opens it next reads both.
    }
    opened.db.close()
  }

  #step<T>(
    { db, sql, shelf }: Opened,
    begin: 'BEGIN' | 'BEGIN IMMEDIATE',
    use: (shelf: SqliteShelf) => T,
  ): T {
    sql.run(begin)
    try {
      const version = versionOf(sql)
      if (version !== this.#version) shelf.doubt()
      this.#version = version
      const answer = use(shelf)
      if (begin === 'BEGIN IMMEDIATE') shelf.end()
      sql.run('COMMIT')
      return answer
    } catch (error) {
      shelf.forget()
      rollBack(db)
      throw error
    }
  }

  /** Runs a step: now where nothing stands in its way, else as soon as the ledger is open and the lock is free. */
  #patiently<T>(run: (opened: Opened) => T, deadline: number): T | Promise<T> {
    if (this.#opened === undefined || this.#closed) return this.#insist(run, deadline)
    try {
      return run(this.#opened)
    } catch (error) {
      if (!isBusy(error)) throw failure(error)
      return this.#insist(run, deadline)
    }
  }

  /** Runs a step again and again while somebody else has the lock, until the patience ends. */
  async #insist<T>(run: (opened: Opened) => T, deadline: number): Promise<T> {
    for (let tries = 0; ; tries++) {
      try {
        const opened = await this.#open()
        if (this.#closed) throw new PaymentError('closed', 'untouched', 'The ledger is closed')
        return run(opened)
      } catch (error) {
        if (!isBusy(error) || performance.now() > deadline) throw failure(error)
      }
      const most = Math.min(MOST_PAUSE_MS, 2 ** tries)
      await new Promise((resolve) => setTimeout(resolve, Math.random() * most))
    }
  }

  /** A file that is deleted under an open database would be written to, and forgotten. */
  #checkFile({ file }: Opened): void {
    if (!sameFile(fileId(this.#options.path), file))
      throw ledgerError('ledger_missing', `The ledger ${this.#options.path} has vanished`)
    this.#checked = performance.now()
  }

  #open(): Promise<Opened> {
    this.#opening ??= this.#openNow().catch((error: unknown) => {
      // Tried anew by the next step: what was missing or locked may not be for ever.
      this.#opening = undefined
      throw error
    })
    return this.#opening
  }

  async #openNow(): Promise<Opened> {
    const { path, create } = this.#options
    const { DatabaseSync } = await loadDriver()
    prepareFile(path, create)
    const db = new DatabaseSync(path, { timeout: 0 })
    try {
      // A file that was cut short is found now, and not when the page that is missing happens to be read. Another
      // process may be making the ledger meanwhile: then the pages are in its log.
      if (bytesOf(db) > sizeOf(path) && !hasLog(path))
        throw ledgerError('ledger_corrupt', `${path} has been cut short`)
      if (!isCurrent(db)) renew(db)
      // A hold touches about ten pages: the log is folded into the file every few hundred payments.
      db.exec('PRAGMA cache_size = -16000; PRAGMA wal_autocheckpoint = 8000; PRAGMA trusted_schema = OFF')
      recordMade(path)
      const sql = new Sql(db)
      this.#opened = { db, sql, shelf: new SqliteShelf(sql), file: fileId(path) }
      return this.#opened
    } catch (error) {
      db.close()
      throw error
    }
  }
}

/** Makes the tables, or brings them up to date: whole and on the disk, or not at all. */
function renew(db: Database): void {
  db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL')
  db.exec('BEGIN IMMEDIATE')
  try {
    migrate(db, crypto.randomUUID())
    db.exec('COMMIT')
  } catch (error) {
    rollBack(db)
    throw error
  }
}

function versionOf(sql: Sql): number {
  const row = sql.get('PRAGMA data_version')
  if (row === undefined) throw damaged()
  return numberOf(row, 'data_version')
}

function rollBack(db: Database): void {
  try {
    db.exec('ROLLBACK')
  } catch {
    // There was no transaction, or SQLite has already undone it: either way nothing of it stands.
  }
}

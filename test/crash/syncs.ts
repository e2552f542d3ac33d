import { appendFileSync, existsSync, openSync, readFileSync, readlinkSync, readSync } from 'node:fs'
import { type Database, loadDriver, type Statement } from '../../src/ledger/sqlite/driver.js'
import { commitAfter, INDEX_BYTES, type LogIndex, lastCommit, readIndex, readLog } from './log-file.js'

/** Where it is written down how far a ledger's log was synced. */
export const syncsOf = (ledger: string): string => `${ledger}.syncs`

/**
 * From now on, every ledger that this process opens writes down how far its log is synced, beside the ledger, before
 * anybody is told of the sync. The ledger itself is not changed: only the driver that it loads, and the call that syncs.
 */
export async function noteSyncs(): Promise<void> {
  noteCalls()
  const { DatabaseSync } = await loadDriver()
  class Watched extends WatchedDatabase {
    constructor(path: string, options: { readonly timeout: number }) {
      super(new DatabaseSync(path, options), path)
    }
  }
  const builtin = process.getBuiltinModule.bind(process)
  Object.defineProperty(process, 'getBuiltinModule', {
    value: (id: string) => (id === 'node:sqlite' ? { DatabaseSync: Watched } : builtin(id)),
  })
}

/** The ledger syncs its log by `fdatasync`: what the log's file held at the call is on the disk when it is answered. */
function noteCalls(): void {
  const fs = process.getBuiltinModule('node:fs')
  const { fdatasync } = fs
  Object.defineProperty(fs, 'fdatasync', {
    value: (file: number, done: (error?: unknown) => void) => {
      const path = readlinkSync(`/proc/self/fd/${file}`)
      const log = path.endsWith(LOG) ? readLog(readFileSync(path)) : undefined
      fdatasync(file, (error) => {
        const ledger = path.slice(0, -LOG.length)
        if (!error && log !== undefined) appendFileSync(syncsOf(ledger), `${log.salts} ${lastCommit(log)}\n`)
        done(error)
      })
    },
  })
}

const LOG = '-wal'

class WatchedDatabase implements Database {
  readonly #db: Database
  readonly #path: string
  /** SQLite's default. */
  #full = true
  #index: number | undefined

  constructor(db: Database, path: string) {
    this.#db = db
    this.#path = path
  }

  exec(sql: string): void {
    const level = /synchronous = (\w+)/.exec(sql)?.[1]
    if (level !== undefined) this.#full = level === 'FULL'
    if (sql === 'COMMIT') this.#commit(() => this.#db.exec(sql))
    else this.#db.exec(sql)
  }

  prepare(sql: string): Statement {
    const statement = this.#db.prepare(sql)
    if (sql !== 'COMMIT') return statement
    return new Proxy(statement, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name)
        if (typeof value !== 'function') return value
        const method = value.bind(target)
        return name === 'run' ? () => this.#commit(method) : method
      },
    })
  }

  close(): void {
    this.#db.close()
  }

  /** A commit at `FULL` syncs the whole log up to its own end, whoever wrote it; one at `NORMAL` syncs nothing. */
  #commit<T>(commit: () => T): T {
    // Nobody else writes before it is done: until then the log ends where the index says.
    const before = this.#full ? this.#readIndex() : undefined
    const result = commit()
    // The tables of a new ledger are made before there is a log: that commit is on the disk, in the file itself.
    if (!this.#full || !existsSync(`${this.#path}-wal`)) return result
    const log = readLog(readFileSync(`${this.#path}-wal`))
    if (log === undefined) return result
    const end = commitAfter(log.salts === before?.salts ? before.frames : 0, log)
    if (end !== undefined) appendFileSync(syncsOf(this.#path), `${log.salts} ${end}\n`)
    return result
  }

  /** Its file is never closed: that would drop the locks that SQLite has on it in this process. */
  #readIndex(): LogIndex | undefined {
    if (!existsSync(`${this.#path}-shm`)) return undefined
    this.#index ??= openSync(`${this.#path}-shm`, 'r')
    const bytes = Buffer.alloc(INDEX_BYTES)
    readSync(this.#index, bytes, 0, INDEX_BYTES, 0)
    return readIndex(bytes)
  }
}

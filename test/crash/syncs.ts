import { appendFileSync, existsSync, openSync, readFileSync, readlinkSync, readSync, statSync } from 'node:fs'
import { type Database, loadDriver, type Statement } from '../../src/ledger/sqlite/driver.js'
import { commitAfter, INDEX_BYTES, type LogIndex, readIndex, readLog } from './log-file.js'

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

/** The ledger syncs its log by `fdatasync`: what was committed to the log before the call is on the disk when it is answered. */
function noteCalls(): void {
  const fs = process.getBuiltinModule('node:fs')
  const { fdatasync } = fs
  Object.defineProperty(fs, 'fdatasync', {
    value: (file: number, done: (error?: unknown) => void) => {
      const path = readlinkSync(`/proc/self/fd/${file}`)
      const ledger = path.endsWith(LOG) ? path.slice(0, -LOG.length) : undefined
      const before = ledger === undefined ? undefined : indexOf(ledger)
      fdatasync(file, (error) => {
        setTimeout(() => {
          if (!error && ledger !== undefined && before !== undefined)
            note(ledger, before.salts, before.frames)
          done(error)
        }, DISK_MS)
      })
    },
  })
}

const LOG = '-wal'
/** A slow disk: whoever does not wait for it sends a credential before the commit is there. */
const DISK_MS = 40

function note(ledger: string, salts: string, frames: number): void {
  appendFileSync(syncsOf(ledger), `${salts} ${frames}\n`)
}

/** Files of indexes are never closed: that would drop the locks that SQLite has on them in this process. */
const indexes = new Map<number, number>()

function indexOf(ledger: string): LogIndex | undefined {
  const path = `${ledger}-shm`
  const found = statSync(path, { throwIfNoEntry: false })
  if (found === undefined) return undefined
  const file = indexes.get(found.ino) ?? openSync(path, 'r')
  indexes.set(found.ino, file)
  const bytes = Buffer.alloc(INDEX_BYTES)
  readSync(file, bytes, 0, INDEX_BYTES, 0)
  return readIndex(bytes)
}

class WatchedDatabase implements Database {
  readonly #db: Database
  readonly #path: string
  /** SQLite's default. */
  #full = true

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
    const before = this.#full ? indexOf(this.#path) : undefined
    const result = commit()
    // The tables of a new ledger are made before there is a log: that commit is on the disk, in the file itself.
    if (!this.#full || !existsSync(`${this.#path}-wal`)) return result
    const log = readLog(readFileSync(`${this.#path}-wal`))
    if (log === undefined) return result
    const end = commitAfter(log.salts === before?.salts ? before.frames : 0, log)
    if (end !== undefined) note(this.#path, log.salts, end)
    return result
  }
}

import { isPaymentError, PaymentError } from '../../errors/index.js'
import { ledgerError } from '../ledger-error.js'
import type { LedgerTables, Store } from '../tables.js'
import { AnswerQueue } from './answers.js'
import { closeAtExit, noLongerOpen, type OpenLedgerFile } from './close-at-exit.js'
import { Connection, untilFree } from './connection.js'
import { failure, isBusy } from './errors.js'
import { type FileId, fileId, logPath, sameFile } from './file.js'
import { LogSync } from './log-sync.js'
import { foldForGood, isInUse, markInUse, type OpenFile, openFile, unmark } from './open.js'

export interface StoreOptions {
  readonly path: string
  readonly create: boolean
  readonly synchronous: 'full' | 'normal'
  readonly busyTimeoutMs: number
}

interface Opened extends OpenFile {
  readonly connection: Connection
  readonly file: FileId | undefined
}

/** How long a ledger that closes waits for those who write. */
const CLOSE_MS = 1000

/** How many steps share a transaction, and for how long: more would keep the event loop, and other processes, waiting. */
const MOST_TOGETHER = 64
const MOST_TOGETHER_MS = 8

/** The log is folded into the file this long after a write, so that the file alone is never far behind. */
const FOLD_MS = 1000

/** A step found that another process has closed the ledger cleanly: the mark is set again before anything is written. */
const UNMARKED = new Error('The ledger is not marked as used')

// Not the global one: Deno's gives a number, which cannot be told to let the process end.
const { clearTimeout, setTimeout } = process.getBuiltinModule('node:timers')

/** Reads check the path again only after this time. */
const CHECKED_MS = 10

/** A step that waits for its transaction. */
interface Job {
  /** Runs the step; what it returns gives the caller the answer, and is called when the answer is true. */
  run(tables: LedgerTables): () => void
  reject(error: unknown): void
  /** Is it answered only when it is on the disk? */
  readonly durable: boolean
  readonly deadline: number
}

/** A step whose transaction is written. */
interface Ran {
  readonly job: Job
  readonly answer: () => void
}

/** One SQLite file. Steps run without waiting; only the lock is waited for, and never with the event loop. */
export class SqliteStore implements Store, OpenLedgerFile {
  readonly #options: StoreOptions
  #opening: Promise<Opened> | undefined
  #opened: Opened | undefined
  readonly #syncs = new LogSync()
  readonly #jobs: Job[] = []
  readonly #answers = new AnswerQueue()
  #working = false
  #checked = Number.NEGATIVE_INFINITY
  /** The log's file, once this process has marked the ledger as used: from then on it must not vanish either. */
  #log: FileId | undefined
  #folding: ReturnType<typeof setTimeout> | undefined
  #closed = false

  constructor(options: StoreOptions) {
    this.#options = options
  }

  async read<T>(use: (tables: LedgerTables) => T): Promise<T> {
    return this.#patiently((opened) => {
      // Nothing is paid on the word of a read alone, so that not each of a row of reads looks at the path.
      if (performance.now() - this.#checked > CHECKED_MS) this.#checkFile(opened)
      return opened.connection.step('BEGIN', use)
    }, this.#deadline())
  }

  /**
   * Steps that are asked for at once share one transaction. A durable step is answered after a sync of the disk. Other
   * steps go on meanwhile: the sync of any later step covers them, since the log is synced as a whole.
   */
  write<T>(use: (tables: LedgerTables) => T, durable: boolean): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#jobs.push({
        run: (tables) => {
          const answer = use(tables)
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
    // Callers that the same transaction answered ask for their next step in this turn, so that these share one too.
    for (await undefined; this.#jobs.length > 0; await undefined) {
      const jobs = this.#jobs.splice(0, MOST_TOGETHER)
      try {
        const done = await this.#together(jobs)
        this.#jobs.unshift(...jobs.slice(done))
      } catch (error) {
        if (jobs.length === 1 || isPaymentError(error, 'ledger_busy'))
          for (const job of jobs) job.reject(error)
        // What fails, fails alone: nothing of the transaction has happened, and each step gets its own.
        else for (const job of jobs) await this.#together([job]).catch(job.reject)
      }
    }
    this.#working = false
  }

  /** Runs as many of these steps as do not take long, the first one at least. How many it ran. */
  async #together(jobs: readonly Job[]): Promise<number> {
    const deadline = Math.min(...jobs.map((job) => job.deadline))
    const ran = await this.#patiently((opened) => {
      this.#checkFile(opened)
      return this.#marked(opened, () =>
        opened.connection.step('BEGIN IMMEDIATE', (tables, foreign) => {
          if (foreign && !isInUse(opened.sql)) throw UNMARKED
          return runSome(jobs, tables)
        }),
      )
    }, deadline)
    this.#foldSoon()
    const durable = ran.filter(({ job }) => job.durable)
    if (durable.length > 0) void this.#answerSynced(durable)
    const others = durable.length === 0 ? ran : ran.filter(({ job }) => !job.durable)
    await this.#answers.give(others.map(({ answer }) => answer))
    return ran.length
  }

  async #answerSynced(ran: readonly Ran[]): Promise<void> {
    try {
      await this.#syncs.done()
    } catch (error) {
      for (const { job } of ran) job.reject(error)
      return
    }
    await this.#answers.give(ran.map(({ answer }) => answer))
  }

  /** Writes only while the file itself says that it is in use. */
  #marked<T>(opened: Opened, write: () => T): T {
    for (;;) {
      if (this.#log === undefined) {
        const { path } = this.#options
        markInUse(opened, path)
        this.#log = fileId(logPath(path))
        this.#syncs.open(logPath(path))
      }
      try {
        return write()
      } catch (error) {
        if (error !== UNMARKED) throw error
        this.#log = undefined
      }
    }
  }

  #foldSoon(): void {
    if (this.#folding !== undefined || this.#closed) return
    this.#folding = setTimeout(() => void this.#fold(), FOLD_MS)
    this.#folding.unref()
  }

  async #fold(): Promise<void> {
    this.#folding = undefined
    try {
      // SQLite syncs the log before it copies anything. Most of that is done here, while the event loop turns.
      await this.#syncs.done()
      if (!this.#closed) this.#opened?.sql.get('PRAGMA wal_checkpoint(PASSIVE)')
    } catch {
      // Another process does the same, or the next write finds out what is wrong.
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#folding)
    const opened = await this.#opening?.catch(() => undefined)
    if (opened === undefined) return
    try {
      await untilFree(() => this.#rest(opened), performance.now() + CLOSE_MS)
      await this.#syncs.ended()
      foldForGood(opened)
    } catch {
      // The log stays beside the file. The next process that opens the ledger reads both.
    }
    await this.#syncs.ended()
    await this.#syncs.close()
    await opened.close()
    noLongerOpen(this)
  }

  /**
   * What a close does, in one synchronous step: the process ends. The driver closes the file next, and SQLite removes the
   * log of a file that nobody else has open: one that said it has a log would look as if it had forgotten payments.
   */
  leave(): void {
    const opened = this.#opened
    if (opened === undefined || this.#closed) return
    try {
      this.#rest(opened)
      foldForGood(opened)
      // Should anything be written after all, the file is marked again first.
      this.#log = undefined
    } catch {
      // Another process has the lock: it has the file open too, so the log stays.
    }
  }

  /** The last step: the file says that it is whole. Other processes that still use it mark it again. */
  #rest(opened: Opened): void {
    this.#checkFile(opened)
    opened.connection.step('BEGIN IMMEDIATE', (tables) => {
      tables.rest()
      unmark(opened.sql)
    })
  }

  /** Runs a step at once if it can, or else when the ledger is open and the lock is free. */
  #patiently<T>(run: (opened: Opened) => T, deadline: number): T | Promise<T> {
    if (this.#opened === undefined || this.#closed) return this.#insist(run, deadline)
    try {
      return run(this.#opened)
    } catch (error) {
      if (!isBusy(error)) throw failure(error)
      return this.#insist(run, deadline)
    }
  }

  /** Runs a step again and again while another process has the lock, until the deadline. */
  async #insist<T>(run: (opened: Opened) => T, deadline: number): Promise<T> {
    try {
      return await untilFree(async () => {
        const opened = await this.#open()
        if (this.#closed) throw new PaymentError('closed', 'untouched', 'The ledger is closed')
        return run(opened)
      }, deadline)
    } catch (error) {
      throw failure(error)
    }
  }

  /** SQLite would go on to write to a file or a log that was deleted while it was open, and the payments would be lost. */
  #checkFile({ file }: Opened): void {
    const { path } = this.#options
    if (!sameFile(fileId(path), file)) throw ledgerError('ledger_missing', `The ledger ${path} has vanished`)
    if (this.#log !== undefined && !sameFile(fileId(logPath(path)), this.#log))
      throw ledgerError('ledger_missing', `The log of the ledger ${path} has vanished`)
    this.#checked = performance.now()
  }

  #open(): Promise<Opened> {
    this.#opening ??= this.#openNow().catch((error: unknown) => {
      // The next step tries again: the file may be there then, or the lock may be free.
      this.#opening = undefined
      throw error
    })
    return this.#opening
  }

  async #openNow(): Promise<Opened> {
    const { path, create } = this.#options
    const file = await openFile(path, create)
    this.#opened = { ...file, connection: new Connection(file), file: fileId(path) }
    closeAtExit(this)
    return this.#opened
  }
}

function runSome(jobs: readonly Job[], tables: LedgerTables): readonly Ran[] {
  const start = performance.now()
  const ran: Ran[] = []
  for (const job of jobs) {
    ran.push({ job, answer: job.run(tables) })
    if (performance.now() - start > MOST_TOGETHER_MS) break
  }
  return ran
}

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

/** How long a ledger that closes waits for other processes that write. */
const CLOSE_MS = 1000

/** How many steps share a transaction, and for how long. More would block the event loop and other processes. */
const MOST_TOGETHER = 64
const MOST_TOGETHER_MS = 8

/** The log is copied into the file this long after a write, so that the file is never far behind. */
const FOLD_MS = 1000

/** Thrown if another process has closed the ledger cleanly. Then this process sets the mark again before it writes. */
const UNMARKED = new Error('The ledger is not marked as used')

// Node's timers are used in place of the global ones. Deno's global `setTimeout` returns a number, and a number cannot
// be unreferenced so that the process may end.
const { clearTimeout, setTimeout } = process.getBuiltinModule('node:timers')

/** A read checks the path only if the last check is older than this. */
const CHECKED_MS = 10

/** A step that waits for its transaction. */
interface Job {
  /** Runs the step and returns a function that answers the caller. That function is called when the answer is final. */
  run(tables: LedgerTables): () => void
  reject(error: unknown): void
  /** Whether the step is answered only after it is on the disk. */
  readonly durable: boolean
  readonly deadline: number
}

/** A step whose transaction is written. */
interface Ran {
  readonly job: Job
  readonly answer: () => void
}

/**
 * One SQLite file. Steps are synchronous. They wait only for the lock, and they do not block the event loop while they
 * wait.
 */
export class SqliteStore implements Store, OpenLedgerFile {
  readonly #options: StoreOptions
  #opening: Promise<Opened> | undefined
  #opened: Opened | undefined
  readonly #syncs = new LogSync()
  readonly #jobs: Job[] = []
  readonly #answers = new AnswerQueue()
  #working = false
  #checked = Number.NEGATIVE_INFINITY
  /**
   * The log's file, after this process has marked the ledger as used. From then on the log must not disappear either.
   */
  #log: FileId | undefined
  #folding: ReturnType<typeof setTimeout> | undefined
  #closed = false

  constructor(options: StoreOptions) {
    this.#options = options
  }

  async read<T>(use: (tables: LedgerTables) => T): Promise<T> {
    return this.#patiently((opened) => {
      // No payment depends on a read alone, so a series of reads does not check the path each time.
      if (performance.now() - this.#checked > CHECKED_MS) this.#checkFile(opened)
      return opened.connection.step('BEGIN', use)
    }, this.#deadline())
  }

  /**
   * Runs a step. Steps that are requested at once share one transaction. A durable step is answered after a sync of the
   * disk. Other steps run meanwhile. The sync of any later step covers them too, because a sync covers the whole log.
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
    // Callers that were answered by the same transaction request their next steps in this turn, so these steps share a
    // transaction too.
    for (await undefined; this.#jobs.length > 0; await undefined) {
      const jobs = this.#jobs.splice(0, MOST_TOGETHER)
      try {
        const done = await this.#together(jobs)
        this.#jobs.unshift(...jobs.slice(done))
      } catch (error) {
        if (jobs.length === 1 || isPaymentError(error, 'ledger_busy'))
          for (const job of jobs) job.reject(error)
        // A failed transaction has changed no data. Each of its steps then runs in a separate transaction, so only the
        // faulty step fails.
        else for (const job of jobs) await this.#together([job]).catch(job.reject)
      }
    }
    this.#working = false
  }

  /** Runs as many of these steps as fit into a short time, at least the first. Returns how many it ran. */
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

  /** Writes only while the file itself is marked as used. */
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
      // SQLite syncs the log before it copies pages. Most of this sync runs here first, without blocking the event
      // loop.
      await this.#syncs.done()
      if (!this.#closed) this.#opened?.sql.get('PRAGMA wal_checkpoint(PASSIVE)')
    } catch {
      // Another process is copying the log too, or the next write reports the error.
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
      // The log remains next to the file. The next process that opens the ledger reads both.
    }
    await this.#syncs.ended()
    await this.#syncs.close()
    await opened.close()
    noLongerOpen(this)
  }

  /**
   * Closes the ledger in one synchronous step, because the process ends. The driver closes the file next. If no other
   * process has the file open, SQLite then removes its log. A file that is still marked as having a log would look as
   * if payments were lost.
   */
  leave(): void {
    const opened = this.#opened
    if (opened === undefined || this.#closed) return
    try {
      this.#rest(opened)
      foldForGood(opened)
      // If a step writes after this, it marks the file again first.
      this.#log = undefined
    } catch {
      // Another process has the lock, so it has the file open too, and the log stays.
    }
  }

  /**
   * Removes the mark as the last step, so that the file counts as complete. Other processes that still use it mark it
   * again.
   */
  #rest(opened: Opened): void {
    this.#checkFile(opened)
    opened.connection.step('BEGIN IMMEDIATE', (tables) => {
      tables.rest()
      unmark(opened.sql)
    })
  }

  /** Runs a step at once if possible. If not, it waits until the ledger is open and the lock is free. */
  #patiently<T>(run: (opened: Opened) => T, deadline: number): T | Promise<T> {
    if (this.#opened === undefined || this.#closed) return this.#insist(run, deadline)
    try {
      return run(this.#opened)
    } catch (error) {
      if (!isBusy(error)) throw failure(error)
      return this.#insist(run, deadline)
    }
  }

  /** Runs a step repeatedly while another process has the lock, until the deadline. */
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

  /**
   * Checks whether the open file or its log was deleted. SQLite would continue to write to the deleted file, and the
   * payments would be lost.
   */
  #checkFile({ file }: Opened): void {
    const { path } = this.#options
    if (!sameFile(fileId(path), file)) throw ledgerError('ledger_missing', `The ledger ${path} has vanished`)
    if (this.#log !== undefined && !sameFile(fileId(logPath(path)), this.#log))
      throw ledgerError('ledger_missing', `The log of the ledger ${path} has vanished`)
    this.#checked = performance.now()
  }

  #open(): Promise<Opened> {
    this.#opening ??= this.#openNow().catch((error: unknown) => {
      // The next step tries again. By then the file may exist, or the lock may be free.
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

import { isPaymentError, PaymentError } from '../../errors/index.js'
import { randomId } from '../../util/random-id.js'
import { sleep } from '../../util/timers.js'
import { ledgerError } from '../ledger-error.js'
import type { LedgerTables, Store } from '../tables.js'
import { META, newMeta } from './counters.js'
import { Memory, MissingReads, Rehearsal, Snapshot } from './entries.js'
import type { LedgerStore, StoreRead, StoreTransaction } from './port.js'
import { KeyValueTables } from './tables.js'

/** How many steps share a transaction. */
const MOST_TOGETHER = 64
/** The longest pause before a step is retried because another process wrote first. */
const MOST_PAUSE_MS = 50
/** The maximum of entries in one load of a range, if a step reads page after page. */
const MOST_LOADED = 20_000

type Use<T> = (tables: LedgerTables) => T

/** A step that waits for its transaction. */
interface Job {
  readonly use: Use<unknown>
  readonly rehearse: Use<void> | undefined
  readonly durable: boolean
  resolve(answer: unknown): void
  reject(error: unknown): void
}

/** The result of one step. */
type Result = { readonly answer: unknown } | { readonly error: unknown }

/**
 * Runs the ledger's steps on a {@link LedgerStore}. A step reads synchronously, so it can only read loaded entries.
 * First, a rehearsal on remembered entries finds out which entries the step reads. The runner loads them in one round
 * trip and runs the step. If the step reads any other entry, the runner loads that too and runs the step again. It
 * writes the changes in one more round trip.
 */
export class StepRunner implements Store {
  readonly #store: LedgerStore
  readonly #patienceMs: number
  readonly #memory = new Memory()
  #ready: Promise<void> | undefined
  readonly #jobs: Job[] = []
  #working: Promise<void> | undefined

  constructor(store: LedgerStore, patienceMs: number) {
    this.#store = store
    this.#patienceMs = patienceMs
  }

  async read<T>(use: Use<T>, rehearse?: Use<void>): Promise<T> {
    await this.#open()
    let answer: { readonly value: T } | undefined
    const job: Job = {
      use: (tables) => {
        answer = { value: use(tables) }
      },
      rehearse,
      durable: false,
      resolve: () => undefined,
      reject: () => undefined,
    }
    const [result] = await this.#transact('read', [job])
    if (result !== undefined && 'error' in result) throw result.error
    if (answer === undefined)
      throw new PaymentError('ledger_failed', 'untouched', 'The ledger gave no answer')
    return answer.value
  }

  write<T>(use: Use<T>, durable: boolean, rehearse?: Use<void>): Promise<T> {
    return new Promise((resolve, reject) => {
      let answer: { readonly value: T } | undefined
      this.#jobs.push({
        use: (tables) => {
          answer = { value: use(tables) }
        },
        rehearse,
        durable,
        resolve: () => {
          if (answer !== undefined) resolve(answer.value)
        },
        reject,
      })
      this.#working ??= this.#work()
    })
  }

  async close(): Promise<void> {
    await this.#working
    await this.#asked(() => this.#store.close())
  }

  async #work(): Promise<void> {
    for (await undefined; this.#jobs.length > 0; await undefined) {
      const jobs = this.#jobs.splice(0, MOST_TOGETHER)
      try {
        await this.#open()
        const results = await this.#transact('write', jobs)
        for (const [index, job] of jobs.entries()) {
          const result = results[index] ?? { error: undefined }
          if ('error' in result) job.reject(result.error)
          else job.resolve(result.answer)
        }
      } catch (error) {
        for (const job of jobs) job.reject(error)
      }
    }
    // This is reset in the same turn in which the last step ended, so that a later step starts the work again.
    this.#working = undefined
  }

  /** Makes the ledger if the store has none. */
  #open(): Promise<void> {
    this.#ready ??= this.#make().catch((error: unknown) => {
      // The next step tries again.
      this.#ready = undefined
      throw error
    })
    return this.#ready
  }

  async #make(): Promise<void> {
    await this.#until(async () => {
      const { transaction, found } = await this.#asked(() => this.#store.begin('write', [{ key: META }]))
      if (found[0]?.[0] === undefined) {
        const changes = [{ key: META, value: newMeta(randomId()) }]
        return await this.#asked(() => transaction.commit(changes, { durable: true }))
      }
      await this.#asked(() => transaction.rollback())
      return true
    })
  }

  /** Runs these steps in one transaction, and again if another process wrote first. */
  async #transact(kind: 'read' | 'write', jobs: readonly Job[]): Promise<readonly Result[]> {
    let results: readonly Result[] = []
    await this.#until(async () => {
      const reads = this.#expected(jobs)
      const { transaction, found } = await this.#asked(() => this.#store.begin(kind, reads))
      const snapshot = new Snapshot()
      snapshot.add(reads, found)
      let ended = false
      try {
        results = await this.#run(jobs, snapshot, transaction)
        const changes = snapshot.changes()
        ended = true
        const durable = jobs.some((job) => job.durable)
        if (kind === 'write' && changes.length > 0) {
          if (!(await this.#asked(() => transaction.commit(changes, { durable })))) return false
        } else await this.#asked(() => transaction.rollback())
      } finally {
        if (!ended) await transaction.rollback().catch(() => undefined)
      }
      this.#memory.learn(snapshot)
      return true
    })
    return results
  }

  /**
   * Returns the reads that these steps are expected to need. This is only a guess, because other processes may have
   * written.
   */
  #expected(jobs: readonly Job[]): readonly StoreRead[] {
    const rehearsal = new Rehearsal(this.#memory)
    rehearsal.want([{ key: META }])
    for (const { rehearse } of jobs) {
      try {
        rehearse?.(new KeyValueTables(rehearsal))
      } catch {
        // Its earlier reads are still loaded. The step itself will report the error.
      }
      rehearsal.discard()
    }
    return rehearsal.reads()
  }

  async #run(
    jobs: readonly Job[],
    snapshot: Snapshot,
    transaction: StoreTransaction,
  ): Promise<readonly Result[]> {
    const results: Result[] = []
    for (const { use } of jobs) results.push(await this.#runOne(use, snapshot, transaction))
    return results
  }

  async #runOne(use: Use<unknown>, snapshot: Snapshot, transaction: StoreTransaction): Promise<Result> {
    for (let tries = 0; ; tries++) {
      try {
        const answer = use(new KeyValueTables(snapshot))
        snapshot.keep()
        return { answer }
      } catch (error) {
        snapshot.discard()
        if (!(error instanceof MissingReads)) return { error }
        const reads = error.reads.map((read) => widened(read, tries))
        snapshot.add(reads, await this.#asked(() => transaction.load(reads)))
      }
    }
  }

  /** Tries again after a pause, until the patience has passed. */
  async #until(attempt: () => Promise<boolean>): Promise<void> {
    const deadline = performance.now() + this.#patienceMs
    for (let tries = 0; !(await attempt()); tries++) {
      if (performance.now() > deadline)
        throw ledgerError('ledger_busy', 'Other processes write to the ledger all the time')
      const most = Math.min(MOST_PAUSE_MS, 2 ** tries)
      await sleep(Math.random() * most)
    }
  }

  /** Translates any error of the store into an error of the ledger. */
  async #asked<T>(ask: () => Promise<T>): Promise<T> {
    try {
      return await ask()
    } catch (cause) {
      if (isPaymentError(cause)) throw cause
      throw ledgerError('ledger_failed', 'The store of the ledger failed', { cause })
    }
  }
}

/** Enlarges the pages of a step that reads page after page, so that the step does not run once for each page. */
function widened(read: StoreRead, tries: number): StoreRead {
  if ('key' in read || tries < 3) return read
  return { ...read, limit: Math.max(read.limit, Math.min(MOST_LOADED, read.limit * 2 ** (tries - 2))) }
}

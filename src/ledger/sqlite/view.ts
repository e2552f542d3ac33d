import { type Names, ownOptions } from '../../errors/index.js'
import { checkDuration } from '../../money/index.js'
import { type Clock, systemClock } from '../clock.js'
import type { Gap } from '../gaps.js'
import { ledgerError } from '../ledger-error.js'
import type { LedgerView } from '../ledger-view.js'
import type { ReadableStore } from '../reads.js'
import type { LedgerTables } from '../tables.js'
import { Timekeeper } from '../timekeeper.js'
import { StoredLedgerView } from '../view.js'
import { Connection, untilFree } from './connection.js'
import { failure } from './errors.js'
import { defaultPath, fileId, sameFile } from './file.js'
import { type OpenFile, openForReading, unnoticedGap } from './open.js'

/** Options of {@link openLedgerView}. */
export interface LedgerViewOptions {
  /** The ledger's file. @default `ledger.db` below the user's state directory */
  readonly path?: string
  /** How long to wait while other processes have the file locked, in whole milliseconds. @default 10_000 */
  readonly busyTimeoutMs?: number
  /** The source of time, for tests. */
  readonly clock?: Clock
}

const OPTIONS: Names<LedgerViewOptions> = { path: true, busyTimeoutMs: true, clock: true }

/**
 * Opens a SQLite ledger for reading only. It needs no wallet and no policy, takes no lease and recovers no payments. It
 * never writes to the file, and never makes or updates one. Other processes may pay meanwhile.
 *
 * @returns The view, after the file was found and its tables were checked.
 * @throws PaymentError `ledger_missing`, `ledger_corrupt`, `ledger_older`, `ledger_newer`, `ledger_read_only`,
 * `ledger_busy` or `ledger_failed` if the ledger cannot be read; TypeError if an option is unknown or not valid.
 * @example
 * ```ts
 * const view = await openLedgerView({ path: '/var/lib/agent/ledger.db' })
 * for await (const payment of view.payments({ states: ['committed'] })) console.log(payment.id, payment.terms.most)
 * await view.close()
 * ```
 * @see docs/ledger.md
 */
export async function openLedgerView(given: LedgerViewOptions = {}): Promise<LedgerView> {
  const { clock = systemClock, ...options } = ownOptions(given, OPTIONS, 'openLedgerView()')
  const patienceMs = checkDuration('busyTimeoutMs', options.busyTimeoutMs ?? 10_000, { least: 0 })
  const path = options.path ?? defaultPath()
  try {
    const file = await untilFree(() => openForReading(path), performance.now() + patienceMs)
    return new SqliteLedgerView(new FileReader(file, path, patienceMs), clock)
  } catch (error) {
    throw failure(error)
  }
}

class SqliteLedgerView extends StoredLedgerView {
  readonly #reader: FileReader

  constructor(reader: FileReader, clock: Clock) {
    super(reader, new Timekeeper(clock))
    this.#reader = reader
  }

  /** Also lists the gap that the next process will notice when it opens the ledger to pay. */
  override async gaps(): Promise<readonly Gap[]> {
    this.checkOpen()
    return this.#reader.gaps()
  }
}

/** A file that is open for reading only. */
class FileReader implements ReadableStore {
  readonly #file: OpenFile
  readonly #path: string
  readonly #patienceMs: number
  readonly #connection: Connection
  readonly #id: ReturnType<typeof fileId>

  constructor(file: OpenFile, path: string, patienceMs: number) {
    this.#file = file
    this.#path = path
    this.#patienceMs = patienceMs
    this.#connection = new Connection(file)
    this.#id = fileId(path)
  }

  async read<T>(use: (tables: LedgerTables) => T): Promise<T> {
    try {
      return await untilFree(() => {
        if (!sameFile(fileId(this.#path), this.#id))
          throw ledgerError('ledger_missing', `The ledger ${this.#path} has vanished. Open the view again`)
        return this.#connection.step('BEGIN', use)
      }, performance.now() + this.#patienceMs)
    } catch (error) {
      throw failure(error)
    }
  }

  gaps(): Promise<readonly Gap[]> {
    return this.read((tables) => {
      const unnoticed = unnoticedGap(this.#file.sql, this.#path)
      const { gaps } = tables.meta()
      return unnoticed === undefined ? gaps : [...gaps, unnoticed]
    })
  }

  close(): Promise<void> {
    return this.#file.close()
  }
}

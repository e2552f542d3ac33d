import { ledgerError } from '../ledger-error.js'

const fs = process.getBuiltinModule('node:fs')

/**
 * Syncs a ledger's log to the disk without blocking the event loop. SQLite would block it for some milliseconds for
 * each commit. A sync covers the whole log, so callers that wait at the same time share one sync.
 *
 * SQLite has no locks on the log's file. Its locks are on the database and on the index. So this class may open and
 * close the log's file (https://sqlite.org/walformat.html#file_format).
 */
export class LogSync {
  #file: number | undefined
  #running: Promise<void> | undefined
  #next: Promise<void> | undefined
  /** The first failure. After it, the disk may have lost data that a later sync would report as written. */
  #failure: Error | undefined

  /** @throws what the file system throws. */
  open(path: string): void {
    void this.close()
    this.#file = fs.openSync(path, 'r+')
  }

  /** Closes the file after the last sync on it has ended. */
  async close(): Promise<void> {
    const file = this.#file
    this.#file = undefined
    await this.#running?.catch(() => undefined)
    if (file !== undefined) fs.closeSync(file)
  }

  /**
   * Resolves when all data that was written to the log before this call is on the disk.
   *
   * @throws PaymentError `ledger_failed`, and the same error for every later call.
   */
  done(): Promise<void> {
    if (this.#running === undefined) return this.#start()
    // The running sync may have begun before the latest write.
    this.#next ??= this.#running.catch(() => undefined).then(() => this.#start())
    return this.#next
  }

  /** Resolves when all callers have their sync. */
  async ended(): Promise<void> {
    for (let last = this.#last(); last !== undefined; last = this.#last()) await last.catch(() => undefined)
  }

  #last(): Promise<void> | undefined {
    return this.#next ?? this.#running
  }

  #start(): Promise<void> {
    this.#next = undefined
    const running = this.#sync().finally(() => {
      if (this.#running === running) this.#running = undefined
    })
    this.#running = running
    return running
  }

  async #sync(): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure
    const file = this.#file
    if (file === undefined) throw failed(undefined)
    await new Promise<void>((resolve, reject) => {
      fs.fdatasync(file, (error) => {
        if (error === null || error === undefined) return resolve()
        this.#failure = failed(error)
        reject(this.#failure)
      })
    })
  }
}

function failed(cause: unknown): Error {
  return ledgerError(
    'ledger_failed',
    "The disk did not take the ledger's last writes. This process pays nothing more: start it again",
    { cause },
  )
}

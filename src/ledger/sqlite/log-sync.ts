import { ledgerError } from '../ledger-error.js'

const fs = process.getBuiltinModule('node:fs')

/**
 * Puts a ledger's log on the disk while the event loop turns. SQLite would wait for the disk itself, and the event loop
 * with it, for some milliseconds a commit. The log is synced as a whole, so those who wait at the same time share a sync.
 *
 * SQLite has no locks on the log's file: they are on the database and on the index. So the file may be opened and closed
 * here (https://sqlite.org/walformat.html#file_format).
 */
export class LogSync {
  #file: number | undefined
  #running: Promise<void> | undefined
  #next: Promise<void> | undefined
  /** After one failure, the disk may have lost what a later sync would call written. */
  #failure: Error | undefined

  /** @throws what the file system throws. */
  open(path: string): void {
    void this.close()
    this.#file = fs.openSync(path, 'r+')
  }

  /** Closes the file once no sync runs on it. */
  async close(): Promise<void> {
    const file = this.#file
    this.#file = undefined
    await this.#running?.catch(() => undefined)
    if (file !== undefined) fs.closeSync(file)
  }

  /**
   * Resolves when all that was written to the log before this call is on the disk.
   *
   * @throws PaymentError `ledger_failed`, and then each time.
   */
  done(): Promise<void> {
    if (this.#running === undefined) return this.#start()
    // The sync that runs may have begun before the latest write.
    this.#next ??= this.#running.catch(() => undefined).then(() => this.#start())
    return this.#next
  }

  /** Resolves when nobody waits for a sync any more. */
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

import { PaymentError } from '../errors/index.js'

/** Work that continues after its call was answered. A purser that closes aborts it and waits for its end. */
export class BackgroundTasks {
  readonly #closing = new AbortController()
  readonly #running = new Set<Promise<unknown>>()
  readonly #enter: () => () => void

  /** @param enter Keeps the process alive to its ledger until the returned function is called. */
  constructor(enter: () => () => void) {
    this.#enter = enter
  }

  /** @throws PaymentError `closed` */
  async run<T>(work: (closing: AbortSignal) => Promise<T>): Promise<T> {
    const { signal } = this.#closing
    signal.throwIfAborted()
    const leave = this.#enter()
    const running = work(signal)
    this.#running.add(running)
    try {
      return await running
    } finally {
      this.#running.delete(running)
      leave()
    }
  }

  async close(): Promise<void> {
    this.#closing.abort(new PaymentError('closed', 'untouched', 'This purser is closed'))
    await Promise.allSettled(this.#running)
  }
}

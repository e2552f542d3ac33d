import { PaymentError } from '../errors/index.js'

/** Work that goes on after its call was answered. It ends with the purser, which waits for it. */
export class BackgroundTasks {
  readonly #closing = new AbortController()
  readonly #running = new Set<Promise<unknown>>()
  readonly #enter: () => () => void

  /** @param enter Keeps the process alive to its ledger until the function that it returns is called. */
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

import { withTimeout } from '../util/with-timeout.js'

/** The most messages that wait. Above it, new ones are dropped. */
const MOST_WAITING = 100

type Send<Message> = (message: Message, signal: AbortSignal) => Promise<void>

/** The messages to one target. They are sent in their order, and delay nobody. */
export class Outbox<Message> {
  readonly #send: Send<Message>
  readonly #atOnce: number
  readonly #waiting: Message[] = []
  readonly #sending = new Set<Promise<void>>()
  readonly #ending = new AbortController()
  #closed = false

  /**
   * @param send - Sends one message. It must not reject.
   * @param atOnce - The number of messages that may be on their way together.
   */
  constructor(send: Send<Message>, atOnce: number) {
    this.#send = send
    this.#atOnce = atOnce
  }

  /** @returns False if too many messages wait, so that this one is dropped. */
  add(message: Message): boolean {
    if (this.#closed || this.#waiting.length >= MOST_WAITING) return false
    this.#waiting.push(message)
    this.#next()
    return true
  }

  /** Waits until all is sent, but no longer than this. Then it gives up the rest. */
  async close(ms: number): Promise<void> {
    this.#closed = true
    await withTimeout(this.#allSent(), ms)
    this.#waiting.length = 0
    this.#ending.abort()
    await Promise.all(this.#sending)
  }

  async #allSent(): Promise<void> {
    while (this.#sending.size > 0) await Promise.all(this.#sending)
  }

  #next(): void {
    while (this.#sending.size < this.#atOnce) {
      const message = this.#waiting.shift()
      if (message === undefined) return
      const sending = this.#send(message, this.#ending.signal).finally(() => {
        this.#sending.delete(sending)
        this.#next()
      })
      this.#sending.add(sending)
    }
  }
}

import type { MeterEvent } from '../pay/index.js'
import type { SocketData } from './types.js'

type Need = Extract<MeterEvent, { kind: 'need' }>
type Item =
  | { readonly kind: 'message'; readonly data: SocketData; readonly size: number }
  | { readonly kind: 'need'; readonly need: Need }
type Result = IteratorResult<SocketData, undefined>

interface Reader {
  resolve(result: Result): void
  reject(error: unknown): void
}

/** What an inbox tells its socket. */
export interface MessageBufferEvents {
  /** Whoever reads has come to where the server waits for money. */
  need(need: Need): void
  /** More is unread than is good; or no more so. */
  full(): void
  eased(): void
}

/**
 * What came and was not read yet, in its order. A server's word that it needs more stands in this order too: it is heard
 * when all before it was read, so that nothing is paid for that nobody reads.
 */
export class MessageBuffer {
  readonly #most: { readonly messages: number; readonly bytes: number }
  readonly #on: MessageBufferEvents
  readonly #items: Item[] = []
  readonly #readers: Reader[] = []
  #size = 0
  #full = false
  #end: { readonly error?: unknown } | undefined

  constructor(most: { readonly messages: number; readonly bytes: number }, on: MessageBufferEvents) {
    this.#most = most
    this.#on = on
  }

  /** False: it does not fit, and was not taken. */
  message(data: SocketData, size: number): boolean {
    if (this.#items.length >= this.#most.messages || this.#size + size > this.#most.bytes) return false
    this.#size += size
    this.#items.push({ kind: 'message', data, size })
    this.#flow()
    return true
  }

  /** Of several without a message between them only the last counts. */
  need(need: Need): void {
    if (this.#items.at(-1)?.kind === 'need') this.#items.pop()
    this.#items.push({ kind: 'need', need })
    this.#flow()
  }

  /** Nothing more comes. What is there is read first; then the error is thrown, once. */
  end(error?: unknown): void {
    this.#end ??= error === undefined ? {} : { error }
    this.#flow()
  }

  next(): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#readers.push({ resolve, reject })
      this.#flow()
    })
  }

  #flow(): void {
    while (this.#readers.length > 0) {
      const item = this.#items.shift()
      if (item === undefined) break
      if (item.kind === 'need') this.#on.need(item.need)
      else {
        this.#size -= item.size
        this.#readers.shift()?.resolve({ done: false, value: item.data })
      }
    }
    this.#press()
    if (this.#end !== undefined) this.#finish()
  }

  /** Held back from half of what fits, and let go again at a quarter. */
  #press(): void {
    const load = Math.max(this.#items.length / this.#most.messages, this.#size / this.#most.bytes)
    if (!this.#full && load >= 0.5) {
      this.#full = true
      this.#on.full()
    } else if (this.#full && load < 0.25) {
      this.#full = false
      this.#on.eased()
    }
  }

  #finish(): void {
    for (const reader of this.#readers.splice(0)) {
      if (this.#end !== undefined && 'error' in this.#end) reader.reject(this.#end.error)
      else reader.resolve({ done: true, value: undefined })
      this.#end = {}
    }
  }
}

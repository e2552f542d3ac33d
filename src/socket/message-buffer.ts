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

/** The events of a buffer. */
export interface MessageBufferEvents {
  /** The reader has reached the point where the server waits for a payment. */
  need(need: Need): void
  /** The amount of unread data crossed its limit, in either direction. */
  full(): void
  eased(): void
}

/**
 * The unread messages, in their order. The server's payment needs are in the same order: a need is reported when
 * everything before it was read, so Purser does not pay for unread data.
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

  /** Returns false if the message does not fit. It is then not stored. */
  message(data: SocketData, size: number): boolean {
    if (this.#items.length >= this.#most.messages || this.#size + size > this.#most.bytes) return false
    this.#size += size
    this.#items.push({ kind: 'message', data, size })
    this.#flow()
    return true
  }

  /** If no message is between several needs, only the last one counts. */
  need(need: Need): void {
    if (this.#items.at(-1)?.kind === 'need') this.#items.pop()
    this.#items.push({ kind: 'need', need })
    this.#flow()
  }

  /** Ends the buffer. The reader gets the rest first, and then the error once. */
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

  /** Pauses the network at half of the limit, and resumes it at a quarter. */
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

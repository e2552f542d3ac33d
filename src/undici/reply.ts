import type { Dispatcher } from 'undici'
import type { BodyLimits } from '../protocol/index.js'
import { textOf } from './text.js'

export type Handler = Dispatcher.DispatchHandler
export type Controller = Dispatcher.DispatchController
/** Response headers from undici: lower-case names, and lists for repeated headers. */
export type ReplyHeaders = Parameters<NonNullable<Handler['onResponseStart']>>[2]
export type Chunk = Parameters<NonNullable<Handler['onResponseData']>>[1]

/** The head of a reply. */
export interface ReplyHead {
  readonly status: number
  readonly message: string
  readonly headers: ReplyHeaders
}

/** Removes payment events from a body while it is passed on. */
export interface PaymentEventFilterLike {
  push(chunk: Chunk): readonly Chunk[]
  /** Returns what it still held when the body ended. */
  end(): readonly Chunk[]
  /** The body broke off. */
  fail(): void
}

/** Takes a body: {@link Taker.data}, and one end. */
export interface Taker {
  readonly paused: boolean
  /** Whether it takes no more data. */
  readonly over: boolean
  data(chunk: Chunk): void
  end(trailers: ReplyHeaders, raw: Controller['rawTrailers']): void
  broken(error: Error): void
}

type End =
  | { readonly trailers: ReplyHeaders; readonly raw?: Controller['rawTrailers'] }
  | { readonly error: Error }

/**
 * A reply whose head has arrived and whose body waits, paused at the socket, until Purser knows who gets it. Nothing
 * is lost, and nothing accumulates meanwhile.
 */
export class UndiciReply {
  readonly status: number
  readonly message: string
  readonly headers: ReplyHeaders
  /** The headers as undici received them. */
  readonly rawHeaders: Controller['rawHeaders']
  /** The URL after followed redirects, if a redirecting interceptor is below this one. */
  readonly landed: URL | undefined
  readonly #controller: Controller | undefined
  readonly #chunks: Chunk[] = []
  #size = 0
  #end: End | undefined
  #ended = () => {}
  #grew = () => {}
  #broke = () => {}
  #drained: number | undefined
  #target: Taker | undefined
  #flushing = false
  #filter: PaymentEventFilterLike | undefined
  /** Filtered data that waits for the caller. */
  readonly #filtered: Chunk[] = []

  constructor(head: ReplyHead, controller: Controller | undefined, landed?: URL) {
    this.status = head.status
    this.message = head.message
    this.headers = head.headers
    this.rawHeaders = controller?.rawHeaders ?? null
    this.landed = landed
    this.#controller = controller
    controller?.pause()
  }

  /** Makes a reply that no server sent. */
  static made(head: ReplyHead, body: string): UndiciReply {
    const reply = new UndiciReply(head, undefined)
    reply.push(Buffer.from(body))
    reply.end({ trailers: {} })
    return reply
  }

  /** A chunk of the body, from the socket. */
  push(chunk: Chunk): void {
    if (this.#drained !== undefined) {
      this.#drained -= chunk.byteLength
      if (this.#drained < 0) this.#giveUp()
      return
    }
    this.#chunks.push(chunk)
    this.#size += chunk.byteLength
    this.#grew()
    this.flush()
  }

  /** The end of the body, or its error. */
  end(end: End): void {
    if (this.#end) return
    this.#end = end
    if ('error' in end) {
      this.#filter?.fail()
      if (this.#isWanted()) this.#broke()
    }
    this.#grew()
    this.#ended()
    if (this.#drained === undefined) this.flush()
  }

  /** The caller has the head. From now on the body is passed on as it arrives, with the caller's back-pressure. */
  forward(target: Taker): void {
    this.#target = target
    this.flush()
  }

  /** Drops the reply: its data is discarded, and data that still arrives costs the connection. */
  abandon(): void {
    this.#target = undefined
    this.#chunks.length = 0
    this.#filtered.length = 0
    this.#drained = 0
  }

  /** Tells if the body breaks off while the caller reads it, or if it already did. */
  whenBroken(tell: () => void): void {
    this.#broke = tell
    if (this.#end && 'error' in this.#end && this.#isWanted()) tell()
  }

  #isWanted(): boolean {
    return this.#drained === undefined && this.#target?.over !== true
  }

  /** From now on the body goes through this filter. */
  through(filter: PaymentEventFilterLike): void {
    this.#filter = filter
  }

  /** Passes on what has arrived, while the caller takes it. */
  flush(): void {
    const target = this.#target
    if (!target || this.#flushing) return
    this.#handOn(target)
    if (target.over) this.abandon()
    else if (target.paused) this.#controller?.pause()
    else if (this.#end === undefined) this.#controller?.resume()
    else {
      this.#target = undefined
      if ('error' in this.#end) target.broken(this.#end.error)
      else target.end(this.#end.trailers, this.#end.raw)
    }
  }

  /** A caller may pause and resume while it gets a chunk. The next chunk still waits for the end of that call. */
  #handOn(target: Taker): void {
    this.#flushing = true
    try {
      while (!target.paused && !target.over) {
        const chunk = this.#next()
        if (chunk === undefined) return
        target.data(chunk)
      }
    } finally {
      this.#flushing = false
    }
  }

  #next(): Chunk | undefined {
    while (this.#filtered.length === 0) {
      const filter = this.#filter
      const chunk = this.#chunks.shift()
      if (filter === undefined) return chunk
      if (chunk !== undefined) this.#filtered.push(...filter.push(chunk))
      else if (this.#end === undefined || 'error' in this.#end) return undefined
      else {
        this.#filter = undefined
        this.#filtered.push(...filter.end())
      }
    }
    return this.#filtered.shift()
  }

  /**
   * Returns the body as text, and keeps it readable. Undefined if it is longer (also after decoding) or slower than
   * the limits.
   */
  async text(limits: BodyLimits): Promise<string | undefined> {
    const deadline = Date.now() + limits.patienceMs
    this.#controller?.resume()
    while (this.#end === undefined && this.#size <= limits.bytes) {
      const left = deadline - Date.now()
      if (left <= 0 || !(await this.#more(left))) break
    }
    this.#controller?.pause()
    const whole = this.#end !== undefined && 'trailers' in this.#end && this.#size <= limits.bytes
    return whole ? textOf(Buffer.concat(this.#chunks), this.headers['content-encoding'], limits) : undefined
  }

  /** Reads the rest, so that the connection is free again. A long or slow rest costs the connection. */
  async drain(limits: BodyLimits): Promise<void> {
    if (this.#end) return
    this.#drained = limits.bytes
    const slow = setTimeout(() => this.#giveUp(), limits.patienceMs)
    const ended = new Promise<void>((resolve) => {
      this.#ended = resolve
    })
    this.#controller?.resume()
    await ended
    clearTimeout(slow)
  }

  #more(ms: number): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms, false)
      this.#grew = () => {
        clearTimeout(timer)
        resolve(true)
      }
    })
  }

  #giveUp(): void {
    const reason = new DOMException('Nobody reads this reply.', 'AbortError')
    this.#controller?.abort(reason)
    this.end({ error: reason })
  }
}

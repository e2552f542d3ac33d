import type { Dispatcher } from 'undici'
import type { BodyLimits } from '../protocol/index.js'
import { textOf } from './text.js'

export type Handler = Dispatcher.DispatchHandler
export type Controller = Dispatcher.DispatchController
/** Response headers as undici hands them over: lower-case names, lists where a header came more than once. */
export type ReplyHeaders = Parameters<NonNullable<Handler['onResponseStart']>>[2]
export type Chunk = Parameters<NonNullable<Handler['onResponseData']>>[1]

/** The head of a reply. */
export interface ReplyHead {
  readonly status: number
  readonly message: string
  readonly headers: ReplyHeaders
}

/** What takes something out of a body while it is handed on. */
export interface PaymentEventFilterLike {
  push(chunk: Chunk): readonly Chunk[]
  /** What it still held when the body ended. */
  end(): readonly Chunk[]
  /** The body broke off. */
  fail(): void
}

/** Whoever takes a body: {@link Taker.data} and one end. */
export interface Taker {
  readonly paused: boolean
  /** It takes nothing any more. */
  readonly over: boolean
  data(chunk: Chunk): void
  end(trailers: ReplyHeaders, raw: Controller['rawTrailers']): void
  broken(error: Error): void
}

type End =
  | { readonly trailers: ReplyHeaders; readonly raw?: Controller['rawTrailers'] }
  | { readonly error: Error }

/**
 * A reply whose head is in and whose body waits: paused at the socket, until it is known who gets it. Nothing is lost
 * and nothing piles up while money is decided.
 */
export class UndiciReply {
  readonly status: number
  readonly message: string
  readonly headers: ReplyHeaders
  /** The headers as undici got them, for handlers that want them so. */
  readonly rawHeaders: Controller['rawHeaders']
  /** The URL behind followed redirects, where a redirecting interceptor stands beneath this one. */
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
  #sieve: PaymentEventFilterLike | undefined
  /** What came through the sieve, and waits for the caller. */
  readonly #sifted: Chunk[] = []

  constructor(head: ReplyHead, controller: Controller | undefined, landed?: URL) {
    this.status = head.status
    this.message = head.message
    this.headers = head.headers
    this.rawHeaders = controller?.rawHeaders ?? null
    this.landed = landed
    this.#controller = controller
    controller?.pause()
  }

  /** A reply of our own making. */
  static made(head: ReplyHead, body: string): UndiciReply {
    const reply = new UndiciReply(head, undefined)
    reply.push(Buffer.from(body))
    reply.end({ trailers: {} })
    return reply
  }

  /** A piece of the body, from the socket. */
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

  /** The end of the body, good or bad. */
  end(end: End): void {
    if (this.#end) return
    this.#end = end
    if ('error' in end) {
      this.#sieve?.fail()
      if (this.#isWanted()) this.#broke()
    }
    this.#grew()
    this.#ended()
    if (this.#drained === undefined) this.flush()
  }

  /** The caller has the head: from here on the body is handed on as it comes, with the caller's back-pressure. */
  forward(target: Taker): void {
    this.#target = target
    this.flush()
  }

  /** Nobody takes it: what has come is dropped, and what still comes costs the connection. */
  abandon(): void {
    this.#target = undefined
    this.#chunks.length = 0
    this.#sifted.length = 0
    this.#drained = 0
  }

  /** Tells if the body breaks off while somebody wants it, or already did. */
  whenBroken(tell: () => void): void {
    this.#broke = tell
    if (this.#end && 'error' in this.#end && this.#isWanted()) tell()
  }

  #isWanted(): boolean {
    return this.#drained === undefined && this.#target?.over !== true
  }

  /** From here on the body is handed on through a sieve. */
  through(sieve: PaymentEventFilterLike): void {
    this.#sieve = sieve
  }

  /** Hands on what has come, while the caller takes it. */
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

  /** A caller may pause and resume while a piece is handed to it: the next piece waits for that all the same. */
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
    while (this.#sifted.length === 0) {
      const sieve = this.#sieve
      const chunk = this.#chunks.shift()
      if (sieve === undefined) return chunk
      if (chunk !== undefined) this.#sifted.push(...sieve.push(chunk))
      else if (this.#end === undefined || 'error' in this.#end) return undefined
      else {
        this.#sieve = undefined
        this.#sifted.push(...sieve.end())
      }
    }
    return this.#sifted.shift()
  }

  /** The body as text, and still there as it came; undefined if it is longer (decoded, too) or slower than the limits. */
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

  /** Lets the rest go by, so that the connection is free again; a long or slow rest costs the connection. */
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

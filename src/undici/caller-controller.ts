import type { Controller, Handler, ReplyHeaders, Taker, UndiciReply } from './reply.js'

type Raw = NonNullable<Controller['rawHeaders']> | null
type Chunk = Parameters<NonNullable<Handler['onResponseData']>>[1]
type Info = Parameters<NonNullable<Handler['onResponseStart']>>

/**
 * The caller's handler, and the controller that the handler gets. To the handler there is one request, although
 * Purser may send several. An error that the handler throws ends the request, and the handler hears of it once, as
 * with undici alone.
 */
export class CallerController implements Controller, Taker {
  rawHeaders: Raw = null
  rawTrailers: Raw = null
  readonly #handler: Handler
  /** Stops the requests of Purser. An error of the handler stops them too, but is no abort by the caller. */
  readonly #stop = new AbortController()
  #aborted = false
  #paused = false
  #started = false
  #reply: UndiciReply | undefined
  #state: 'open' | 'ending' | 'over' = 'open'

  constructor(handler: Handler) {
    this.#handler = handler
  }

  /** Aborted if the caller aborts, or if its handler throws. */
  get signal(): AbortSignal {
    return this.#stop.signal
  }

  get aborted(): boolean {
    return this.#aborted
  }

  get reason(): Error | null {
    const reason: unknown = this.#aborted ? this.signal.reason : null
    return reason instanceof Error ? reason : null
  }

  get paused(): boolean {
    return this.#paused
  }

  /** Whether the handler was told the end. */
  get over(): boolean {
    return this.#state === 'over'
  }

  abort(reason: Error): void {
    if (this.#state !== 'open' || this.#aborted) return
    this.#aborted = true
    this.#stop.abort(reason)
    // Before the head of the reply, the payment flow reports what happened to the money. Afterwards the handler hears
    // at once.
    if (this.#reply) this.fail(this.signal.reason)
  }

  pause(): void {
    this.#paused = true
  }

  resume(): void {
    this.#paused = false
    this.#reply?.flush()
  }

  /**
   * The first request has its connection. An error that the handler throws here fails that request, and returns
   * through it.
   */
  start(context: unknown): void {
    if (this.#started) return
    this.#started = true
    this.#handler.onRequestStart?.(this, context)
  }

  /** Passes an informational head (1xx). */
  info(...[, status, headers, message]: Info): void {
    this.#handler.onResponseStart?.(this, status, headers, message)
  }

  /** Gives this reply to the caller: its head now, its body as it arrives. */
  carry(reply: UndiciReply): void {
    this.rawHeaders = reply.rawHeaders ?? null
    this.#tell(() => {
      this.start({})
      if (!this.#aborted) this.#handler.onResponseStart?.(this, reply.status, reply.headers, reply.message)
    })
    if (this.#aborted) this.fail(this.signal.reason)
    if (this.over) reply.abandon()
    else {
      this.#reply = reply
      reply.forward(this)
    }
  }

  data(chunk: Chunk): void {
    this.#tell(() => this.#handler.onResponseData?.(this, chunk))
  }

  end(trailers: ReplyHeaders, raw: Controller['rawTrailers']): void {
    if (this.#state !== 'open') return
    this.#state = 'ending'
    this.rawTrailers = raw ?? null
    this.#tell(() => this.#handler.onResponseEnd?.(this, trailers))
    this.#state = 'over'
  }

  /** The body broke off. */
  broken(error: Error): void {
    if (this.over) return
    this.#state = 'over'
    this.#tellError(error)
  }

  /** Ends the request with an error from any source. Nothing more is read, and the handler is told once. */
  fail(thrown: unknown): void {
    if (this.over) return
    const error = thrown instanceof Error ? thrown : new TypeError(String(thrown))
    // Set first: a stopped request fails at once, and the handler must hear this error instead.
    this.#state = 'over'
    this.#stop.abort(error)
    this.#tellError(error)
  }

  #tell(call: () => void): void {
    if (this.over) return
    try {
      call()
    } catch (thrown) {
      this.fail(thrown)
    }
  }

  #tellError(error: Error): void {
    try {
      this.#handler.onResponseError?.(this, error)
    } catch {
      // The handler was told. Its own error has no receiver, and must not end the process.
    }
  }
}

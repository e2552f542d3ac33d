import type { Controller, Handler, ReplyHeaders, Taker, UndiciReply } from './reply.js'

type Raw = NonNullable<Controller['rawHeaders']> | null
type Chunk = Parameters<NonNullable<Handler['onResponseData']>>[1]
type Info = Parameters<NonNullable<Handler['onResponseStart']>>

/**
 * The caller's handler, and the controller that the handler holds: one request to it, however many legs there are
 * beneath. Every call of the handler goes through here. What the handler throws ends its request with that error, and
 * the handler hears of it once, as it does with undici alone.
 */
export class CallerController implements Controller, Taker {
  rawHeaders: Raw = null
  rawTrailers: Raw = null
  readonly #handler: Handler
  /** Stops the legs. A handler that throws stops them too, and has still not aborted anything itself. */
  readonly #stop = new AbortController()
  #aborted = false
  #paused = false
  #started = false
  #reply: UndiciReply | undefined
  #state: 'open' | 'ending' | 'over' = 'open'

  constructor(handler: Handler) {
    this.#handler = handler
  }

  /** Aborted if the caller aborts, and if its handler throws. */
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

  /** The handler has been told how it ended. */
  get over(): boolean {
    return this.#state === 'over'
  }

  abort(reason: Error): void {
    if (this.#state !== 'open' || this.#aborted) return
    this.#aborted = true
    this.#stop.abort(reason)
    // Before the head, whoever works on the payment says what became of the money; afterwards the handler hears at once.
    if (this.#reply) this.fail(this.signal.reason)
  }

  pause(): void {
    this.#paused = true
  }

  resume(): void {
    this.#paused = false
    this.#reply?.flush()
  }

  /** The first leg has its connection. What the handler throws is the leg's failure, and comes back as one. */
  start(context: unknown): void {
    if (this.#started) return
    this.#started = true
    this.#handler.onRequestStart?.(this, context)
  }

  /** A head that only informs (1xx). */
  info(...[, status, headers, message]: Info): void {
    this.#handler.onResponseStart?.(this, status, headers, message)
  }

  /** This reply is the caller's: its head now, its body as it comes. */
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

  /** The body broke off beneath. */
  broken(error: Error): void {
    if (this.over) return
    this.#state = 'over'
    this.#tellError(error)
  }

  /** Ends the request with what was thrown, by whomever: nothing more is read, and the handler is told once. */
  fail(thrown: unknown): void {
    if (this.over) return
    const error = thrown instanceof Error ? thrown : new TypeError(String(thrown))
    // First: a leg that is stopped says so at once, and the handler hears of this error instead.
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
      // The handler was told. Nobody else is there to hear what it makes of it, and the process must not end with it.
    }
  }
}

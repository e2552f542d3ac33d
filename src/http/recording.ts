import { PaymentError } from '../errors/index.js'
import { isBytes } from '../protocol/index.js'
import { withTimeout } from '../util/with-timeout.js'

/** How a longer body can be kept. */
export const RAISE =
  'Raise `maxKeptBody` of createPurser (`limits.keep.bytes` of purserInterceptor) to keep longer bodies.'

/** How a body of any size can be sent again. */
const MAKE =
  'Or give a function that makes the body anew: `payment.body` of fetch, `replayableBody` of purser/undici.'

/** Why a body was not kept. */
type Loss = 'long' | 'late' | 'failed'

/** Where the chunks of a body come from: read once, in order. */
export interface ChunkSource {
  next(): Promise<IteratorResult<unknown, unknown>>
  cancel(reason: unknown): void
}

/** A stream or an async iterable as a source. The stream is locked from here on, as `fetch` would lock it. */
export function sourceOf(body: ReadableStream<unknown> | AsyncIterable<unknown>): ChunkSource {
  if (body instanceof ReadableStream) {
    const reader = body.getReader()
    return {
      next: async () => {
        const { done, value } = await reader.read()
        return done ? { done: true, value: undefined } : { done: false, value }
      },
      cancel: (reason) => void reader.cancel(reason).catch(ignore),
    }
  }
  const iterator = body[Symbol.asyncIterator]()
  return {
    next: () => iterator.next(),
    cancel: (reason) => void Promise.resolve(iterator.return?.(reason)).catch(ignore),
  }
}

/** Nobody waits for the end of a cancelled source, and its complaint changes nothing. */
function ignore(): void {}

/**
 * A body that can be read only once, on its way through: {@link stream} hands it on, chunk by chunk and with the
 * reader's back-pressure, and up to a cap every chunk is kept, so that the request can be sent again.
 *
 * Not `tee()`: a tee queues without a bound, and stops for good when the transport cancels its branch, as transports
 * do when an answer comes before the upload is done. Then {@link whole} reads the rest by itself.
 */
export class Recording {
  readonly stream: ReadableStream
  readonly #source: ChunkSource
  readonly #cap: number
  #chunks: Uint8Array[] = []
  #size = 0
  #state: 'open' | 'whole' | 'lost' = 'open'
  #loss: Loss = 'failed'
  #ended = false
  #cancelled: { readonly reason: unknown } | undefined
  #turn: Promise<void> = Promise.resolve()
  #controller: ReadableStreamDefaultController<unknown> | undefined

  constructor(source: ChunkSource, cap: number) {
    this.#source = source
    this.#cap = cap
    this.stream = new ReadableStream(
      {
        start: (controller) => {
          this.#controller = controller
        },
        pull: () => this.#step(),
        cancel: (reason) => this.#cancel(reason),
      },
      { highWaterMark: 0 },
    )
  }

  /**
   * All of it, read to its end if need be.
   *
   * @throws PaymentError `not_replayable` if it is longer than the cap, failed, was forgotten, or takes too long.
   */
  async whole(patienceMs: number): Promise<readonly Uint8Array[]> {
    const deadline = performance.now() + patienceMs
    while (this.#state === 'open') {
      const left = deadline - performance.now()
      if (left <= 0 || (await withTimeout(this.#step(), left)) === 'late') this.#lose('late')
    }
    if (this.#state === 'whole') return this.#chunks
    throw new PaymentError('not_replayable', 'untouched', this.#why(patienceMs))
  }

  #why(patienceMs: number): string {
    const so = 'so it cannot be sent again with a payment'
    switch (this.#loss) {
      case 'long':
        return `The request has a streaming body of more than ${this.#cap} bytes, ${so}. ${RAISE} ${MAKE}`
      case 'late':
        return `The request has a streaming body that had not ended ${patienceMs} ms after the server asked for money, ${so}. Send it as bytes. ${MAKE}`
      case 'failed':
        return `The request has a streaming body that could not be kept, ${so}.`
    }
  }

  /** Nobody will read {@link stream}: reads ahead by itself until the end or the cap. */
  async readAhead(): Promise<void> {
    await this.stream.cancel()
    while (this.#state === 'open') await this.#step()
  }

  /** What was kept is no longer needed: the memory is free, and what still passes is not recorded. */
  forget(): void {
    this.#lose()
    if (this.#cancelled && !this.#ended) this.#source.cancel(this.#cancelled.reason)
  }

  /** One read at a time, whoever asks: order is the body's meaning. */
  #step(): Promise<void> {
    this.#turn = this.#turn.then(() => this.#read())
    return this.#turn
  }

  async #read(): Promise<void> {
    if (this.#ended) return
    try {
      const { done, value } = await this.#source.next()
      if (!done) return this.#pass(value)
      this.#ended = true
      if (this.#state === 'open') this.#state = 'whole'
      if (!this.#cancelled) this.#controller?.close()
    } catch (error) {
      this.#ended = true
      this.#lose()
      if (!this.#cancelled) this.#controller?.error(error)
    }
  }

  #pass(chunk: unknown): void {
    if (this.#state === 'open') {
      const size = this.#size + (isBytes(chunk) ? chunk.byteLength : Number.POSITIVE_INFINITY)
      if (isBytes(chunk) && size <= this.#cap) {
        // A copy: readers of files and sockets reuse their buffers.
        this.#chunks.push(chunk.slice())
        this.#size = size
      } else this.#lose(isBytes(chunk) ? 'long' : 'failed')
    }
    if (!this.#cancelled) this.#controller?.enqueue(chunk)
  }

  #cancel(reason: unknown): void {
    this.#cancelled = { reason }
    // While the recording is wanted, the source lives on: a 402 that came early must not make a request unpayable.
    if (this.#state === 'lost' && !this.#ended) this.#source.cancel(reason)
  }

  #lose(why: Loss = 'failed'): void {
    this.#state = 'lost'
    this.#loss = why
    this.#chunks = []
    this.#size = 0
  }
}

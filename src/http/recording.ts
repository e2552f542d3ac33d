import { PaymentError } from '../errors/index.js'
import { isBytes } from '../protocol/index.js'
import { withTimeout } from '../util/with-timeout.js'

/** How to keep a longer body. */
export const RAISE =
  'Raise `maxKeptBody` of createPurser (`limits.keep.bytes` of purserInterceptor) to keep longer bodies.'

/** How to send a body of any size again. */
const MAKE =
  'Or give a function that makes the body anew: `payment.body` of fetch, `replayableBody` of purser/undici.'

/** Why a body was not kept. */
type Loss = 'long' | 'late' | 'failed'

/** A source of a body's chunks: read once, in order. */
export interface ChunkSource {
  next(): Promise<IteratorResult<unknown, unknown>>
  cancel(reason: unknown): void
}

/** Makes a source of a stream or an async iterable. It locks the stream, as `fetch` would. */
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

/** The end of a cancelled source is not awaited, and its error changes nothing. */
function ignore(): void {}

/**
 * Records a body that can be read only once: {@link stream} passes it on chunk by chunk, with the reader's
 * back-pressure. Every chunk up to a limit is kept, so that the request can be sent again.
 *
 * This is not `tee()`. A tee has an unlimited queue, and it stops when the transport cancels its branch, as
 * transports do if an answer arrives before the end of the upload. Then {@link whole} reads the rest by itself.
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
   * Returns all chunks, and reads to the end if necessary.
   *
   * @throws PaymentError `not_replayable` if the body is longer than the limit, failed, was forgotten, or takes too
   * long.
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

  /** Reads until the end or the limit, because nothing reads {@link stream}. */
  async readAhead(): Promise<void> {
    await this.stream.cancel()
    while (this.#state === 'open') await this.#step()
  }

  /** Frees the kept chunks. Later chunks are passed on, but not recorded. */
  forget(): void {
    this.#lose()
    if (this.#cancelled && !this.#ended) this.#source.cancel(this.#cancelled.reason)
  }

  /** Reads one chunk at a time, for any caller, because order matters. */
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
    // While the recording is needed, the source stays open: an early 402 must not make a request unpayable.
    if (this.#state === 'lost' && !this.#ended) this.#source.cancel(reason)
  }

  #lose(why: Loss = 'failed'): void {
    this.#state = 'lost'
    this.#loss = why
    this.#chunks = []
    this.#size = 0
  }
}

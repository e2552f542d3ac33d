import { ONCE } from '../util/objects.js'
/** Limits for reading a body that another party sends. */
export interface BodyLimits {
  /** The maximum of bytes, after decompression. */
  readonly bytes: number
  /** The time limit for the whole body, in milliseconds. */
  readonly patienceMs: number
}

/** The body of a reply: of the built-in `fetch`, or of a `fetch` package with its own stream type. */
export type Body = ReadableStream<unknown> | AsyncIterable<unknown> | null

export interface ReplyBody {
  readonly body: Body
  readonly headers: { get(name: string): string | null }
}

/** Why a body could not be read: longer than the limit, too late or aborted, or failed. */
export type Unread = 'long' | 'late' | 'broken'

/**
 * Reads a body to its end within limits. If a limit is exceeded, the body is cancelled and nothing is kept.
 *
 * All data from servers, nodes and vendors is read by this function, or is checked to have its own limits.
 *
 * @param signal - Aborts the reading. The caller knows the reason.
 * @returns The bytes, or the reason why there are none. Never throws.
 */
export async function readBody(
  reply: ReplyBody,
  limits: BodyLimits,
  signal?: AbortSignal,
): Promise<Uint8Array<ArrayBuffer> | Unread> {
  const kept = new Kept()
  const end = await pass(reply, limits, signal, (chunk) => kept.add(chunk))
  return end === 'whole' ? kept.whole() : end
}

/** Reads a body as UTF-8 text, within the same limits. */
export async function readText(
  reply: ReplyBody,
  limits: BodyLimits,
  signal?: AbortSignal,
): Promise<{ readonly text: string } | { readonly unread: Unread }> {
  const bytes = await readBody(reply, limits, signal)
  return typeof bytes === 'string' ? { unread: bytes } : { text: new TextDecoder().decode(bytes) }
}

/** Drains an unwanted body within limits. Reading a short rest makes the connection reusable. */
export async function drainBody(reply: ReplyBody, limits: BodyLimits): Promise<void> {
  await pass(reply, limits, undefined, () => {})
}

async function pass(
  { body, headers }: ReplyBody,
  { bytes, patienceMs }: BodyLimits,
  signal: AbortSignal | undefined,
  take: (chunk: Uint8Array) => void,
): Promise<'whole' | Unread> {
  if (body === null) return 'whole'
  const source = sourceOf(body)
  if (source === undefined) return 'broken'
  // For a compressed body, this is the minimum of its size.
  const announced = Number(headers.get('content-length') ?? 0)
  const end = announced > bytes ? 'long' : await inTime(readAll(source, bytes, take), patienceMs, signal)
  // Not awaited: a branch of a cloned body is cancelled only if both branches are, and a stream may never answer.
  if (end !== 'whole') source.cancel()
  return end
}

async function readAll(
  source: Source,
  bytes: number,
  take: (chunk: Uint8Array) => void,
): Promise<'whole' | Unread> {
  try {
    for (let size = 0; ; ) {
      const { done, value } = await source.next()
      if (done) return 'whole'
      if (!isBytes(value)) return 'broken'
      // An empty chunk counts as one byte; otherwise a stream of empty chunks would never end.
      size += Math.max(1, value.byteLength)
      if (size > bytes) return 'long'
      take(value)
    }
  } catch {
    // The error of a failing body is dropped: it is no part of an answer.
    return 'broken'
  }
}

/** A late promise continues until it is cancelled; its result is ignored. */
function inTime(
  reading: Promise<'whole' | Unread>,
  patienceMs: number,
  signal: AbortSignal | undefined,
): Promise<'whole' | Unread> {
  return new Promise((resolve) => {
    const stop = (): void => end('late')
    const timer = setTimeout(stop, patienceMs)
    const end = (how: 'whole' | Unread): void => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', stop)
      resolve(how)
    }
    if (signal?.aborted) end('late')
    else signal?.addEventListener('abort', stop, ONCE)
    void reading.then(end)
  })
}

interface Source {
  next(): Promise<{ readonly done?: boolean | undefined; readonly value?: unknown }>
  cancel(): void
}

/** Returns undefined if another reader holds the body, or if the value is not a body. */
function sourceOf(body: Exclude<Body, null>): Source | undefined {
  if ('getReader' in body) {
    if (body.locked) return undefined
    const reader = body.getReader()
    return { next: () => reader.read(), cancel: () => void reader.cancel().catch(ignore) }
  }
  if (!(Symbol.asyncIterator in body)) return undefined
  const iterator = body[Symbol.asyncIterator]()
  return {
    next: () => iterator.next(),
    cancel: () => void Promise.resolve(iterator.return?.(undefined)).catch(ignore),
  }
}

/** Errors of a discarded body are ignored. */
function ignore(): void {}

/** A growing buffer that holds the bytes in one piece. A list of tiny chunks would cost many times their size. */
class Kept {
  #bytes = new Uint8Array(0)
  #size = 0

  add(chunk: Uint8Array): void {
    const size = this.#size + chunk.byteLength
    if (size > this.#bytes.byteLength) {
      const grown = new Uint8Array(Math.max(size, 2 * this.#bytes.byteLength))
      grown.set(this.#bytes.subarray(0, this.#size))
      this.#bytes = grown
    }
    this.#bytes.set(chunk, this.#size)
    this.#size = size
  }

  whole(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.#size)
  }
}

/**
 * Tells whether a value is a `Uint8Array`, of this realm or another. Test runners such as Jest run code in a different
 * realm than `fetch`.
 */
export function isBytes(value: unknown): value is Uint8Array {
  return value instanceof Uint8Array || (ArrayBuffer.isView(value) && tagOf(value) === '[object Uint8Array]')
}

/** Tells whether a value is an `ArrayBuffer`, of this realm or another. */
export function isBuffer(value: unknown): value is ArrayBuffer {
  return value instanceof ArrayBuffer || tagOf(value) === '[object ArrayBuffer]'
}

function tagOf(value: unknown): string {
  return Reflect.apply(Object.prototype.toString, value, [])
}

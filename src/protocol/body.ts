import { ONCE } from '../errors/index.js'
/** Bounds on what is read of somebody else's body. */
export interface BodyLimits {
  /** After decompression. */
  readonly bytes: number
  /** How long the whole body may take, in milliseconds. */
  readonly patienceMs: number
}

/** A body of a reply: of `fetch`, or of a `fetch` package that has streams of its own. */
export type Body = ReadableStream<unknown> | AsyncIterable<unknown> | null

/** The part of a `Response` that is read here. */
export interface ReplyBody {
  readonly body: Body
  readonly headers: { get(name: string): string | null }
}

/** Why there is no whole body: longer than the limit, not there in time or no longer wanted, or it failed. */
export type Unread = 'long' | 'late' | 'broken'

/**
 * Reads a body to its end, within bounds. What passes a bound is cancelled and not kept.
 *
 * Everything that a server, a node or a vendor sends is read here, or is checked to have bounds of its own.
 *
 * @param signal Ends the reading; whoever aborted knows why.
 * @returns The bytes, or why there are none. It never throws.
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

/** The same as text in UTF-8. */
export async function readText(
  reply: ReplyBody,
  limits: BodyLimits,
  signal?: AbortSignal,
): Promise<{ readonly text: string } | { readonly unread: Unread }> {
  const bytes = await readBody(reply, limits, signal)
  return typeof bytes === 'string' ? { unread: bytes } : { text: new TextDecoder().decode(bytes) }
}

/** Lets a body go by that nobody wants, within bounds: a short rest is read, so that its connection is free again. */
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
  // Of what was compressed it is the least.
  const announced = Number(headers.get('content-length') ?? 0)
  const end = announced > bytes ? 'long' : await inTime(readAll(source, bytes, take), patienceMs, signal)
  // Not waited for: a branch of a clone is cancelled only when both are, and a stream may never answer.
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
      // An empty piece counts too: a stream of those would never end.
      size += Math.max(1, value.byteLength)
      if (size > bytes) return 'long'
      take(value)
    }
  } catch {
    // What a failing body says is nobody's answer.
    return 'broken'
  }
}

/** What is late goes on until it is cancelled, and is not heard any more. */
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

/** Undefined for what somebody else reads already, and for what is no body. */
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

/** A body that is thrown away no longer matters. */
function ignore(): void {}

/** Bytes in one piece, however small the pieces come: a list of pieces would cost many times what they hold. */
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

/** Are these bytes, of this realm or another? A test runner such as Jest runs code in a realm beside that of `fetch`. */
export function isBytes(value: unknown): value is Uint8Array {
  return value instanceof Uint8Array || (ArrayBuffer.isView(value) && tagOf(value) === '[object Uint8Array]')
}

/** Is it an `ArrayBuffer`, of this realm or another? */
export function isBuffer(value: unknown): value is ArrayBuffer {
  return value instanceof ArrayBuffer || tagOf(value) === '[object ArrayBuffer]'
}

function tagOf(value: unknown): string {
  return Reflect.apply(Object.prototype.toString, value, [])
}

import { PaymentError } from '../errors/index.js'
import { isBuffer, isBytes } from '../protocol/index.js'
import { withTimeout } from '../util/with-timeout.js'
import { RAISE, Recording, sourceOf } from './recording.js'

/** A request's body, kept so that it can be sent again. */
export interface KeptBody<Body = RequestInit['body']> {
  /** Present if each request makes its body, including the first one. */
  readonly made?: true
  /** The body of the first request. Undefined leaves it to the `Request` that it belongs to. */
  readonly first: Body | undefined
  /**
   * Returns the body of a later request.
   *
   * @throws PaymentError `not_replayable`
   */
  again(): Promise<Body>
  /**
   * Returns the bytes in pieces. A form has new bytes with every send, because its boundary is random. Its entries
   * stand for them, and `exact` is false.
   *
   * @throws PaymentError `not_replayable`
   */
  pieces(): AsyncIterable<Uint8Array>
  readonly exact: boolean
  /** Present if there is no body. */
  readonly empty?: true
  /** Frees what was kept. Absent if nothing is kept. */
  readonly forget?: () => void
}

/** Makes a request's body each time it is called. */
export type BodyFactory = () => RequestInit['body'] | Promise<RequestInit['body']>

/** Limits on the stored part of a body that can be read only once. */
export interface KeepLimits {
  /** Bytes of it. A longer body is sent, but cannot be paid for. */
  readonly bytes: number
  /** How long Purser waits for the rest of a body after a 402, in milliseconds. */
  readonly patienceMs: number
}

const NONE: KeptBody = {
  first: null,
  again: async () => null,
  async *pieces() {},
  exact: true,
  empty: true,
}

/**
 * Keeps `init.body`. It copies everything that the caller could change before the next request, as `fetch` itself
 * does.
 */
export function keepBody(body: unknown, limits: KeepLimits): KeptBody {
  if (body === null || body === undefined) return NONE
  if (typeof body === 'string')
    return fixed(body, async function* () {
      yield utf8(body)
    })
  if (isBuffer(body)) return ofBytes(new Uint8Array(body.slice(0)))
  if (ArrayBuffer.isView(body)) {
    return ofBytes(new Uint8Array(body.buffer, body.byteOffset, body.byteLength).slice())
  }
  if (body instanceof Blob) return fixed(body, () => bytesOf(body))
  if (body instanceof URLSearchParams) {
    const copy = new URLSearchParams(body)
    return fixed(copy, async function* () {
      yield utf8(copy.toString())
    })
  }
  if (body instanceof FormData) {
    const copy = new FormData()
    for (const [name, value] of body) {
      if (typeof value === 'string') copy.append(name, value)
      else copy.append(name, value, value.name)
    }
    return { ...fixed(copy, () => formPieces(copy)), exact: false }
  }
  return keepStream(body, limits)
}

/** Keeps the body of a `Request`: its own goes through `fetch`, and a clone is recorded. */
export function keepRequestBody(request: Request, limits: KeepLimits): KeptBody {
  // These have no body, and some browsers have no `Request.body` that would show it.
  if (/^(GET|HEAD)$/.test(request.method)) return { ...NONE, first: undefined }
  // Only the clone is asked for its body: Deno sends a request in chunks, without its length, if its `body` was read.
  const spare = request.clone()
  if (spare.body === null) return { ...NONE, first: undefined }
  const recording = new Recording(sourceOf(spare.body ?? wholeOf(spare)), limits.bytes)
  // Read at once: otherwise the tee would queue the whole upload, of any size.
  void recording.readAhead()
  return { ...recorded(recording, limits), first: undefined }
}

/** Keeps a function that makes the body for each request. Nothing of the body is stored, for any size. */
export function keepFactory<Body>(make: () => Body | Promise<Body>, limits: KeepLimits): KeptBody<Body> {
  return {
    made: true,
    first: undefined,
    again: async () => make(),
    async *pieces() {
      const body = await make()
      if (isStream(body)) yield* streamed(body, limits.patienceMs)
      else yield* keepBody(body, limits).pieces()
    },
    exact: true,
  }
}

/** Whether it is read in pieces. `fetch` then requires `duplex: 'half'`. */
export function isStream(body: unknown): body is ReadableStream<unknown> | AsyncIterable<unknown> {
  return body instanceof ReadableStream || isAsyncIterable(body)
}

/** Reads a stream from its start to its end, and waits for each chunk at most that long. */
async function* streamed(
  body: ReadableStream<unknown> | AsyncIterable<unknown>,
  patienceMs: number,
): AsyncGenerator<Uint8Array> {
  const source = sourceOf(body)
  for (;;) {
    const next = await withTimeout(source.next(), patienceMs)
    if (next === 'late' || (!next.done && !isBytes(next.value))) {
      source.cancel(undefined)
      throw new PaymentError(
        'not_replayable',
        'untouched',
        next === 'late'
          ? `The body that your function made brought nothing for ${patienceMs} ms, so it cannot be sent with a payment.`
          : 'The body that your function made is a stream of something else than bytes, so it cannot be sent.',
      )
    }
    if (next.done) return
    if (isBytes(next.value)) yield next.value
  }
}

function keepStream(body: unknown, limits: KeepLimits): KeptBody {
  if (body instanceof ReadableStream) {
    // Throws for a stream that is locked or was read, which `fetch` refuses too. It does not lock the stream.
    new Response(body)
    return recorded(new Recording(sourceOf(body), limits.bytes), limits)
  }
  if (isAsyncIterable(body)) return recorded(new Recording(sourceOf(body), limits.bytes), limits)
  // `fetch` may accept it, but nothing can make it twice.
  throw new TypeError('A body of an unknown kind cannot be set aside.')
}

function recorded(recording: Recording, limits: KeepLimits): KeptBody {
  return {
    first: recording.stream,
    again: async () => concat(await recording.whole(limits.patienceMs)),
    async *pieces() {
      yield* await recording.whole(limits.patienceMs)
    },
    exact: true,
    forget: () => recording.forget(),
  }
}

function ofBytes(bytes: Uint8Array<ArrayBuffer>): KeptBody {
  return fixed(bytes, async function* () {
    yield bytes
  })
}

function fixed(body: NonNullable<RequestInit['body']>, pieces: () => AsyncIterable<Uint8Array>): KeptBody {
  return { first: body, again: async () => body, pieces, exact: true }
}

const utf8 = (text: string): Uint8Array => encoder.encode(text)
const encoder = new TextEncoder()

/**
 * Returns the body in one piece.
 *
 * @throws PaymentError `not_replayable` if a body that is made for each request is longer than the limit.
 */
export async function bodyBytes(
  body: KeptBody<unknown>,
  { bytes }: KeepLimits,
): Promise<Uint8Array<ArrayBuffer>> {
  const pieces: Uint8Array[] = []
  let size = 0
  for await (const piece of body.pieces()) {
    size += piece.byteLength
    if (body.made && size > bytes)
      throw new PaymentError(
        'not_replayable',
        'untouched',
        `The offer is bound to a body by its digest, and the body that your function made is longer than ${bytes} bytes, so they are not compared. ${RAISE}`,
      )
    pieces.push(piece)
  }
  return concat(pieces)
}

function concat(pieces: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.byteLength, 0))
  let at = 0
  for (const piece of pieces) {
    whole.set(piece, at)
    at += piece.byteLength
  }
  return whole
}

/** Writes every entry with its lengths first, so that no two forms have the same bytes. */
async function* formPieces(form: FormData): AsyncGenerator<Uint8Array> {
  for (const [name, value] of form) {
    if (typeof value === 'string') yield utf8(JSON.stringify([name, value]))
    else {
      yield utf8(JSON.stringify([name, value.name, value.type, value.size]))
      yield* bytesOf(value)
    }
  }
}

async function* bytesOf(blob: Blob): AsyncGenerator<Uint8Array> {
  const source = sourceOf(blob.stream())
  for (let next = await source.next(); !next.done; next = await source.next()) {
    if (isBytes(next.value)) yield next.value
  }
}

async function* wholeOf(request: Request): AsyncGenerator<Uint8Array> {
  yield new Uint8Array(await request.arrayBuffer())
}

function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value
}

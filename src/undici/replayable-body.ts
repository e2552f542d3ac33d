import { Readable } from 'node:stream'

/** The values that a function may return as the body of a request. */
export type MadeBody = string | Uint8Array<ArrayBuffer> | Blob | ReadableStream | AsyncIterable<Uint8Array>

type Make = () => MadeBody | Promise<MadeBody>

const functions = new WeakMap<object, Make>()

/**
 * Makes a body of any size that can be paid for, for `body` of a request through undici. Purser keeps at most 1 MiB
 * of a body that can be read only once, and cannot send a longer one again with a payment.
 *
 * It is a stream: a request that does not go through {@link purserInterceptor} sends it once.
 *
 * @param make - Returns the body. It is called for each time that the request is sent, and once to compute the
 * digest. It must return the same bytes each time.
 * @throws TypeError if `make` is not a function.
 * @example
 * ```ts
 * import { createReadStream } from 'node:fs'
 * import { Agent, request } from 'undici'
 *
 * const dispatcher = new Agent().compose(purserInterceptor(purser))
 * const body = replayableBody(() => createReadStream('recording.wav'))
 * await request('https://api.example/v1/upload', { method: 'POST', body, dispatcher })
 * ```
 */
export function replayableBody(make: Make): Readable {
  if (typeof make !== 'function')
    throw new TypeError('replayableBody() takes a function that makes the body: () => createReadStream(path)')
  const body = Readable.from(piecesOf(make), { objectMode: false })
  functions.set(body, make)
  return body
}

/** Returns the function of a body that {@link replayableBody} made. */
export function makerOf(body: unknown): Make | undefined {
  return typeof body === 'object' && body !== null ? functions.get(body) : undefined
}

/** Calls the function when the stream is first read. */
async function* piecesOf(make: Make): AsyncGenerator<unknown> {
  const body = await make()
  if (typeof body === 'string' || body instanceof Uint8Array) yield body
  else yield* body instanceof Blob ? body.stream() : body
}

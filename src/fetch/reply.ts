import { within } from './recording.js'

/** Bounds on what is read of a reply that a server made to be paid, or to be dropped. */
export interface ReadLimits {
  readonly bytes: number
  readonly patienceMs: number
}

/**
 * The text of a reply's body, read from a clone so that the reply stays readable. Undefined if it is longer than the
 * limit (after decompression), or not there in time: then it is not worth a payment's wait.
 */
export async function peekText(reply: Response, limits: ReadLimits): Promise<string | undefined> {
  if (reply.body === null || reply.bodyUsed) return undefined
  if (Number(reply.headers.get('content-length') ?? 0) > limits.bytes) return undefined
  const chunks = await readUpTo(reply.clone().body, limits)
  return chunks && new Blob(chunks).text()
}

/**
 * Lets go of a reply that nobody will read. A short rest is read, since a cancelled body costs its connection; a long
 * or slow one is cancelled.
 */
export async function drain(reply: Response, limits: ReadLimits): Promise<void> {
  if (reply.body === null || reply.bodyUsed || reply.body.locked) return
  if (Number(reply.headers.get('content-length') ?? 0) > limits.bytes) await reply.body.cancel()
  else await readUpTo(reply.body, limits)
}

/** The chunks of a body, or undefined (and the body cancelled) if it passes a limit or fails. */
async function readUpTo(
  body: ReadableStream<Uint8Array<ArrayBuffer>> | null,
  limits: ReadLimits,
): Promise<Uint8Array<ArrayBuffer>[] | undefined> {
  if (body === null) return undefined
  const reader = body.getReader()
  const chunks: Uint8Array<ArrayBuffer>[] = []
  const reading = (async () => {
    let size = 0
    while (size <= limits.bytes) {
      const { done, value } = await reader.read()
      if (done) return 'whole'
      size += value.byteLength
      chunks.push(value)
    }
    return 'long'
  })().catch(ignore)
  if ((await within(reading, limits.patienceMs)) === 'whole') return chunks
  // Not waited for: one branch of a clone is cancelled only when both are.
  void reader.cancel().catch(ignore)
  return undefined
}

/** A body that fails while it is read has nothing to say, and one that is thrown away no longer matters. */
function ignore(): undefined {}

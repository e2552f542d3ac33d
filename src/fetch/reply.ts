import { type BodyLimits, drainBody, readText } from '../protocol/index.js'

/**
 * The text of a reply's body, read from a clone so that the reply stays readable. Undefined if it is longer than the
 * limit (after decompression), or not there in time: then it is not worth a payment's wait.
 */
export async function peekText(reply: Response, limits: BodyLimits): Promise<string | undefined> {
  if (reply.body === null || reply.bodyUsed) return undefined
  // A clone is a tee, which would have to be read to its end or cancelled.
  if (Number(reply.headers.get('content-length') ?? 0) > limits.bytes) return undefined
  const said = await readText(reply.clone(), limits)
  return 'text' in said ? said.text : undefined
}

/**
 * Lets go of a reply that nobody will read. A short rest is read, since a cancelled body costs its connection; a long
 * or slow one is cancelled.
 */
export async function drain(reply: Response, limits: BodyLimits): Promise<void> {
  if (!reply.bodyUsed) await drainBody(reply, limits)
}

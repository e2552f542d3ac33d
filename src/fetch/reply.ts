import { type BodyLimits, drainBody, readText } from '../protocol/index.js'

/**
 * Reads the text of a reply from a clone, so that the reply stays readable. Undefined if the text is longer than the
 * limit (after decompression) or too late.
 */
export async function peekText(reply: Response, limits: BodyLimits): Promise<string | undefined> {
  if (reply.body === null || reply.bodyUsed) return undefined
  // A clone is a tee, which would have to be read to its end or cancelled.
  if (Number(reply.headers.get('content-length') ?? 0) > limits.bytes) return undefined
  const said = await readText(reply.clone(), limits)
  return 'text' in said ? said.text : undefined
}

/**
 * Drops a reply. A short rest is read, because cancelling a body costs its connection; a long or slow rest is
 * cancelled.
 */
export async function drain(reply: Response, limits: BodyLimits): Promise<void> {
  if (!reply.bodyUsed) await drainBody(reply, limits)
}

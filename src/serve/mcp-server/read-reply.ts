/** The part of a reply's body that was read. */
export interface ReadReply {
  readonly bytes: Uint8Array
  /** Why the body is incomplete. Undefined if it is complete. */
  readonly cut?: 'size' | 'time' | 'failed' | undefined
}

/**
 * Reads a body up to a limit and returns all bytes that arrived. A paid body is useful even if its rest is missing.
 * `readBody` differs: it returns nothing then.
 *
 * @param untilMs - How long the reading may take. An event stream may never end.
 */
export async function readReply(
  body: ReadableStream<Uint8Array> | null,
  most: number,
  untilMs: number,
): Promise<ReadReply> {
  if (body === null) return { bytes: new Uint8Array() }
  const reader = body.getReader()
  const chunks: Uint8Array[] = []
  let size = 0
  let late = false
  const timer = setTimeout(() => {
    late = true
    void reader.cancel().catch(() => undefined)
  }, untilMs)
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return { bytes: Buffer.concat(chunks), cut: late ? 'time' : undefined }
      const rest = value.subarray(0, most - size)
      chunks.push(rest)
      size += rest.byteLength
      if (rest.byteLength < value.byteLength) {
        void reader.cancel().catch(() => undefined)
        return { bytes: Buffer.concat(chunks), cut: 'size' }
      }
    }
  } catch {
    return { bytes: Buffer.concat(chunks), cut: late ? 'time' : 'failed' }
  } finally {
    clearTimeout(timer)
  }
}

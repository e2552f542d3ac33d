import { promisify } from 'node:util'
import { brotliDecompress, unzip } from 'node:zlib'

const DECODERS = new Map([
  ['gzip', promisify<Uint8Array, Bounds, Buffer>(unzip)],
  ['x-gzip', promisify<Uint8Array, Bounds, Buffer>(unzip)],
  ['deflate', promisify<Uint8Array, Bounds, Buffer>(unzip)],
  ['br', promisify<Uint8Array, Bounds, Buffer>(brotliDecompress)],
])

interface Bounds {
  readonly maxOutputLength: number
}

/**
 * A body as text. undici hands bodies on as they were encoded: what `fetch` undoes above it is undone here for the
 * reading alone. Undefined if it is longer than the limit, is encoded in a way of its own, or broken.
 */
export async function textOf(
  body: Buffer,
  encoding: string | string[] | undefined,
  { bytes }: { readonly bytes: number },
): Promise<string | undefined> {
  const name = String(encoding ?? 'identity')
    .trim()
    .toLowerCase()
  if (name === 'identity' || name === '') return body.toString()
  try {
    const decoded = await DECODERS.get(name)?.(body, { maxOutputLength: bytes })
    return decoded?.toString()
  } catch {
    // A bomb, or no such encoding: either way it says nothing that is worth knowing.
    return undefined
  }
}

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
 * Reads a body as text. undici passes bodies on encoded, so this decodes a copy for reading. Undefined if the text is
 * longer than the limit, broken, or in an unknown encoding.
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
    // A decompression bomb, or an unknown encoding: nothing that is worth reading.
    return undefined
  }
}

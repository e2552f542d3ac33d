// Tables instead of `atob`, `btoa` and `Buffer`. Some runtimes lack them, some accept malformed input, and some are
// slow in Node 20.
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
const CODES = Uint8Array.from(ALPHABET, (char) => char.charCodeAt(0))
const NONE = 255
const VALUES = new Uint8Array(128).fill(NONE)
CODES.forEach((code, value) => {
  VALUES[code] = value
})

const ascii = new TextDecoder('latin1')

/**
 * Encodes bytes as base64url without padding (RFC 4648, section 5).
 *
 * @example
 * ```ts
 * encodeBase64url(new TextEncoder().encode('tea')) // 'dGVh'
 * ```
 */
export function encodeBase64url(bytes: Uint8Array): string {
  const out = new Uint8Array(Math.ceil((bytes.length * 4) / 3))
  let at = 0
  for (let i = 0; i < bytes.length; i += 3) {
    const group = (byteAt(bytes, i) << 16) | (byteAt(bytes, i + 1) << 8) | byteAt(bytes, i + 2)
    // The last group may be short: typed arrays ignore writes beyond their end.
    out[at++] = byteAt(CODES, group >> 18)
    out[at++] = byteAt(CODES, (group >> 12) & 63)
    out[at++] = byteAt(CODES, (group >> 6) & 63)
    out[at++] = byteAt(CODES, group & 63)
  }
  return ascii.decode(out)
}

/**
 * Normalises any spelling of base64 (either alphabet, padded or not, surrounding spaces) to base64url without padding.
 */
export function asBase64url(text: string): string {
  return text
    .trim()
    .replace(/={1,2}$/, '')
    .replaceAll('+', '-')
    .replaceAll('/', '_')
}

/** Encodes bytes as base64 with padding (RFC 4648, section 4). */
export function encodeBase64(bytes: Uint8Array): string {
  const text = encodeBase64url(bytes).replaceAll('-', '+').replaceAll('_', '/')
  return text.padEnd(Math.ceil(text.length / 4) * 4, '=')
}

/**
 * Decodes base64url.
 *
 * @returns Undefined unless the text is exactly the output of {@link encodeBase64url}: no padding (the core draft
 *   forbids it), no `+` or `/`, no whitespace, no stray bits at the end.
 * @example
 * ```ts
 * const bytes = decodeBase64url('dGVh') // undefined for any other spelling
 * ```
 */
export function decodeBase64url(text: string): Uint8Array | undefined {
  const { length } = text
  if (length % 4 === 1) return undefined
  const out = new Uint8Array(Math.floor((length * 3) / 4))
  let at = 0
  let bits = 0
  let pending = 0
  for (let i = 0; i < length; i++) {
    const code = text.charCodeAt(i)
    const value = code < 128 ? byteAt(VALUES, code) : NONE
    if (value === NONE) return undefined
    pending = (pending << 6) | value
    bits += 6
    if (bits < 8) continue
    bits -= 8
    out[at++] = pending >> bits
    pending &= (1 << bits) - 1
  }
  return pending === 0 ? out : undefined
}

function byteAt(bytes: Uint8Array, index: number): number {
  return bytes[index] ?? 0
}

/**
 * A random UUID (version 4). Pages over plain http and React Native's polyfills often have `crypto.getRandomValues` alone.
 *
 * @throws TypeError if the runtime has no `crypto`.
 */
export function randomId(): string {
  if (typeof crypto !== 'object')
    throw new TypeError(
      'This runtime has no `crypto.getRandomValues`, from which Purser makes its ids. Import a package that provides it first.',
    )
  if (typeof crypto.randomUUID === 'function') return crypto.randomUUID()
  const hex = Array.from(crypto.getRandomValues(new Uint8Array(16)), toHex).join('')
  // RFC 9562, section 5.4: the version and the variant have places of their own.
  const variant = '89ab'.charAt(Number.parseInt(hex.charAt(16), 16) % 4)
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20)}`
}

function toHex(byte: number): string {
  return byte.toString(16).padStart(2, '0')
}

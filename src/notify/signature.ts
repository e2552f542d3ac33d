import { hmac } from '@noble/hashes/hmac.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js'

/** The header of the signature, in a message and in a reply. */
export const SIGNATURE_HEADER = 'purser-signature'

/** Returns the signature header of a message: `t=1764547200,v1=…`, with the HMAC-SHA256 of the time, a dot and the body. */
export function messageSignature(secret: string, body: string, now: number): string {
  const time = Math.floor(now / 1000)
  return `t=${time},v1=${hmacOf(secret, [time, body])}`
}

/**
 * Checks the signature header of a reply: `v1=…`, with the HMAC-SHA256 of the id of the question, a dot, the hash of its
 * terms, a dot and the body. So a reply to one question answers no other one.
 */
export function isReplySignature(
  header: string | null,
  secret: string,
  { id, termsHash }: { readonly id: string; readonly termsHash: string },
  body: string,
): boolean {
  return equal(header ?? '', `v1=${hmacOf(secret, [id, termsHash, body])}`)
}

function hmacOf(secret: string, parts: readonly (string | number)[]): string {
  return bytesToHex(hmac(sha256, utf8ToBytes(secret), utf8ToBytes(parts.join('.'))))
}

/** Compares two texts in a time that depends only on their lengths. */
function equal(one: string, other: string): boolean {
  if (one.length !== other.length) return false
  let difference = 0
  for (let at = 0; at < one.length; at++) difference |= one.charCodeAt(at) ^ other.charCodeAt(at)
  return difference === 0
}

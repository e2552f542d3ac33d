import { asBase64url, encodeBase64url } from './base64url.js'

const ALGORITHMS: ReadonlyMap<string, string> = new Map([
  ['sha-256', 'SHA-256'],
  ['sha-512', 'SHA-512'],
])

/**
 * Compares the `digest` of a challenge with a request body. It accepts one digest or a list, in the form of RFC 9530
 * (`sha-256=:…:`) and in the form that servers write (`sha-256=…`). All digests of known algorithms must match.
 *
 * @param digest - The challenge's `digest`, as received.
 * @param body - The bytes of the request body.
 * @returns `unsupported` if the challenge names no known algorithm.
 * @example
 * ```ts
 * await digestMatches('sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:', new Uint8Array()) // 'match'
 * ```
 */
export async function digestMatches(
  digest: string,
  body: Uint8Array,
): Promise<'match' | 'mismatch' | 'unsupported'> {
  const claimed = readMembers(digest)
  if (claimed.size === 0) return 'unsupported'
  // A copy, because Web Crypto does not accept views on shared memory.
  const bytes = new Uint8Array(body)
  for (const [algorithm, values] of claimed) {
    const actual = encodeBase64url(new Uint8Array(await crypto.subtle.digest(algorithm, bytes)))
    if (![...values].every((value) => value === actual)) return 'mismatch'
  }
  return 'match'
}

/** Returns the distinct values of each known algorithm, in one spelling. */
function readMembers(digest: string): ReadonlyMap<string, ReadonlySet<string>> {
  const members = new Map<string, Set<string>>()
  for (const member of digest.split(',')) {
    const cut = member.indexOf('=')
    const algorithm = ALGORITHMS.get(member.slice(0, Math.max(cut, 0)).trim().toLowerCase())
    if (algorithm === undefined) continue
    const values = members.get(algorithm) ?? new Set()
    const value = member.slice(cut + 1).trim()
    members.set(algorithm, values.add(asBase64url(/^:(.*):$/.exec(value)?.[1] ?? value)))
  }
  return members
}

import { encodeBase64url } from './base64url.js'

const ALGORITHMS: ReadonlyMap<string, string> = new Map([
  ['sha-256', 'SHA-256'],
  ['sha-512', 'SHA-512'],
])

/**
 * Checks whether a challenge's `digest` describes this body. Accepts the form of RFC 9530 (`sha-256=:…:`) and the form
 * that servers write (`sha-256=…`), one or several. All digests of known algorithms must match.
 *
 * @returns `unsupported` if no algorithm is known.
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
    members.set(algorithm, values.add(normalise(member.slice(cut + 1).trim())))
  }
  return members
}

function normalise(value: string): string {
  const inner = /^:(.*):$/.exec(value)?.[1] ?? value
  return inner
    .replace(/={0,2}$/, '')
    .replaceAll('+', '-')
    .replaceAll('/', '_')
}

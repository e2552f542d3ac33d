import type { Resource } from '../protocol/index.js'

/**
 * Sequences that a server may decode into a slash, a backslash or a dot segment after Purser has matched the encoded
 * path.
 */
const DISGUISED = /%(?:25)*(?:2f|5c|2e|00)|(?:^|\/)\.{1,2};/i

/** Tells whether a server could read this path differently than Purser. Such a path matches no pattern. */
export function isDisguised(path: string): boolean {
  return DISGUISED.test(path)
}

/**
 * Parses a path pattern such as `/v1/**`. A result that starts with `!` is an error text that says how to fix the
 * pattern.
 */
export function readPath(text: string): string {
  if (!text.startsWith('/')) return '!a path starts with a slash: write it like /v1/**'
  if (/[?#\s\\]/.test(text)) return '!a path has no query, fragment, space or backslash: write only the path'
  if (isDisguised(text)) return '!a path has no encoded slash, backslash or dot: write it plainly'
  const segments = text.split('/')
  if (segments.some((segment) => segment === '.' || segment === '..'))
    return '!a path has no dot segments: write the resolved path'
  if (segments.some((segment) => segment.includes('*') && segment !== '*' && segment !== '**'))
    return '!`*` stands for one whole segment and `**` for any number of them: write it like /v1/*/items'
  return encodePath(text)
}

/** Encodes a path as WHATWG URLs do, so that patterns and request paths compare as text. */
function encodePath(path: string): string {
  return new URL(`https://path.invalid${path}`).pathname
}

/**
 * Tells whether a path matches a pattern. `*` matches one non-empty segment, `**` any number of segments. Case and
 * percent-encoding matter.
 */
export function matchesPath(pattern: string, path: string): boolean {
  const wanted = pattern.split('/')
  const given = path.split('/')
  let [w, g, star, resume] = [0, 0, -1, 0]
  while (g < given.length) {
    const want = wanted[w]
    if (want === '**') {
      star = w++
      resume = g
    } else if (want !== undefined && (want === '*' ? given[g] !== '' : want === given[g])) {
      w++
      g++
    } else if (star >= 0) {
      // Let the last `**` match one more segment.
      w = star + 1
      g = ++resume
    } else return false
  }
  while (wanted[w] === '**') w++
  return w === wanted.length
}

const IDENTIFIER = [
  /^\d[\d.,:_-]*$/,
  /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i,
  /^(?:0x)?(?=[0-9a-f]*\d)[0-9a-f]{8,}$/i,
  // Long tokens of letters and digits, with or without a short prefix: `cus_9s6XKzkNRiz8i3`.
  /^(?:[a-z]{1,8}[_-])?(?=[\w-]*\d)(?=[\w-]*[a-z])[\w-]{16,}$/i,
]

/**
 * Returns the operation under which a price is remembered. Path segments that look like ids become `*`, so that all
 * calls of one endpoint share their prices.
 *
 * @example
 * ```ts
 * operationPattern(resource) // 'GET /v1/items/*'
 * ```
 */
export function operationPattern(resource: Resource): string {
  if (resource.transport !== 'http') return resource.operation
  return `${resource.method} ${pathPattern(resource.path)}`
}

/** A cache: a path always gives the same pattern, and every payment needs it twice. */
const known = new Map<string, string>()
const MOST_KNOWN = 256
const LONGEST_KNOWN = 1024

function pathPattern(path: string): string {
  const before = known.get(path)
  if (before !== undefined) return before
  const segments = path.split('/').map((one) => (IDENTIFIER.some((id) => id.test(one)) ? '*' : one))
  const pattern = segments.join('/')
  if (path.length > LONGEST_KNOWN) return pattern
  if (known.size >= MOST_KNOWN) known.clear()
  known.set(path, pattern)
  return pattern
}

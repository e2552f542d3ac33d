import type { Instant } from '../../money/index.js'
import { parseChallenges, parseReceipt, type Reading } from '../../protocol/index.js'
import { type Head, isRedirect } from '../head.js'

/** What a reply's head says about money; `asks` still lacks where it came from. */
export type HeadReading =
  | Omit<Extract<Reading, { kind: 'asks' }>, 'at'>
  | Exclude<Reading, { readonly kind: 'asks' }>

/**
 * Reads a reply's head.
 *
 * @param url Where the reply came from: a relative `Location` stands on it.
 */
export function readHead(head: Head, url: string, now: () => Instant): HeadReading {
  const said = head.header('payment-receipt')
  const receipt = said === undefined ? undefined : parseReceipt(said)
  const more = receipt ? { receipt } : {}
  const location = head.header('location')
  if (isRedirect(head.status) && location !== undefined) {
    const to = URL.canParse(location, url) ? new URL(location, url).href : undefined
    return { kind: 'moved', ...(to === undefined ? {} : { to }), ...more }
  }
  if (head.status === 402) {
    const { challenges } = parseChallenges(head.header('www-authenticate') ?? '')
    return { kind: 'asks', offers: challenges, ...more }
  }
  const retryAt = retryAtOf(head, now)
  const ok = head.status >= 200 && head.status < 300
  return {
    kind: 'answers',
    ok,
    status: head.status,
    ...more,
    ...(retryAt === undefined ? {} : { retryAt }),
  }
}

/** `Retry-After` as a moment (RFC 9110, section 10.2.3): seconds, or a date. */
function retryAtOf(head: Head, now: () => Instant): Instant | undefined {
  const said = head.header('retry-after')?.trim()
  if (said === undefined) return undefined
  if (/^\d{1,9}$/.test(said)) return now() + Number(said) * 1000
  const at = Date.parse(said)
  return Number.isNaN(at) ? undefined : at
}

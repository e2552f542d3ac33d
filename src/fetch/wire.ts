import { PaymentError } from '../errors/index.js'
import type { Instant } from '../money/index.js'
import type { RefusalProblem } from '../pay/index.js'
import {
  type Challenge,
  digestMatches,
  parseChallenges,
  parseReceipt,
  type Reading,
} from '../protocol/index.js'

/** The head of an HTTP reply, however the transport holds it. */
export interface Head {
  readonly status: number
  header(name: string): string | undefined
}

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

/** Statuses that `fetch` follows. */
export function isRedirect(status: number): boolean {
  return status === 301 || status === 302 || status === 303 || status === 307 || status === 308
}

/** Does a redirect with this status turn the method into GET, and drop the body? (Fetch, HTTP-redirect fetch, 12) */
export function becomesGet(status: number, method: string): boolean {
  if (status === 303) return method !== 'GET' && method !== 'HEAD'
  return (status === 301 || status === 302) && method === 'POST'
}

/** A problem worth reading stands in a short JSON body. */
export function mayHoldProblem(head: Head): boolean {
  return head.status >= 400 && /[/+]json\b/i.test(head.header('content-type') ?? '')
}

/** `Retry-After` as a moment (RFC 9110, section 10.2.3): seconds, or a date. */
function retryAtOf(head: Head, now: () => Instant): Instant | undefined {
  const said = head.header('retry-after')?.trim()
  if (said === undefined) return undefined
  if (/^\d{1,9}$/.test(said)) return now() + Number(said) * 1000
  const at = Date.parse(said)
  return Number.isNaN(at) ? undefined : at
}

/** What a request says about itself that a credential must get along with. */
export interface Carrier {
  /** The caller's own Authorization. */
  readonly authorization: string | undefined
  readonly replacesAuthorization: boolean
  /** The body's bytes; undefined for a form, whose bytes are new with every send. */
  readonly body: Uint8Array<ArrayBuffer> | undefined
}

/** Header lines beyond this are refused by common servers and proxies. */
const MOST_HEADER = 8 * 1024
/** What a wallet's part of a credential comes to at the most, by experience: a sponsored transaction with splits. */
const PAYLOAD_RESERVE = 1536

/**
 * Can a credential for this challenge travel with this request? Asked before anything is signed.
 *
 * @throws PaymentError `credential_too_large`, `authorization_taken`, `digest_mismatch`
 */
export async function checkCarrier(challenge: Challenge, carrier: Carrier): Promise<void> {
  const { params, header } = challenge.echo
  const json = new TextEncoder().encode(JSON.stringify(params)).byteLength + PAYLOAD_RESERVE
  if (Math.ceil((json * 4) / 3) > MOST_HEADER) {
    throw new PaymentError(
      'credential_too_large',
      'untouched',
      'The offer is so long that a credential for it would not fit into a request header.',
    )
  }
  const taken = carrier.authorization !== undefined && !/^payment\s/i.test(carrier.authorization)
  if (header === 'authorization' && taken && !carrier.replacesAuthorization) {
    throw new PaymentError(
      'authorization_taken',
      'untouched',
      'The request carries an Authorization of its own, and the offer wants its credential in the same header.',
    )
  }
  if (challenge.digest === undefined) return
  const verdict = carrier.body ? await digestMatches(challenge.digest, carrier.body) : 'mismatch'
  if (verdict === 'mismatch') {
    throw new PaymentError(
      'digest_mismatch',
      'untouched',
      'The offer is bound to a body other than the one that would be sent again.',
    )
  }
}

/** A refusal as an HTTP reply. SDKs that retry are told not to: the answer would be the same. */
export function refusalReply(problem: RefusalProblem): {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
} {
  return {
    status: 402,
    headers: {
      'content-type': 'application/problem+json',
      'cache-control': 'no-store',
      'x-should-retry': 'false',
    },
    body: JSON.stringify({ ...problem, status: 402 }, (_, value: unknown) =>
      typeof value === 'bigint' ? value.toString() : value,
    ),
  }
}

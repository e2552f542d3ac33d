import * as z from 'zod/mini'
import type { Evidence } from '../../ledger/index.js'
import type { Currency, Instant } from '../../money/index.js'
import type { Json, OfferKind } from '../../protocol/index.js'
import { currency, reader, toJson, tolerant } from '../evidence.js'
import { readMetadata } from './charge.js'
import { isTokenId } from './token.js'

export const KIND: OfferKind = 'stripe/charge'

const metadata = z.transform((value, { issues }) => {
  const read = readMetadata(value)
  if (read !== null) return read
  issues.push({ code: 'custom', input: value })
  return z.NEVER
})

/** The request to Stripe, so that exactly the same request can be repeated, and the token that it returned. */
const detail = z.object({
  /** Stripe's idempotency key. All requests with this key together create at most one token. */
  key: z.string(),
  live: z.boolean(),
  /** In the currency's smallest unit. */
  amount: z.string().check(z.regex(/^[1-9]\d*$/)),
  /** The complete currency, so that any process can count the charged amount. */
  currency,
  seller: z.string(),
  /** In seconds. Stripe charges no token after its expiry. */
  expiresAt: z.number(),
  metadata: z.optional(metadata),
  /** Stored on disk before the token is sent. A missing token proves nothing, because a ledger may be an old copy. */
  token: z.optional(z.custom<string>(isTokenId)),
  /** Set if the token waited for a person when it was last read. */
  waits: z.optional(z.literal(true)),
})
export type Detail = Readonly<z.output<typeof detail>>

/** The possible difference between the local clock and Stripe's. */
const SLACK_MS = 60_000
/** The time until the first check. A charge takes a second or two. */
const FIRST_LOOK_MS = 5_000

/** Returns the currency's code as Stripe writes it: three letters, lower case. */
export function codeOf({ id }: Currency): string {
  return id.slice(id.indexOf(':') + 1).toLowerCase()
}

/** Returns the time at which the token has expired, by the local clock. It schedules checks and proves nothing. */
export function endOf({ expiresAt }: Pick<Detail, 'expiresAt'>): Instant {
  return expiresAt * 1000 + SLACK_MS
}

/**
 * Stripe remembers an idempotency key for at least 24 hours. The request was made at most one hour before the token's
 * expiry, by the local clock; the rest is a margin for a wrong clock.
 */
const KEY_LIVES_MS = 12 * 3_600_000

/** Returns the time, by Stripe's clock, until which Stripe surely remembers this key. */
export function keyKnownUntil({ expiresAt }: Pick<Detail, 'expiresAt'>): Instant {
  return expiresAt * 1000 + KEY_LIVES_MS
}

/** Creates the evidence for the ledger. It names the token, which only the token's seller can charge. */
export function evidenceOf(wallet: string, challengeId: string, detail: Detail, now: Instant): Evidence {
  const { key, token } = detail
  const refs = [challengeId, key, ...(token === undefined ? [] : [token])]
  return { wallet, kind: KIND, refs, recheckAt: now + FIRST_LOOK_MS, detail: toJson(detail) }
}

/** Reads evidence from the ledger. Undefined if it belongs to another wallet or is damaged. */
export const readDetail: (json: Json) => Detail | undefined = reader(tolerant(detail, ['waits']))

import * as z from 'zod/mini'
import type { Evidence } from '../../ledger/index.js'
import type { Currency, Instant } from '../../money/index.js'
import type { Json, OfferKind } from '../../protocol/index.js'
import { currency, reader, toJson, tolerant } from '../evidence.js'
import { readMetadata } from './charge.js'
import { isTokenId } from './token.js'

/** The one kind of offer this wallet pays. */
export const KIND: OfferKind = 'stripe/charge'

const metadata = z.transform((value, { issues }) => {
  const read = readMetadata(value)
  if (read !== null) return read
  issues.push({ code: 'custom', input: value })
  return z.NEVER
})

/** What was asked of Stripe, so that exactly the same can be asked again, and the token it led to. */
const detail = z.object({
  /** Stripe's idempotency key: it names one token at the most, whoever asks, and however often. */
  key: z.string(),
  live: z.boolean(),
  /** In the currency's smallest part. */
  amount: z.string().check(z.regex(/^[1-9]\d*$/)),
  /** Complete, so that any process can count how much was taken. */
  currency,
  seller: z.string(),
  /** Seconds. Stripe charges no token after its end. */
  expiresAt: z.number(),
  metadata: z.exactOptional(metadata),
  /** Written down durably before the token can leave. Its absence proves nothing: a ledger may be an old copy. */
  token: z.exactOptional(z.custom<string>(isTokenId)),
  /** It waited for a person when it was last seen. */
  waits: z.exactOptional(z.literal(true)),
})
export type Detail = Readonly<z.output<typeof detail>>

/** Our clock against Stripe's. */
const SLACK_MS = 60_000
/** When looking first brings news: a charge takes a second or two. */
const FIRST_LOOK_MS = 5_000

/** As Stripe writes it: three letters, lower case. */
export function codeOf({ id }: Currency): string {
  return id.slice(id.indexOf(':') + 1).toLowerCase()
}

/** When the token has run out, by our clock: good for deciding when to look, and no proof of anything. */
export function endOf({ expiresAt }: Pick<Detail, 'expiresAt'>): Instant {
  return expiresAt * 1000 + SLACK_MS
}

/**
 * Stripe remembers a request by its idempotency key for 24 hours at the least. The request was made at most an hour before
 * the token's end, by our clock; the rest is room for a clock that is wrong.
 */
const KEY_LIVES_MS = 12 * 3_600_000

/** Until when, by Stripe's clock, Stripe surely knows whether this key has made a token. */
export function keyKnownUntil({ expiresAt }: Pick<Detail, 'expiresAt'>): Instant {
  return expiresAt * 1000 + KEY_LIVES_MS
}

/** Evidence for the ledger. It names the token; only the seller it was made for can charge it. */
export function evidenceOf(wallet: string, challengeId: string, detail: Detail, now: Instant): Evidence {
  const { key, token } = detail
  const refs = [challengeId, key, ...(token === undefined ? [] : [token])]
  return { wallet, kind: KIND, refs, recheckAt: now + FIRST_LOOK_MS, detail: toJson(detail) }
}

/** Reads evidence back, as a ledger returns it. Undefined: it is not of this wallet, or damaged. */
export const readDetail: (json: Json) => Detail | undefined = reader(tolerant(detail, ['waits']))

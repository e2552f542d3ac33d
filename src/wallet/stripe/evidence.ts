import type { Evidence } from '../../ledger/index.js'
import type { Currency, Instant } from '../../money/index.js'
import type { Json, JsonObject, OfferKind } from '../../protocol/index.js'
import { isObject, readMetadata } from './charge.js'
import { isTokenId } from './token.js'

/** The one kind of offer this wallet pays. */
export const KIND: OfferKind = 'stripe/charge'

/** What was asked of Stripe, so that exactly the same can be asked again, and the token it led to. */
export interface Detail {
  /** Stripe's idempotency key: it names one token at the most, whoever asks, and however often. */
  readonly key: string
  readonly live: boolean
  /** In the currency's smallest part. */
  readonly amount: string
  /** Whole, so that any process can count what was taken. */
  readonly currency: Currency
  readonly seller: string
  /** Seconds. Stripe charges no token after its end. */
  readonly expiresAt: number
  readonly metadata?: Readonly<Record<string, string>>
  /** Written down durably before the token can leave. That it is absent proves nothing: a ledger may be an old copy. */
  readonly token?: string
  /** It waited for a person when it was last seen. */
  readonly waits?: true
}

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
  const { key, token, metadata, currency, ...rest } = detail
  const json: JsonObject = {
    key,
    ...rest,
    currency: { ...currency },
    ...(metadata === undefined ? {} : { metadata: { ...metadata } }),
    ...(token === undefined ? {} : { token }),
  }
  const refs = [challengeId, key, ...(token === undefined ? [] : [token])]
  return { wallet, kind: KIND, refs, recheckAt: now + FIRST_LOOK_MS, detail: json }
}

/** Reads evidence back, as a ledger returns it. Undefined: it is not of this wallet, or damaged. */
export function readDetail(json: Json): Detail | undefined {
  if (!isObject(json)) return undefined
  const { key, live, amount, seller, expiresAt, token } = json
  if (typeof key !== 'string' || typeof live !== 'boolean' || typeof seller !== 'string') return undefined
  const currency = readCurrency(json['currency'])
  if (typeof amount !== 'string' || !/^[1-9]\d*$/.test(amount) || currency === undefined) return undefined
  if (typeof expiresAt !== 'number' || (token !== undefined && !isTokenId(token))) return undefined
  const metadata = json['metadata'] === undefined ? undefined : readMetadata(json['metadata'])
  if (metadata === null) return undefined
  return {
    ...{ key, live, amount, currency, seller, expiresAt },
    ...(metadata === undefined ? {} : { metadata }),
    ...(token === undefined ? {} : { token }),
    ...(json['waits'] === true ? { waits: true } : {}),
  }
}

function readCurrency(value: Json | undefined): Currency | undefined {
  if (!isObject(value)) return undefined
  const { id, symbol, decimals, peg } = value
  if (typeof id !== 'string' || typeof symbol !== 'string' || typeof decimals !== 'number') return undefined
  return { id, symbol, decimals, ...(typeof peg === 'string' ? { peg } : {}) }
}

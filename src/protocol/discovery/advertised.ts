import type { OfferKind } from '../types.js'

/** An offer as a discovery document has it. Advice: the 402 decides (draft-payment-discovery, section 5). */
export interface AdvertisedOffer {
  readonly kind: OfferKind
  /** In the currency's smallest part. Undefined: the price depends on the request. */
  readonly amount?: bigint
  /** As the document spells it: a token's address, a code of ISO 4217, `sat`. */
  readonly currency?: string
  /** CAIP-2, where the document says it. */
  readonly network?: string
  readonly payee?: string
  /** Is the amount the price, and not only a ceiling or the price of one unit? */
  readonly exact: boolean
  /** The server's words, cleaned. */
  readonly words?: string
}

/** Something that is sold at an origin. */
export interface AdvertisedOperation {
  /** `GET`, `POST`, … */
  readonly method: string
  /** As the document spells it, with parameters in braces: `/v1/items/{id}`. */
  readonly path: string
  /** The server's words, cleaned. */
  readonly summary?: string
  readonly offers: readonly AdvertisedOffer[]
}

/** What a discovery document says, bounded and cleaned. */
export interface Advertised {
  readonly title?: string
  readonly categories: readonly string[]
  readonly docs: Readonly<Partial<Record<'apiReference' | 'homepage' | 'llms', string>>>
  readonly operations: readonly AdvertisedOperation[]
}

/** How much of a document is kept. */
export const MOST = Object.freeze({ operations: 1000, offers: 16, categories: 32, path: 512 })

import type { OfferKind } from '../types.js'

/** An offer in a discovery document. It is only a hint: the 402 decides (draft-payment-discovery, section 5). */
export interface AdvertisedOffer {
  readonly kind: OfferKind
  /** The price in the currency's smallest unit. Undefined if the price depends on the request. */
  readonly amount?: bigint
  /** The currency as the document spells it: a token's address, an ISO 4217 code, `sat`. */
  readonly currency?: string
  /** The CAIP-2 network, if the document names one. */
  readonly network?: string
  readonly payee?: string
  /** True if the amount is the price; false if it is a maximum or the price of one unit. */
  readonly exact: boolean
  /** The server's words, cleaned. */
  readonly words?: string
}

/** An operation that an origin sells. */
export interface AdvertisedOperation {
  /** `GET`, `POST`, … */
  readonly method: string
  /** The path as the document spells it, with parameters in braces: `/v1/items/{id}`. */
  readonly path: string
  /** The server's words, cleaned. */
  readonly summary?: string
  readonly offers: readonly AdvertisedOffer[]
}

/** The contents of a discovery document, bounded and cleaned. */
export interface Advertised {
  readonly title?: string
  readonly categories: readonly string[]
  readonly docs: Readonly<Partial<Record<'apiReference' | 'homepage' | 'llms', string>>>
  readonly operations: readonly AdvertisedOperation[]
}

/** The limits for one document. */
export const MOST = Object.freeze({ operations: 1000, offers: 16, categories: 32, path: 512 })

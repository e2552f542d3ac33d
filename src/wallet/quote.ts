import type { PaymentError } from '../errors/index.js'
import type { Channels, Evidence, LaneGrant, LaneRequest } from '../ledger/index.js'
import type { CurrencyTable, Instant } from '../money/index.js'
import type { Bounds, Terms } from '../policy/index.js'
import type { Challenge, JsonObject, Resource } from '../protocol/index.js'

/** An offer as one wallet would pay it. Frozen, so that the signed terms are the judged terms. */
export interface Quote {
  readonly wallet: string
  readonly challenge: Challenge
  readonly resource: Resource
  readonly terms: Terms
  /** The payment's lane. Payments on one lane run one after the other. */
  readonly lane?: LaneRequest
  /**
   * Set if this credential replaces an earlier one and so excludes it. It must use exactly this lane value, even if the
   * ledger would grant another one.
   */
  readonly replaces?: LaneGrant
  /** The time until which a credential for this quote could be accepted. */
  readonly goodUntil?: Instant
}

/** The reason why a wallet cannot pay an offer. */
export interface Unpayable {
  readonly unpayable: string
  readonly code?: PaymentError['code']
  /** Set if only an earlier credential prevents the payment: the time when that credential expires. */
  readonly earlierExpiresAt?: Instant
}

/** The data for reading an offer. */
export interface QuoteContext {
  readonly resource: Resource
  readonly bounds: Bounds
  readonly now: Instant
  /** The ledger's id, for naming lanes. */
  readonly ledger: string
  /** The known currencies. Decimals come from here, never from a challenge. */
  readonly currencies: CurrencyTable
  /** The store of channels, for wallets that use them. */
  readonly channels: Channels
  /** The amount that a metered reply asks for. It is bounded by the price and never trusted. */
  readonly meterClaims?: JsonObject
  /**
   * Set if an earlier credential of this payment may still settle. The wallet must quote only a credential that
   * excludes it, or say when it expires.
   */
  readonly earlierEvidence?: Evidence
}

import type { PaymentError } from '../errors/index.js'
import type { Channels, Evidence, LaneGrant, LaneRequest } from '../ledger/index.js'
import type { CurrencyTable, Instant } from '../money/index.js'
import type { Bounds, Terms } from '../policy/index.js'
import type { Challenge, JsonObject, Resource } from '../protocol/index.js'

/** An offer as one wallet would pay it. Frozen: what is judged is what is signed. */
export interface Quote {
  readonly wallet: string
  readonly challenge: Challenge
  readonly resource: Resource
  readonly terms: Terms
  /** Payments on one lane go one at a time. */
  readonly lane?: LaneRequest
  /**
   * Set where this credential excludes an earlier one by taking its place: it may run there and nowhere else, whatever
   * the ledger grants.
   */
  readonly replaces?: LaneGrant
  /** Until when a credential for it could still be accepted. */
  readonly goodUntil?: Instant
}

/** Why a wallet cannot pay an offer. */
export interface Unpayable {
  readonly unpayable: string
  readonly code?: PaymentError['code']
  /** Only because an earlier credential is still alive: it dies then. */
  readonly earlierExpiresAt?: Instant
}

/** What a wallet is told when it reads an offer. */
export interface QuoteContext {
  readonly resource: Resource
  readonly bounds: Bounds
  readonly now: Instant
  /** The ledger's id, for naming lanes. */
  readonly ledger: string
  /** What is known of currencies: decimals come from here, never from a challenge. */
  readonly currencies: CurrencyTable
  /** Where wallets of channels keep them. */
  readonly channels: Channels
  /** What a metered reply says it needs: bounded by the price, never believed. */
  readonly meterClaims?: JsonObject
  /** An earlier credential of this payment may still settle: quote only what excludes it, or say when it dies. */
  readonly earlierEvidence?: Evidence
}

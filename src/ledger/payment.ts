import type { NextAction, Reason, Rejection } from '../errors/index.js'
import type { Amount, Instant, Units } from '../money/index.js'
import type { Context, Decision, Terms } from '../policy/index.js'
import type { Json, OfferKind, Receipt, Resource } from '../protocol/index.js'

declare const brand: unique symbol
/** The ledger's id of one payment. */
export type PaymentId = string & { readonly [brand]?: 'payment' }

/** What can later prove what became of a credential, without being one. Serializable and free of secrets. */
export interface Evidence {
  /** The wallet's stable id: another process with the same wallet can prove it too. */
  readonly wallet: string
  readonly kind: OfferKind
  /** Hashes, nonces, memos, token ids: what a search in a chain or a log finds it by. */
  readonly refs: readonly string[]
  /** When looking can first bring news. */
  readonly recheckAt?: Instant
  /** The wallet's own. Only `inspect` reads it. */
  readonly detail: Json
}

/** What a wallet found out about evidence. */
export type Verdict =
  /** Proven: OUR transfer. `amount` if less than agreed was taken; `fee` where it could be read. */
  | {
      readonly state: 'settled'
      readonly amount?: Amount
      readonly fee?: Amount
      readonly reference: string
      /** The lane's next value, where the credential ran on a lane. */
      readonly lane?: bigint
    }
  /** Proven: none moved, none can. A fee may have burnt all the same. */
  | { readonly state: 'void'; readonly fee?: Amount; readonly reason: string; readonly lane?: bigint }
  | {
      readonly state: 'pending'
      readonly recheckAt: Instant
      readonly reason: string
      /** It waits for a person, and is not abandoned meanwhile: what they must do, where that is known. */
      readonly person?: { readonly action?: NextAction }
      /** Nothing was taken, and another credential may take its place: the same purchase can go on with that. */
      readonly reusable?: true
      /** Taken for it already, however it ends. */
      readonly fee?: Amount
    }
  | { readonly state: 'unknown'; readonly reason: string; readonly fee?: Amount }

/** One credential of a payment. */
export interface Attempt {
  readonly challengeId: string
  readonly terms: Terms
  readonly evidence: Evidence
  readonly at: Instant
  readonly void?: string
}

/**
 * Where a payment stands. `committed` without a live owner is a doubt (`funds: 'unknown'`): derived, so that a crash
 * needs no further write to get there.
 */
export type PaymentState = 'denied' | 'held' | 'committed' | 'settled' | 'released'

/** The ledger's record of one purchase. */
export interface Payment {
  readonly id: PaymentId
  readonly state: PaymentState
  /** Does a live process work on it? */
  readonly live: boolean
  readonly context: Pick<Context, 'agent' | 'tasks' | 'tool'>
  readonly resource: Pick<Resource, 'transport' | 'vendor' | 'operation'>
  readonly fingerprint: string
  /** The caller's Idempotency-Key. */
  readonly key?: string
  readonly terms: Terms
  readonly policy: string
  readonly effect: Decision['effect']
  readonly reasons: readonly Reason[]
  readonly approvedBy?: string
  readonly attempts: readonly Attempt[]
  readonly receipts: readonly Receipt[]
  /** What it counts for now: held, or spent. */
  readonly units: Units
  /** The currency id that `units` are in: the unit of the policy that it was judged by. */
  readonly unit: string
  /** The price that moved, and the fee the chain took; the fee is absent while unread. */
  readonly spent?: Amount
  readonly fee?: Amount
  /** What is the settled state based on? */
  readonly proof?: 'receipt' | 'chain' | 'person'
  /** The receipt's or chain's reference. */
  readonly reference?: string
  /** Why it was denied or released. */
  readonly reason?: string
  /** How many refusals this record stands for. Absent for one. */
  readonly times?: number
  /**
   * Why the server did not take the latest credential, in its own words. Kept for people; it decides nothing. Absent once
   * the answer was delivered.
   */
  readonly rejection?: Rejection
  /**
   * True: the server has denied the session that this payment ran on, and nothing more is signed on it. If the caller sends the
   * same request again, Purser pays for it on another session, unless it comes under the same key. This payment counts until
   * the chain shows its end.
   */
  readonly repeatable?: boolean
  /** Money and delivery are two facts: settled and not delivered is the case that hurts. */
  readonly delivered: boolean
  /** When a doubt about it was first reported to a caller. */
  readonly reportedAt?: Instant
  readonly createdAt: Instant
  readonly updatedAt: Instant
  readonly recheckAt?: Instant
  /** Trace context of the call, where tracing was on: `traceparent`. */
  readonly trace?: string
}

/** Which payments to find; all that is given must hold. `from` is included, `to` is not. */
export interface PaymentQuery {
  readonly id?: PaymentId
  readonly key?: string
  readonly agent?: string
  readonly task?: string
  readonly vendor?: string
  readonly states?: readonly PaymentState[]
  readonly from?: Instant
  readonly to?: Instant
  readonly limit?: number
  /** Newest first is the default. */
  readonly order?: 'newest' | 'oldest'
}

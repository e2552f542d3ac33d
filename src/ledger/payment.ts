import type { NextAction, Reason, Rejection } from '../errors/index.js'
import type { Amount, Instant, Units } from '../money/index.js'
import type { Context, Decision, Terms } from '../policy/index.js'
import type { Json, OfferKind, Receipt, Resource } from '../protocol/index.js'

declare const brand: unique symbol
/** The ledger's id of a payment. */
export type PaymentId = string & { readonly [brand]?: 'payment' }

/**
 * Data that can later prove the outcome of a credential. It is not a credential, is serializable, and contains no
 * secrets.
 */
export interface Evidence {
  /** The wallet's stable id. Another process with the same wallet can prove the outcome too. */
  readonly wallet: string
  readonly kind: OfferKind
  /** Hashes, nonces, memos and token ids that find the payment in a chain or a log. */
  readonly refs: readonly string[]
  /** The first time at which a check can give a new result. */
  readonly recheckAt?: Instant
  /** Data of the wallet. Only `inspect` reads it. */
  readonly detail: Json
}

/** The result of a wallet's check of evidence. */
export type Verdict =
  /**
   * Proven: this wallet's transfer took place. `amount`: the taken amount, if it is less than agreed. `fee`: the fee,
   * if it could be read.
   */
  | {
      readonly state: 'settled'
      readonly amount?: Amount
      readonly fee?: Amount
      readonly reference: string
      /** The lane's next value, if the credential used a lane. */
      readonly lane?: bigint
    }
  /** Proven: no money moved, and none can move. A fee may have been burnt. */
  | { readonly state: 'void'; readonly fee?: Amount; readonly reason: string; readonly lane?: bigint }
  | {
      readonly state: 'pending'
      readonly recheckAt: Instant
      readonly reason: string
      /**
       * The payment waits for a person, and Purser does not abandon it. `action`: the step that the person must take,
       * if it is known.
       */
      readonly person?: { readonly action?: NextAction }
      /**
       * Nothing was taken, and another credential may replace this one. The same purchase can continue with that
       * credential.
       */
      readonly reusable?: true
      /** A fee that was already taken for it. It stays taken in every outcome. */
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
 * The state of a payment. `committed` without a live owner is a doubt (`funds: 'unknown'`). The ledger derives the
 * doubt, so a crash needs no further write to create it.
 */
export type PaymentState = 'denied' | 'held' | 'committed' | 'settled' | 'released'

/** The ledger's record of one purchase. */
export interface Payment {
  readonly id: PaymentId
  readonly state: PaymentState
  /** Whether a live process works on it. */
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
  /** The amount that it counts for now, held or spent. */
  readonly units: Units
  /** The currency id of `units`. It is the unit of the policy that judged the payment. */
  readonly unit: string
  /** The time of its latest authorization. Budgets count it in the window that contains this time. */
  readonly countedAt: Instant
  /** The price that was paid, and the fee that the chain took. The fee is absent until it is read. */
  readonly spent?: Amount
  readonly fee?: Amount
  /** The proof of the settled state. */
  readonly proof?: 'receipt' | 'chain' | 'person'
  /** The reference from the receipt or the chain. */
  readonly reference?: string
  /** The reason why it was denied or released. */
  readonly reason?: string
  /** The number of refusals in this record. Absent if there was one. */
  readonly times?: number
  /**
   * The server's own explanation why it did not accept the latest credential. It is kept for people and affects no
   * decision. Absent after the answer was delivered.
   */
  readonly rejection?: Rejection
  /**
   * True: the server has denied the session of this payment, and no wallet signs anything more on it. If the caller
   * sends the same request again, Purser pays for it on another session, unless it has the same key. This payment
   * counts until the chain shows its outcome.
   */
  readonly repeatable?: boolean
  /**
   * Whether the answer was delivered. Payment and delivery are separate facts. A payment that settled without delivery
   * is the worst case for the caller.
   */
  readonly delivered: boolean
  /** The time when a doubt about it was first reported to a caller. */
  readonly reportedAt?: Instant
  readonly createdAt: Instant
  readonly updatedAt: Instant
  readonly recheckAt?: Instant
  /** The trace context of the call (`traceparent`), if tracing was on. */
  readonly trace?: string
}

/** Selects payments. A payment must match all given fields. `from` is inclusive, `to` is exclusive. */
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
  /** The order of the payments. @default 'newest' */
  readonly order?: 'newest' | 'oldest'
}

import type { Rejection } from '../errors/index.js'
import type { Amount, Instant, Units } from '../money/index.js'
import type { Context, CounterClaim, Decision, Dimension, Facts, Grant, Terms } from '../policy/index.js'
import type { Receipt, Resource } from '../protocol/index.js'

import type { Channels } from './channel.js'
import type { ClockConfirmation } from './clock.js'
import type { FactsQuery } from './facts-query.js'
import type { Gaps } from './gaps.js'
import type { LedgerView, PinnedPayee, PinQuery } from './ledger-view.js'
import type { Attempt, Evidence, Payment, PaymentId, PaymentQuery, PaymentState } from './payment.js'

export type { FactsQuery, PurchaseQuery } from './facts-query.js'
export type { PinnedPayee, PinQuery } from './ledger-view.js'
export type {
  Attempt,
  Evidence,
  Payment,
  PaymentId,
  PaymentQuery,
  PaymentState,
  Verdict,
} from './payment.js'

/** A lane: payments on it go one at a time (a 2D nonce, a channel). Its value is the wallet's next step on it. */
export interface LaneGrant {
  readonly name: string
  readonly value: bigint
}

/** What a hold may need of lanes: the first free one of `names`, in that order. */
export interface LaneRequest {
  readonly names: readonly string[]
  /** The value that the quote rests on: where the lane has moved since, the hold answers `stale`. */
  readonly at?: bigint
  /** None free: `wait` answers `lane`, `go` holds without one. */
  readonly otherwise: 'wait' | 'go'
}

/** The one atomic step: all of it, or nothing. */
export interface Hold {
  /** Chosen by the caller. The same id again replaces the claims, so repeating is harmless. */
  readonly id: PaymentId
  readonly owner: string
  readonly context: Pick<Context, 'agent' | 'tasks' | 'tool'>
  readonly resource: Pick<Resource, 'transport' | 'vendor' | 'operation'>
  readonly fingerprint: string
  readonly key?: string
  /** `GET /v1/items/*`: the operation its price is remembered under. */
  readonly pattern: string
  readonly terms: Terms
  readonly decision: Decision
  /** Who said yes to an `ask`: a person, or the remembered approval. */
  readonly approvedBy?: string
  readonly lane?: LaneRequest
  /**
   * It waits for a person, and counts on no budget meanwhile: its counters must have room now, and it cannot be committed
   * before it is held once more without this.
   */
  readonly reserves?: 'nothing'
  readonly trace?: string
  /** How long an unreported twin stands in the way, in milliseconds (`doubtWindow`). */
  readonly doubtWindowMs: number
}

/** What a counter has and what is left of its limit: units for `spend` and `lock`, a number of `payments`. */
export interface Room {
  readonly claim: CounterClaim
  readonly spent: bigint
  readonly held: bigint
  /** Never below zero. */
  readonly remaining: bigint
}

/** What came of the one atomic step: all of it was taken, or nothing was, and why. */
export type HoldResult = (
  | { readonly ok: true; readonly payment: Payment; readonly lane?: LaneGrant }
  /** Every counter that is short, and what is left of it. */
  | {
      readonly ok: false
      readonly why: 'short'
      readonly short: readonly Pick<Room, 'claim' | 'remaining'>[]
    }
  /** Key taken, a twin in doubt, or paid and not delivered. `conflict`: same key, other fingerprint. */
  | { readonly ok: false; readonly why: 'taken' | 'conflict'; readonly by: Payment }
  /** Clock or facts moved: judge again. */
  | { readonly ok: false; readonly why: 'stale' }
  /** Every lane is busy. */
  | { readonly ok: false; readonly why: 'lane' }
  | { readonly ok: false; readonly why: 'frozen'; readonly reason: string }
) & {
  /** Holds of dead processes that this step released to make room. None unless given. */
  readonly ended?: readonly Payment[]
}

/** A guarded step of the state machine. */
export type Move =
  /** From held; from committed as a further attempt with terms no worse. Pins payees in the same step. */
  | {
      readonly to: 'committed'
      readonly attempt: Omit<Attempt, 'at' | 'void'>
      readonly pin: boolean
      /** May payees beyond the pinned ones be added? Only where a person approved them. */
      readonly widenPin: boolean
      /**
       * The value its lane takes in the same step, whatever becomes of the attempt: what was signed on a lane of running
       * totals stays signed. Such a lane is free for others as soon as nobody works on the payment.
       */
      readonly signed?: bigint
    }
  /**
   * Committed: more is known about an attempt than its commit said, such as the id of a token. It is on the disk before
   * this is answered, so that what rests on it may leave. Refused if the attempt is proven void, or is not the last one.
   *
   * `attempt`: its place among the attempts; the last one unless given.
   */
  | { readonly to: 'evidence'; readonly evidence: Evidence; readonly attempt?: number }
  /**
   * Committed: an attempt is proven void; its burnt fee counts. `lane`: the lane's value after it. `evidence`: what that
   * rests on, where more may have been learned meanwhile; with other evidence, it is not proven.
   */
  | {
      readonly to: 'voided'
      readonly attempt: number
      readonly reason: string
      readonly evidence?: Evidence
      readonly fee?: Amount
      readonly lane?: bigint
    }
  /** Committed: nobody works on it now. */
  | {
      readonly to: 'unresolved'
      readonly recheckAt?: Instant
      readonly delivered?: boolean
      readonly receipt?: Receipt
    }
  /**
   * Committed: a recoverer takes it as its own. Fails while another owner lives. It stays a doubt to its twins
   * (`taken`), although it is live now.
   */
  | { readonly to: 'taken-over'; readonly owner: string }
  /** The price is final. Also from released: proof beats the ledger, past a limit if it must be. */
  | {
      readonly to: 'settled'
      readonly proof: 'receipt' | 'chain' | 'person'
      readonly receipt?: Receipt
      readonly reference?: string
      readonly spent?: Amount
      readonly fee?: Amount
      readonly delivered?: boolean
      readonly lane?: bigint
      /** While its fee is unread: when `due` gives it to recovery, which reads the fee. Without it, only `all` does. */
      readonly recheckAt?: Instant
    }
  /**
   * From held; from committed when every attempt is void. `attempts`: how many that rests on, where another one may have
   * come meanwhile; with more of them, the payment goes on.
   */
  | {
      readonly to: 'released'
      readonly reason: string
      readonly fee?: Amount
      readonly lane?: bigint
      readonly attempts?: number
    }
  /** Settled, or released with an attempt: the answer reached the caller. Moves no money and changes no state. */
  | { readonly to: 'delivered'; readonly receipt?: Receipt }
  /** The answer was written down as delivered, and then its caller had gone: it stands in the way of its twins again. */
  | { readonly to: 'undelivered' }
  /**
   * A caller was told of the doubt. `repeatable`: the same request may be paid for again at once, but not under the same key.
   */
  | { readonly to: 'reported'; readonly repeatable?: true }
  /** The server answered to the latest credential, and not with what was bought. Moves no money and changes no state. */
  | { readonly to: 'rejected'; readonly rejection: Rejection }
  /** The deposit that it locked up has come back: no exposure any more, whatever was spent of it. */
  | { readonly to: 'unlocked' }

/** `ok: false`: the machine forbids it, or somebody was faster. Here is what the payment is now. */
export interface MoveResult {
  readonly ok: boolean
  /** Its state before. */
  readonly was: PaymentState
  readonly payment: Payment
}

/** What recovery looks for. */
export interface DueQuery {
  /** Wallets this process has. */
  readonly wallets: readonly string[]
  /**
   * `due`: what nobody works on and whose time has come. That is a hold; a doubt without a `recheckAt`, or whose
   * `recheckAt` has come; and a settled payment whose fee is unread, if it has a `recheckAt` and that has come.
   * `all`: every hold and doubt that nobody works on, and every settled payment whose fee is unread, due or not.
   */
  readonly which: 'due' | 'all'
  /**
   * Only payments that count on the counter of one of these claims, in the claim's window. Give the claims of a
   * refusal's `short` to find what could make room there. All payments unless given.
   */
  readonly on?: readonly CounterClaim[]
  /**
   * Holds come first, then doubts, then unread fees, since most money stands in doubts. Within each of them and for each
   * wallet: `oldest`: what is due for longest comes first. `newest`: what fell due last comes first. `oldest` unless given.
   */
  readonly order?: 'oldest' | 'newest'
  /** At most so many. All of them unless given. */
  readonly limit?: number
}

/**
 * The store: one small asynchronous port. Time is the store's own. Every method rejects with a `PaymentError`
 * (`ledger_busy`, `ledger_missing`, `ledger_corrupt`, …) when the store cannot answer, and then nothing is paid.
 */
export interface Ledger extends Channels, Gaps {
  /** Random, made with the ledger, never reused: lanes are named after it. */
  id(): Promise<string>
  facts(query: FactsQuery): Promise<Facts>
  hold(hold: Hold): Promise<HoldResult>
  advance(id: PaymentId, move: Move): Promise<MoveResult>
  /**
   * Writes down a refusal. `standsMs`: a person's denial stands that long, for these terms and for all that are no
   * better.
   */
  deny(
    hold: Omit<Hold, 'lane'>,
    why: { readonly reason: string; readonly standsMs?: number },
  ): Promise<Payment>
  room(claims: readonly CounterClaim[]): Promise<readonly Room[]>
  /** Counters of an `each` budget that exist: the claim with each known value of the dimension. */
  family(claim: CounterClaim, dimension: Dimension): Promise<readonly CounterClaim[]>
  get(id: PaymentId): Promise<Payment | undefined>
  find(query: PaymentQuery): AsyncIterable<Payment>
  /**
   * What recovery should look at. No payment comes twice. What falls due after the first payment was given is left for the
   * next time. A payment that is looked at in vain should get a later `recheckAt` (by `unresolved`, or by `settled` for one
   * that is settled already), or it stays due.
   */
  due(query: DueQuery): AsyncIterable<Payment>
  /** Keeps this owner alive for that long. An owner that was not renewed in time is gone, and so are its holds. */
  renew(owner: string, ttlMs: number): Promise<void>
  /** The owner is done: what it still holds is anyone's to settle. */
  retire(owner: string): Promise<void>
  freeze(why: string): Promise<void>
  unfreeze(): Promise<void>
  frozen(): Promise<string | undefined>
  grant(grant: Grant): Promise<void>
  grants(): Promise<readonly Grant[]>
  revoke(grantId: string): Promise<boolean>
  /** The payees that vendors are held to. */
  pins(query?: PinQuery): Promise<readonly PinnedPayee[]>
  /** Takes pins of a vendor away, for good once it is answered. How many payees were pinned there. */
  unpin(query: PinQuery & { readonly vendor: string }): Promise<number>
  /** What discovery advertised, in units of the query's unit. */
  advertise(query: Omit<FactsQuery, 'agent'>, units: Units): Promise<void>
  /** Accept the wall clock after a jump. */
  confirmClock(confirmation?: ClockConfirmation): Promise<void>
  /**
   * Somebody outside of this host says what time it is. Sources of one name are one witness.
   *
   * @returns How many others agree with the wall clock.
   */
  hearTime?(source: string, at: Instant): number
  /** Makes a view that never writes. It can be used until the ledger is closed. */
  view?(): LedgerView
  close(): Promise<void>
}

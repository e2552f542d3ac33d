import type { Rejection } from '../errors/index.js'
import type { Amount, Instant, Units } from '../money/index.js'
import type {
  ApprovalSettings,
  Context,
  CounterClaim,
  Decision,
  Dimension,
  Facts,
  Grant,
  Terms,
} from '../policy/index.js'
import type { Receipt, Resource } from '../protocol/index.js'

import type {
  AnswerResult,
  Approval,
  ApprovalId,
  ApprovalQuery,
  GivenAnswer,
  WithdrawReason,
} from './approval.js'
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

/**
 * A granted lane. Payments on a lane run one at a time (a 2D nonce, a channel). Its value is the wallet's next step on
 * the lane.
 */
export interface LaneGrant {
  readonly name: string
  readonly value: bigint
}

/** The lanes that a hold can use. It gets the first free one of `names`, in that order. */
export interface LaneRequest {
  readonly names: readonly string[]
  /** The lane value that the quote uses. If the lane has changed since the quote, the hold answers `stale`. */
  readonly at?: bigint
  /** The behavior if no lane is free. `wait`: the hold answers `lane`. `go`: the payment is held without a lane. */
  readonly otherwise: 'wait' | 'go'
}

/** The input of the one atomic step. The step does all of it or nothing. */
export interface Hold {
  /** The id, chosen by the caller. A hold with the same id replaces the claims, so it is safe to repeat. */
  readonly id: PaymentId
  readonly owner: string
  readonly context: Pick<Context, 'agent' | 'tasks' | 'tool'>
  readonly resource: Pick<Resource, 'transport' | 'vendor' | 'operation'>
  readonly fingerprint: string
  readonly key?: string
  /** `GET /v1/items/*`: the operation under which its price is stored. */
  readonly pattern: string
  readonly terms: Terms
  readonly decision: Decision
  /** The approver of an `ask`: a person, or the remembered approval. */
  readonly approvedBy?: string
  readonly lane?: LaneRequest
  /**
   * The payment waits for a person, and counts on no budget until then. Its counters must have room now. Before it can
   * be committed, it must be held again without this field.
   */
  readonly reserves?: 'nothing'
  /** The yes of a person that this payment uses. No other payment can use it then, unless this one is given up. */
  readonly approval?: string
  readonly trace?: string
  /** How long an unreported twin blocks the request, in milliseconds (`doubtWindow`). */
  readonly doubtWindowMs: number
}

/** The values of a counter and the rest of its limit: units for `spend` and `lock`, a number for `payments`. */
export interface Room {
  readonly claim: CounterClaim
  readonly spent: bigint
  readonly held: bigint
  /** Never below zero. */
  readonly remaining: bigint
}

/** The result of the one atomic step. Either all of it was done, or nothing was done and `why` has the reason. */
export type HoldResult = (
  | { readonly ok: true; readonly payment: Payment; readonly lane?: LaneGrant }
  /** Every counter without enough room, and the rest of its limit. */
  | {
      readonly ok: false
      readonly why: 'short'
      readonly short: readonly Pick<Room, 'claim' | 'remaining'>[]
    }
  /**
   * The key is taken, a twin is in doubt, or a twin was paid and not delivered. `conflict`: the key is the same, and
   * the fingerprint is different.
   */
  | { readonly ok: false; readonly why: 'taken' | 'conflict'; readonly by: Payment }
  /** The clock or the facts have changed. The caller must judge again. */
  | { readonly ok: false; readonly why: 'stale' }
  /** Every lane is busy. */
  | { readonly ok: false; readonly why: 'lane' }
  | { readonly ok: false; readonly why: 'frozen'; readonly reason: string }
  /** The approval cannot be used: it was used, has lapsed, or is for another request or for better terms. */
  | { readonly ok: false; readonly why: 'unapproved' }
) & {
  /** The holds of dead processes that this step released to make room. @default [] */
  readonly ended?: readonly Payment[]
}

/** A guarded step of the state machine. */
export type Move =
  /** From held. From committed, it adds a further attempt, with terms that are no worse. The same step pins payees. */
  | {
      readonly to: 'committed'
      readonly attempt: Omit<Attempt, 'at' | 'void'>
      readonly pin: boolean
      /** Whether payees may be added to the pinned ones. This is true only if a person approved them. */
      readonly widenPin: boolean
      /** The yes that the payment has claimed by its hold. This step uses it up. Needed if the decision is `ask`. */
      readonly approval?: string
      /**
       * The value that the lane gets in the same step, for every outcome of the attempt. A total that was signed on
       * a lane of running totals stays signed. Such a lane is free for others as soon as no process works on the
       * payment.
       */
      readonly signed?: bigint
    }
  /**
   * Committed: adds data about an attempt that its commit did not have, such as the id of a token. It is synced to the
   * disk before it is answered, so that a credential that depends on it may be sent. The move is refused if the attempt
   * is proven void or is not the last one.
   *
   * `attempt`: the index of the attempt. The default is the last one.
   */
  | { readonly to: 'evidence'; readonly evidence: Evidence; readonly attempt?: number }
  /**
   * Committed: an attempt is proven void, and its burnt fee counts. `lane`: the lane's value after it. `evidence`: the
   * evidence of the proof, if newer evidence may have been stored since. If the stored evidence is different, the
   * attempt is not proven void.
   */
  | {
      readonly to: 'voided'
      readonly attempt: number
      readonly reason: string
      readonly evidence?: Evidence
      readonly fee?: Amount
      readonly lane?: bigint
    }
  /** Committed: no process works on it now. */
  | {
      readonly to: 'unresolved'
      readonly recheckAt?: Instant
      readonly delivered?: boolean
      readonly receipt?: Receipt
    }
  /**
   * Committed: a recoverer becomes the owner. The move fails while another owner is alive. The payment stays a doubt
   * for its twins (`taken`), although it is live now.
   */
  | { readonly to: 'taken-over'; readonly owner: string }
  /** The price is final. Also from released: a proof overrides the ledger, even if the payment then exceeds a limit. */
  | {
      readonly to: 'settled'
      readonly proof: 'receipt' | 'chain' | 'person'
      readonly receipt?: Receipt
      readonly reference?: string
      readonly spent?: Amount
      readonly fee?: Amount
      readonly delivered?: boolean
      readonly lane?: bigint
      /**
       * The time when `due` gives the payment to recovery, which reads the fee. It is used while the fee is unread.
       * Without it, only `all` finds the payment.
       */
      readonly recheckAt?: Instant
    }
  /**
   * From held. From committed, if every attempt is void. `attempts`: the number of attempts that the proof covers, if
   * another attempt may have been added since. If there are more attempts, the payment continues.
   */
  | {
      readonly to: 'released'
      readonly reason: string
      readonly fee?: Amount
      readonly lane?: bigint
      readonly attempts?: number
    }
  /** Settled, or released with an attempt: the answer reached the caller. The move changes no money and no state. */
  | { readonly to: 'delivered'; readonly receipt?: Receipt }
  /** The answer was recorded as delivered, but its caller had already gone. The payment blocks its twins again. */
  | { readonly to: 'undelivered' }
  /**
   * A doubt was reported to a caller. `repeatable`: the same request may be paid for again at once, but not under the
   * same key.
   */
  | { readonly to: 'reported'; readonly repeatable?: true }
  /**
   * The server answered the latest credential, but did not deliver the purchase. The move changes no money and no
   * state.
   */
  | { readonly to: 'rejected'; readonly rejection: Rejection }
  /** The locked deposit has come back. It is no exposure any more, even if a part of it was spent. */
  | { readonly to: 'unlocked' }

/**
 * The result of a move. `ok: false`: the machine forbids the move, or another process was faster. It contains the
 * payment as it is now.
 */
export interface MoveResult {
  readonly ok: boolean
  /** The state before the move. */
  readonly was: PaymentState
  readonly payment: Payment
}

/** The input of {@link Approvals.ask}. */
export interface AskInput {
  /** The id of the question, chosen by the caller. */
  readonly id: ApprovalId
  /** The payment that waits for the answer. It holds its budgets meanwhile. */
  readonly hold: Omit<Hold, 'lane' | 'reserves' | 'approval'>
  readonly termsHash: string
  readonly serverSays?: string | undefined
  readonly settings: Pick<ApprovalSettings, 'timeoutMs' | 'perAgent' | 'perVendor' | 'holds'>
}

/** The result of {@link Approvals.ask}. */
export type AskResult = (
  | {
      /** The question waits, and this payment waits for its answer. */
      readonly kind: 'asked'
      readonly approval: Approval
      readonly held: Extract<HoldResult, { ok: true }>
    }
  /** A question about the same request waits already, and another call waits for its answer. */
  | { readonly kind: 'shared'; readonly approval: Approval }
  /** A person has approved the same request, on terms that were no better, and no payment has used the yes. */
  | { readonly kind: 'approved'; readonly approval: Approval }
  /** A limit of open questions is reached. */
  | {
      readonly kind: 'full'
      readonly rule: 'perAgent' | 'perVendor'
      readonly limit: number
      /** When the first of the open questions expires. */
      readonly retryAt: Instant
    }
  /** The payment could not be held, so nobody is asked. */
  | { readonly kind: 'not held'; readonly held: Extract<HoldResult, { ok: false }> }
) & { readonly ended?: HoldResult['ended'] }

/** The part of a ledger that stores questions to people. */
export interface Approvals {
  /**
   * Asks a person, in one atomic step: finds an equal question or an unused yes, checks the limits of open questions,
   * holds the payment, and stores the question.
   */
  ask(input: AskInput): Promise<AskResult>
  /** Stores an answer. The first answer counts, from whichever process it comes. It is synced to the disk. */
  answer(id: ApprovalId, answer: GivenAnswer): Promise<AnswerResult>
  /** Ends a question that waits. `expired`: its time is over for the process that waits. */
  withdraw(id: ApprovalId, why: WithdrawReason | 'expired'): Promise<Approval | undefined>
  approval(id: ApprovalId): Promise<Approval | undefined>
  /** Lists questions, the newest first. */
  approvals(query?: ApprovalQuery): Promise<readonly Approval[]>
  /**
   * Waits until a question matches. Changes by this ledger object are seen at once. Changes by other processes are seen
   * within a quarter of a second.
   *
   * @returns The question. Undefined if the ledger has none with this id.
   * @throws The reason of the signal if it aborts; PaymentError `closed`.
   */
  untilApproval(
    id: ApprovalId,
    matches: (approval: Approval) => boolean,
    signal?: AbortSignal,
  ): Promise<Approval | undefined>
}

/** Selects the payments for recovery. */
export interface DueQuery {
  /** The wallets of this process. */
  readonly wallets: readonly string[]
  /**
   * `due`: payments that no process works on and that are due now. These are holds; doubts whose `recheckAt` has passed
   * or is absent; and settled payments with an unread fee whose `recheckAt` has passed. `all`: every hold and doubt
   * that no process works on, and every settled payment with an unread fee, due or not.
   */
  readonly which: 'due' | 'all'
  /**
   * Only payments that count on the counter of one of these claims, in the claim's window. Give the claims of a
   * refusal's `short` to find payments that could make room there. The default is all payments.
   */
  readonly on?: readonly CounterClaim[]
  /**
   * Holds come first, then doubts, then unread fees, because doubts contain the most money. The order applies within
   * each of these and for each wallet. `oldest`: the payment that has been due for the longest time comes first.
   * `newest`: the payment that became due last comes first. @default 'oldest'
   */
  readonly order?: 'oldest' | 'newest'
  /** The maximum number of payments. The default is all of them. */
  readonly limit?: number
}

/**
 * The store: one small asynchronous port. The store has its own time. Every method rejects with a `PaymentError`
 * (`ledger_busy`, `ledger_missing`, `ledger_corrupt`, …) if the store cannot answer, and then nothing is paid.
 */
export interface Ledger extends Approvals, Channels, Gaps {
  /** Returns the ledger's id. It is random, is made with the ledger, and is never reused. Lanes are named after it. */
  id(): Promise<string>
  facts(query: FactsQuery): Promise<Facts>
  hold(hold: Hold): Promise<HoldResult>
  advance(id: PaymentId, move: Move): Promise<MoveResult>
  /**
   * Records a refusal. `standsMs`: how long a person's denial is valid, for these terms and for all terms that are no
   * better.
   */
  deny(
    hold: Omit<Hold, 'lane'>,
    why: { readonly reason: string; readonly standsMs?: number },
  ): Promise<Payment>
  room(claims: readonly CounterClaim[]): Promise<readonly Room[]>
  /** Returns the existing counters of an `each` budget: the claim with each known value of the dimension. */
  family(claim: CounterClaim, dimension: Dimension): Promise<readonly CounterClaim[]>
  get(id: PaymentId): Promise<Payment | undefined>
  find(query: PaymentQuery): AsyncIterable<Payment>
  /**
   * Yields the payments that recovery should check. Each payment is yielded once. A payment that becomes due after the
   * first payment was yielded is left for the next call. If a check has no result, the payment should get a later
   * `recheckAt`, or it stays due. `unresolved` sets it, or `settled` if the payment has already settled.
   */
  due(query: DueQuery): AsyncIterable<Payment>
  /**
   * Keeps this owner alive for that long. An owner that was not renewed in time is dead, and its holds can be released.
   */
  renew(owner: string, ttlMs: number): Promise<void>
  /** Ends this owner. Every process may settle the payments that it still holds. */
  retire(owner: string): Promise<void>
  freeze(why: string): Promise<void>
  unfreeze(): Promise<void>
  frozen(): Promise<string | undefined>
  grant(grant: Grant): Promise<void>
  grants(): Promise<readonly Grant[]>
  revoke(grantId: string): Promise<boolean>
  /** Returns the payees that vendors are restricted to. */
  pins(query?: PinQuery): Promise<readonly PinnedPayee[]>
  /** Removes pins of a vendor durably. Returns the number of removed payees. */
  unpin(query: PinQuery & { readonly vendor: string }): Promise<number>
  /** Stores the prices that discovery advertised, in units of the query's unit. */
  advertise(query: Omit<FactsQuery, 'agent'>, units: Units): Promise<void>
  /** Accepts the wall clock after a jump. */
  confirmClock(confirmation?: ClockConfirmation): Promise<void>
  /**
   * Records the time that a witness outside of this host reports. Sources with the same name are one witness.
   *
   * @returns The number of other witnesses that agree with the wall clock.
   */
  hearTime?(source: string, at: Instant): number
  /** Creates a view that never writes. It can be used until the ledger is closed. */
  view?(): LedgerView
  close(): Promise<void>
}

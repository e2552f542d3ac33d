import type { ErrorCode, Reason } from '../errors/index.js'
import type { Clock, Ledger, Payment, PaymentId } from '../ledger/index.js'
import type { CurrencyTable, Instant, Units } from '../money/index.js'
import type { Context, CounterClaim, Policy, Terms } from '../policy/index.js'
import type { Preference, Resource } from '../protocol/index.js'
import type { Queues } from '../util/queue.js'
import type { Wallet } from '../wallet/index.js'
import type { ApprovalQueue } from './authorize/approval-queue.js'
import type { Approver } from './authorize/approver.js'
import type { Emitter } from './events.js'
import type { NotPaid } from './not-paid.js'
import type { PaymentLocks } from './recovery/payment-locks.js'
import type { RecoverySchedule } from './recovery/recovery-schedule.js'
import type { LiveCredentials } from './submit/live-credentials.js'

/** Everything the story needs of the world, handed in. */
export interface Env {
  /** This process, as the ledger knows it: what it holds is its own until it stops being renewed. */
  readonly owner: string
  readonly policy: Policy
  readonly ledger: Ledger
  readonly ledgerId: string
  readonly wallets: readonly Wallet[]
  readonly currencies: CurrencyTable
  readonly approver?: Approver
  readonly clock: Clock
  readonly emitter: Emitter
  /** Which kinds the caller likes, and how much: see `rank`. */
  readonly prefer: readonly Preference[]
  /** How long an unreported doubt stands in the way of its twin. */
  readonly doubtWindowMs: number
  /** How long a call may wait for an earlier credential to die, or for a live twin to end. */
  readonly patienceMs: number
  /** Credentials that left and may still be sent again: in memory only, and only while they live. */
  readonly liveCredentials: LiveCredentials
  /** Payments of this process that run on one lane come after each other here. */
  readonly queues: Queues
  /** Keeps calls and recoveries of this process from working on one payment at the same time. */
  readonly locks: PaymentLocks
  /** What recovery looks at, and what it lets rest. */
  readonly schedule: RecoverySchedule
  /** What a person of this process is being asked. */
  readonly questions: ApprovalQueue
  newId(): PaymentId
  sleep(ms: number, signal?: AbortSignal): Promise<void>
  /** Makes sure that what this process holds stays its own while it works. */
  keepAlive(): Promise<void>
  /**
   * Runs work that goes on after its call was answered: this process stays alive to the ledger meanwhile, and a purser
   * that closes aborts it and waits for its end.
   *
   * @throws PaymentError `closed`
   */
  runInBackground<T>(work: (closing: AbortSignal) => Promise<T>): Promise<T>
  /**
   * The counters of these claims are full: looks for room that proof would free there, and waits for that no longer than
   * `patienceMs`. True if some was found meanwhile. What it brings later is written down all the same.
   */
  makeRoom(short: readonly CounterClaim[], patienceMs: number): Promise<boolean>
  /** A payment with these claims was committed: listeners hear of budgets that reach a share. Never in its way. */
  budgetsUsed(claims: readonly CounterClaim[]): void
  /** Before a piece of work: waits if calls have kept the event loop from turning. Undefined if it may go on at once. */
  yieldToEventLoop(): Promise<void> | undefined
  /** Evidence can first bring news then: look again. */
  scheduleRecheck(at: Instant): void
  /** What discovery found this way to pay advertised for, here, if it looked. */
  advertised?(at: Resource, terms: Terms): Units | undefined
  /** Remembers what is behind a reply or an error, for `paymentFor`. */
  attachOutcome(target: object, outcome: Outcome): void
}

/** One call, as the caller made it. */
export interface Call {
  readonly context: Context
  /** The caller's Idempotency-Key. */
  readonly key?: string
  readonly signal?: AbortSignal
  readonly trace?: string
}

/** A call that was not paid, and why. */
export interface Refusal {
  readonly state: 'refused'
  readonly code: ErrorCode
  readonly reasons: readonly Reason[]
  readonly resource: Resource
  /** The payment it concerns, where the ledger has one. */
  readonly payment?: Payment
}

/** What is behind a reply: a payment, a refusal, or a 402 that was not paid. */
export type Outcome = Payment | Refusal | NotPaid

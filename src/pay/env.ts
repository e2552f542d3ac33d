import type { ErrorCode, Reason } from '../errors/index.js'
import type { Clock, Ledger, Payment, PaymentId } from '../ledger/index.js'
import type { CurrencyTable, Instant, Units } from '../money/index.js'
import type { Context, CounterClaim, Policy, Terms } from '../policy/index.js'
import type { Preference, Resource } from '../protocol/index.js'
import type { Queues } from '../util/queue.js'
import type { Wallet } from '../wallet/index.js'
import type { PasskeyVerifier } from './authorize/approval-proof.js'
import type { Approver } from './authorize/approver.js'
import type { Emitter } from './events.js'
import type { NotPaid } from './not-paid.js'
import type { LiveCredentials, PaymentLocks, RecoverySchedule } from './process-state.js'

/** The settings of a purser that decide about its payments. */
export interface PaymentSettings {
  readonly policy: Policy
  readonly wallets: readonly Wallet[]
  readonly currencies: CurrencyTable
  readonly approver?: Approver | undefined
  /** `ledger`: people may answer from outside of this process. */
  readonly approvals?: 'ledger' | undefined
  /** Checks the signatures of passkeys. Without it, they do not count. */
  readonly passkeys?: PasskeyVerifier | undefined
  readonly clock: Clock
  /** The kinds that the user prefers: see `rank`. */
  readonly prefer: readonly Preference[]
  /** How long an unreported doubt keeps the same purchase from being paid again. */
  readonly doubtWindowMs: number
  /** How long a call may wait for an earlier credential to expire, or for another call of the same purchase to end. */
  readonly patienceMs: number
}

/** Everything that a payment needs of the process that makes it. */
export interface Env extends PaymentSettings {
  /** This process, as the ledger knows it. Its holds are its own until it stops renewing them. */
  readonly owner: string
  readonly ledger: Ledger
  readonly ledgerId: string
  readonly emitter: Emitter
  /** Credentials that left and may be sent again. In memory only, and only while they live. */
  readonly liveCredentials: LiveCredentials
  /** Payments of this process on the same lane wait here for each other. */
  readonly queues: Queues
  /** Keeps calls and recoveries of this process from working on one payment at the same time. */
  readonly locks: PaymentLocks
  /**
   * The questions and nonces whose yes this process has used. The ledger knows them too, but a process that can write the
   * ledger could make it forget.
   */
  readonly usedApprovals: Set<string>
  /** The payments that background recovery leaves out. */
  readonly schedule: RecoverySchedule
  newId(): PaymentId
  sleep(ms: number, signal?: AbortSignal): Promise<void>
  /** Renews the lease of this process if it is due, so that its holds stay its own while it works. */
  keepAlive(): Promise<void>
  /**
   * Runs work that continues after its call was answered. The process renews its lease meanwhile. A purser that closes
   * aborts the work and waits for its end.
   *
   * @throws PaymentError `closed`
   */
  runInBackground<T>(work: (closing: AbortSignal) => Promise<T>): Promise<T>
  /**
   * Looks for room in the counters of these claims, which are full: inspects payments that count there, and waits no
   * longer than `patienceMs`. Results that come later are still recorded.
   *
   * @returns Whether there is some room now.
   */
  makeRoom(short: readonly CounterClaim[], patienceMs: number): Promise<boolean>
  /**
   * Tells listeners of budgets that reached a share, after a payment with these claims was committed. Delays nothing.
   */
  budgetsUsed(claims: readonly CounterClaim[]): void
  /** Waits if calls have blocked the event loop for long. Undefined if the work may go on at once. */
  yieldToEventLoop(): Promise<void> | undefined
  /** Schedules a recovery for the time at which evidence can first bring news. */
  scheduleRecheck(at: Instant): void
  /** The price that discovery found advertised for these terms, if it looked. */
  advertised?(at: Resource, terms: Terms): Units | undefined
  /** Remembers what is behind a reply or an error, for `paymentFor`. */
  attachOutcome(target: object, outcome: Outcome): void
}

/** One call, as the caller made it. */
export interface Call {
  readonly context: Context
  /** The caller's Idempotency-Key. */
  readonly key?: string | undefined
  readonly signal?: AbortSignal | undefined
  readonly trace?: string | undefined
}

/** One call, and the process that pays for it. */
export interface CallContext {
  readonly call: Call
  readonly env: Env
}

/** A call that was not paid, and why. */
export interface Refusal {
  readonly state: 'refused'
  readonly code: ErrorCode
  readonly reasons: readonly Reason[]
  readonly resource: Resource
  /** The payment of the refusal, if the ledger has one. */
  readonly payment?: Payment
}

/** The outcome of a call: a payment, a refusal, or a 402 that was not paid. */
export type Outcome = Payment | Refusal | NotPaid

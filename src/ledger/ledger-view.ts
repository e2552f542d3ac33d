import type { Instant } from '../money/index.js'
import type { Grant, Policy, PolicyDocument, Scope } from '../policy/index.js'
import type { Approval, ApprovalQuery } from './approval.js'
import type { Channel, ChannelQuery } from './channel.js'
import type { Gap } from './gaps.js'
import type { Payment, PaymentId, PaymentQuery } from './payment.js'

/**
 * The current values of one budget. Amounts are units, the policy's unit at nine decimals. `payments` counts payments.
 */
export interface Budget {
  readonly rule: string
  readonly counts: 'spend' | 'lock' | 'payments'
  /** The policy, agent, task, vendor or other scope of the budget. */
  readonly scope: Scope
  readonly window: string
  readonly limit: bigint
  readonly spent: bigint
  /** The amount that is held for payments in progress or in doubt. */
  readonly held: bigint
  readonly remaining: bigint
  readonly resetsAt?: Instant
  /** The same values as text: `1.2 of 5 USD spent, 0.1 USD held`. */
  readonly message: string
}

/** The sum of one counter of a ledger in its current window. */
export interface CounterSum {
  /** `spend` and `lock` are units of the policy's currency at nine decimals; `payments` is a number of payments. */
  readonly counts: 'spend' | 'lock' | 'payments'
  /** The window: `day@UTC`, `week.monday@Europe/Berlin`, `30d~`, `ever`, … */
  readonly window: string
  /** The payments that it counts: those of an agent, a vendor, a task, or another scope. */
  readonly scope: Scope
  readonly spent: bigint
  /** The part that is reserved for payments in progress or in doubt. */
  readonly held: bigint
  /** When the window ends. Absent for a rolling window and for `ever`. */
  readonly resetsAt?: Instant
}

/** A counter whose kept sum differs from the sum of its payments. */
export interface CounterDifference extends Pick<CounterSum, 'counts' | 'window' | 'scope'> {
  /** The sum that the ledger keeps, held and spent. */
  readonly kept: bigint
  /** The sum of the payments, held and spent. */
  readonly summed: bigint
}

/** Selects the budgets that {@link LedgerView.budgets} lists. */
export interface BudgetsQuery {
  /** The agent. @default 'agent' */
  readonly agent?: string
  /** The open tasks, the outermost first. @default [] */
  readonly tasks?: readonly string[]
  readonly tool?: string
}

/** A payee that a vendor is restricted to on one rail. */
export interface PinnedPayee {
  readonly vendor: string
  /** `tempo/charge@eip155:4217` */
  readonly rail: string
  readonly payee: string
  /** The payment in progress that holds the pin. Absent after a payment to this payee was settled and delivered. */
  readonly payment?: PaymentId
}

/** Selects pinned payees. A payee must match all given fields. */
export interface PinQuery {
  readonly vendor?: string
  readonly rail?: string
  readonly payee?: string
}

/**
 * A read-only ledger, for a command line, a page or an auditor. It needs no wallet, starts no recovery, takes no lease
 * and never writes.
 *
 * @see docs/ledger.md
 */
export interface LedgerView {
  /** Returns the id of the ledger. */
  id(): Promise<string>
  /** Returns one payment, or undefined if the ledger has no payment with this id. */
  payment(id: PaymentId): Promise<Payment | undefined>
  /**
   * Lists payments and refusals (`states: ['denied']`), the newest first. They are read in pages, so other processes can
   * write meanwhile.
   *
   * @throws TypeError if the query has an unknown name.
   * @example
   * ```ts
   * declare const view: LedgerView
   * for await (const { id, state, terms } of view.payments({ states: ['committed'] })) console.log(id, state, terms.most)
   * ```
   */
  payments(query?: PaymentQuery): AsyncGenerator<Payment>
  /**
   * Lists what each budget of a policy has spent, held and left, like `purser.budgets()`. If the ledger does not keep a
   * counter of the budget yet, this method counts its payments one by one.
   *
   * @param policy - The policy, or its document.
   * @throws PaymentError `invalid_policy` if the document is not valid.
   */
  budgets(policy: Policy | PolicyDocument, query?: BudgetsQuery): Promise<readonly Budget[]>
  /** Lists the sums of all counters, without the limits of a policy. Counters at zero are omitted. */
  counters(): Promise<readonly CounterSum[]>
  /**
   * Adds up the payments of every counter, and compares. It reads every payment that a counter may count, so it takes
   * some time. If other processes pay meanwhile, a counter may be reported that is right: then run it again.
   *
   * @returns The counters that differ. Empty for a ledger that is right.
   */
  verify(): Promise<readonly CounterDifference[]>
  /** Lists the channels of sessions, the oldest first. */
  channels(query?: ChannelQuery): Promise<readonly Channel[]>
  /** Returns the highest total that was ever signed on the lane of a channel. */
  signed(lane: string): Promise<bigint>
  /** Lists the periods whose payments the ledger may have lost, the oldest first. */
  gaps(): Promise<readonly Gap[]>
  /** Returns why the ledger is frozen, or undefined if it is not frozen. */
  frozen(): Promise<string | undefined>
  /**
   * Lists questions to people and their answers, the newest first.
   *
   * @throws TypeError if the query has an unknown name.
   * @example
   * ```ts
   * declare const view: LedgerView
   * for (const { id, agent, resource, terms } of await view.approvals({ states: ['waiting'] }))
   *   console.log(id, agent, resource.vendor, terms.most)
   * ```
   */
  approvals(query?: ApprovalQuery): Promise<readonly Approval[]>
  /** Lists the remembered approvals that are still valid. */
  grants(): Promise<readonly Grant[]>
  /** Lists the payees that vendors are restricted to. */
  pins(query?: PinQuery): Promise<readonly PinnedPayee[]>
  /** Closes the view. If a ledger made the view, that ledger stays open. */
  close(): Promise<void>
}

import type { Instant } from '../money/index.js'
import type { Grant, Policy, PolicyDocument, Scope } from '../policy/index.js'
import type { Channel, ChannelQuery } from './channel.js'
import type { Gap } from './gaps.js'
import type { Payment, PaymentId, PaymentQuery } from './payment.js'

/** One budget as it is now. Amounts are units, the policy's unit at nine decimals; `payments` counts payments. */
export interface Budget {
  readonly rule: string
  readonly counts: 'spend' | 'lock' | 'payments'
  /** The policy, agent, task, vendor, … that the budget belongs to. */
  readonly scope: Scope
  readonly window: string
  readonly limit: bigint
  readonly spent: bigint
  /** Held for payments that are under way or in doubt. */
  readonly held: bigint
  readonly remaining: bigint
  readonly resetsAt?: Instant
  /** The same as a text: `1.2 of 5 USD spent, 0.1 USD held`. */
  readonly message: string
}

/** What one counter of a ledger has counted in its current window. */
export interface CounterSum {
  /** `spend` and `lock` are units of the policy's currency at nine decimals; `payments` is a number of payments. */
  readonly counts: 'spend' | 'lock' | 'payments'
  /** The window: `day@UTC`, `week.monday@Europe/Berlin`, `30d~`, `ever`, … */
  readonly window: string
  /** Which payments it counts: those of an agent, a vendor, a task, … */
  readonly scope: Scope
  readonly spent: bigint
  /** The part that is reserved for payments in progress or in doubt. */
  readonly held: bigint
  /** When the window ends. Absent for a rolling window and for `ever`. */
  readonly resetsAt?: Instant
}

/** Whose budgets {@link LedgerView.budgets} lists. */
export interface BudgetsQuery {
  /** The agent. @default 'agent' */
  readonly agent?: string
  /** The tasks that are open, the outermost first. None unless given. */
  readonly tasks?: readonly string[]
  readonly tool?: string
}

/** A payee that a vendor is held to on one rail. */
export interface PinnedPayee {
  readonly vendor: string
  /** `tempo/charge@eip155:4217` */
  readonly rail: string
  readonly payee: string
  /** The payment under way that holds it. Absent once a payment to this payee was settled and delivered. */
  readonly payment?: PaymentId
}

/** Which pinned payees are meant; all that is given must hold. */
export interface PinQuery {
  readonly vendor?: string
  readonly rail?: string
  readonly payee?: string
}

/**
 * A ledger that can only be read: for a command line, a page or an auditor. It needs no wallet, starts no recovery, takes
 * no lease and never writes.
 *
 * @see docs/ledger.md
 */
export interface LedgerView {
  /** Returns the id of the ledger. */
  id(): Promise<string>
  /** Returns one payment; undefined if the ledger has none of this id. */
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
   * Lists what each budget of a policy has spent, held and left, as `purser.budgets()` does. If the ledger does not keep a
   * counter of the budget yet, this counts its payments one by one.
   *
   * @param policy - The policy, or its document.
   * @throws PaymentError `invalid_policy` if the document is not valid.
   */
  budgets(policy: Policy | PolicyDocument, query?: BudgetsQuery): Promise<readonly Budget[]>
  /** Lists what the ledger has counted, without the limits of a policy. Counters at zero are left out. */
  counters(): Promise<readonly CounterSum[]>
  /** Lists the channels of sessions, the oldest first. */
  channels(query?: ChannelQuery): Promise<readonly Channel[]>
  /** Returns the total that was ever signed on the lane of a channel. */
  signed(lane: string): Promise<bigint>
  /** Lists the times whose payments the ledger may have forgotten, the oldest first. */
  gaps(): Promise<readonly Gap[]>
  /** Returns why the ledger is frozen; undefined if it is not. */
  frozen(): Promise<string | undefined>
  /** Lists the remembered approvals that still stand. */
  grants(): Promise<readonly Grant[]>
  /** Lists the payees that vendors are held to. */
  pins(query?: PinQuery): Promise<readonly PinnedPayee[]>
  /** Closes the view. A ledger that made the view stays open. */
  close(): Promise<void>
}

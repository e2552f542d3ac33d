import type { Reason } from '../errors/index.js'
import type { Amount, Instant, Units } from '../money/index.js'
import type { OfferKind, Resource } from '../protocol/index.js'

/** Who gets how much of a payment. */
export interface Payee {
  /** An address in lower case, or an account id. */
  readonly id: string
  readonly amount: Amount
}

/** The payer's own costs of paying. `bound` is what may be lost; `usual` is what it tends to cost, for ranking. */
export interface Fee {
  readonly bound: Amount
  readonly usual: Amount
}

/**
 * What an offer comes to, in the one normal form that is judged, approved, signed and compared. No challenge id, no
 * expiry and no server's words: those rotate.
 */
export interface Terms {
  /** `prove` is a zero-amount proof of identity; `fund` tops up a deposit. */
  readonly purpose: 'pay' | 'prove' | 'fund'
  readonly kind: OfferKind
  /** CAIP-2 for chains, `stripe:live` and the like otherwise. */
  readonly network: string
  /** The exact price, or the most it can come to. */
  readonly most: Amount
  readonly exact: boolean
  readonly payees: readonly Payee[]
  readonly fee?: Fee
  /** New deposit or top-up: exposure, not spend. */
  readonly locks?: Amount
  /** The contract that holds the deposit, in lower case, where it is not the network's own. */
  readonly escrow?: string
}

/** The rail of terms: payees are pinned, and prices remembered, per vendor and rail. */
export function railOf(terms: Pick<Terms, 'kind' | 'network'>): string {
  return `${terms.kind}@${terms.network}`
}

/** Who pays, for what. The caller's facts, not the server's. */
export interface Context {
  readonly agent: string
  /** The task this call is bound to, outermost first. Empty: no task. */
  readonly tasks: readonly string[]
  readonly tool?: string
  /** A per-call cap. It can only tighten. */
  readonly maxAmount?: Units
  /** Does the caller name the purchase by an `Idempotency-Key` of its own? */
  readonly keyed?: true
}

/** The newest earlier purchase of the same request. */
export interface PreviousPurchase {
  /** The payment's id in the ledger. */
  readonly payment: string
  /** When it was authorized. */
  readonly at: Instant
  /** Is it still under way? */
  readonly open: boolean
  /** The receipt's or the chain's reference, if it has one. */
  readonly reference?: string
}

/** A remembered approval: may satisfy an `ask`, never a `deny`. */
export interface Grant {
  readonly id: string
  readonly agent: string
  readonly vendor: string
  readonly rail: string
  readonly by: string
  readonly until: Instant
  /** The currency id of the unit that its bounds are in. Under a policy of another unit it approves nothing. */
  readonly unit: string
  /** The most that one payment under it may cost. */
  readonly upTo: Units
  /** The most that all payments under it may cost together. */
  readonly total: Units
  /** Payees that were seen when it was given, in lower case. */
  readonly payees: readonly string[]
}

/** What the ledger knows that policy judges by. */
export interface Facts {
  /** The store's time: never goes backwards. */
  readonly now: Instant
  /** Moves when anything below does. The ledger refuses a hold that rests on another version. */
  readonly version: number
  /** Pinned payees of this vendor by rail; a rail that is absent has none yet. */
  readonly pins: Readonly<Record<string, readonly string[]>>
  /** The usual price of this operation by rail, in the unit asked for: the lowest daily median of thirty days. */
  readonly usual: Readonly<Record<string, Units>>
  /** What discovery advertised for this operation. */
  readonly advertised?: Units
  /** Remembered approvals for this agent and vendor that have not run out or been revoked. */
  readonly grants: readonly Grant[]
  /** Has this agent ever had a payment to this vendor delivered? */
  readonly knownVendor: boolean
  /** Terms that a person denied less than ten minutes ago, for this agent and operation. */
  readonly denied: readonly Terms[]
  /** How many questions of this agent about this vendor, whatever the operation, a person denied in that time. */
  readonly denials: number
  /**
   * The newest earlier purchase of the same request that no retry goes on with, inside the time that was asked for. Absent
   * if there is none, or if it was not asked for.
   */
  readonly bought?: PreviousPurchase
}

/**
 * The dimensions a counter can be kept by. Structural: a counter is its scope and window, not a place in the document.
 * A counter of money always has a `unit`: the currency id of what it adds up.
 */
export type Dimension =
  | 'agent'
  | 'task'
  | 'vendor'
  | 'payee'
  | 'category'
  | 'tool'
  | 'network'
  | 'grant'
  | 'unit'

/**
 * What a counter counts. The policy's name is part of every budget: budgets belong to that name. A remembered approval
 * belongs to no name: its counter has no `policy`, so it counts payments under every document that uses the ledger.
 */
export type Scope = { readonly policy?: string } & Readonly<Partial<Record<Dimension, string>>>

/**
 * One counter that must have room: the sum of its buckets at or after `from`, plus `amount`, may not pass `limit`.
 * One formula for calendar windows (`from` = `at` = start of the window), rolling ones (sixty buckets) and `ever`
 * (`from` = 0).
 */
export interface CounterClaim {
  readonly counts: 'spend' | 'lock' | 'payments'
  readonly scope: Scope
  /** `day@Europe/Berlin`, `30d~`, `ever`, … : two budgets with the same scope and window share one counter. */
  readonly window: string
  readonly from: Instant
  /** The bucket this payment is counted in. */
  readonly at: Instant
  readonly resetsAt?: Instant
  /** Units for `spend` and `lock`; 1 for `payments`. */
  readonly amount: bigint
  readonly limit: bigint
  readonly rule: string
}

/**
 * What a stored payment is, along every dimension: with this the ledger fills a counter that it has never seen from
 * the payments it has.
 */
export interface Dimensions {
  readonly policy: string
  readonly agent: string
  /** Every task it counts in: `a`, `a/b`, … ; empty without a task. */
  readonly tasks: readonly string[]
  /** The vendor that was dialled. A counter's `vendor` scope is a pattern that this may match. */
  readonly vendor: string
  /** Units by payee. */
  readonly payees: Readonly<Record<string, Units>>
  readonly category?: string
  readonly tool?: string
  readonly network: string
  readonly grant?: string
  /** The currency id that its units are in. */
  readonly unit: string
}

/** Policy's answer to terms: the effect, every reason, and the counters that must have room. */
export interface Decision {
  readonly effect: 'allow' | 'ask' | 'deny'
  readonly reasons: readonly Reason[]
  readonly claims: readonly CounterClaim[]
  readonly dimensions: Dimensions
  /** What the payment counts for: price and fee bound, in units. Undefined if it cannot be counted (then it is denied). */
  readonly units?: Units
  /** The price alone, in units: what is remembered as usual. */
  readonly price?: Units
  /** The currency id of the unit all of it is counted in. */
  readonly unit: string
  /** How payees are held to: pinned on first use, already listed by policy, or not pinned at all. */
  readonly payees: 'pin' | 'listed' | 'any'
  /** Version of the facts it rests on, and their moment. */
  readonly facts: number
  readonly at: Instant
  /** The hash of the document that was judged by. */
  readonly policy: string
  /** The remembered approval that turned an `ask` into `allow`. */
  readonly grant?: string
  /**
   * A `repeat` rule applied: the newest earlier purchase of the same request inside the last `withinMs` milliseconds was
   * `last`, or there was none. The ledger refuses a hold if that is not so any more.
   */
  readonly repeat?: { readonly withinMs: number; readonly last?: string }
}

/** What policy already bounds before an offer is read, so that a wallet can clamp validity and size deposits. */
export interface Bounds {
  readonly maxValidityMs: number
  /** The most one fee may come to, in units; undefined if policy sets none. */
  readonly maxFee?: Units
  /** The most one payment may cost here, without its fee, in units; undefined if policy sets none. */
  readonly maxPrice?: Units
  /** The most that may be locked up with this vendor, in units. */
  readonly maxLock: Units
  readonly unit: string
  /** The lists of currencies in force, as documents write them. Each of them must name what is paid with. Absent: no list. */
  readonly currencies?: readonly (readonly string[])[]
}

/** How a person is asked, and how much may wait for their answers. */
export interface ApprovalSettings {
  /** How long a question waits, in milliseconds. Unanswered is denied. */
  readonly timeoutMs: number
  /** The most questions of one agent that are open at once. */
  readonly perAgent: number
  /** The most questions about one vendor that are open at once, or were denied in the last ten minutes. */
  readonly perVendor: number
  /** The most that open questions may hold of any budget together, in percent of its limit. */
  readonly holds: number
}

/** A validated, hashed policy document and its pure evaluator. */
export interface Policy {
  readonly name: string
  readonly hash: string
  /** The unit's currency id, `iso4217:USD`. */
  readonly unit: string
  /** The unit's symbol, `USD`. */
  readonly symbol: string
  /** How a person is asked about the payments of this context. */
  approvalSettings(context: Context): ApprovalSettings
  /** Could this policy ever pay for this? If not, the call goes through untouched. */
  payable(resource: Resource, context: Context): boolean
  /** Says why this policy could never pay for this. Empty if it could. */
  objections(resource: Resource, context: Context): readonly Reason[]
  bounds(resource: Resource, context: Context): Bounds
  evaluate(terms: Terms, resource: Resource, context: Context, facts: Facts): Decision
  /**
   * How far back `evaluate` wants to know of an earlier purchase of the same request (`repeat`), in milliseconds.
   * Undefined: no rule asks for that here.
   */
  repeatWithin(resource: Resource, context: Context): number | undefined
  /** May a caller's own `Authorization` be replaced by the credential here? (`authorization: replace`) */
  replacesAuthorization(resource: Resource): boolean
  /** May an Idempotency-Key cross origins in a browser here? (`cors: true`) */
  sendsIdempotencyKey(resource: Resource): boolean
  /** Every budget that stands for this context, as claims of nothing; `each` is listed for what it is known by. */
  budgets(context: Context, now: Instant): readonly BudgetLine[]
  /** Wildcards below a public suffix (`*.co.uk`) are refused; the list is loaded only when there are wildcards. */
  ready(): Promise<void>
}

/** A budget as `budgets()` lists it: a counter, or with `each` a family of counters found in the ledger. */
export interface BudgetLine {
  readonly rule: string
  readonly claim: CounterClaim
  /** The dimension of an `each` budget whose values only the ledger knows. */
  readonly each?: Dimension
  /**
   * Does the document ask for a budget by this value of `each`? An origin below a listed wildcard counts under the
   * wildcard. Every value is asked for unless given.
   */
  readonly asks?: (value: string) => boolean
}

import type { Reason } from '../errors/index.js'
import type { Amount, Instant, Units } from '../money/index.js'
import type { OfferKind, Resource } from '../protocol/index.js'

/** A payee of a payment, and the amount that it gets. */
export interface Payee {
  /** An address in lower case, or an account id. */
  readonly id: string
  readonly amount: Amount
}

/** The payer's own costs of a payment. `bound` is the most it can lose; `usual` is the typical cost, for ranking. */
export interface Fee {
  readonly bound: Amount
  readonly usual: Amount
}

/**
 * The terms of an offer in normal form. Purser judges, approves, signs and compares them. They contain no challenge id,
 * no expiry and no texts of the server, because those change between challenges.
 */
export interface Terms {
  /** `pay` buys; `prove` is a zero-amount proof of identity; `fund` tops up a deposit. */
  readonly purpose: 'pay' | 'prove' | 'fund'
  readonly kind: OfferKind
  /** A CAIP-2 id for chains; otherwise `stripe:live` and the like. */
  readonly network: string
  /** The exact price, or its maximum. */
  readonly most: Amount
  readonly exact: boolean
  readonly payees: readonly Payee[]
  readonly fee?: Fee
  /** A new deposit or a top-up. It is locked, not spent. */
  readonly locks?: Amount
  /** The contract that holds the deposit, in lower case. Absent for the network's own contract. */
  readonly escrow?: string
}

/**
 * Returns the payment rail of terms: their kind and network. Payees are pinned, and prices remembered, per vendor and
 * rail.
 */
export function railOf(terms: Pick<Terms, 'kind' | 'network'>): string {
  return `${terms.kind}@${terms.network}`
}

/** The payer and the purpose of a call. These facts come from the caller, not from the server. */
export interface Context {
  readonly agent: string
  /** The tasks to which this call is bound, outermost first. Empty if there is no task. */
  readonly tasks: readonly string[]
  readonly tool?: string
  /** The caller's limit for this call. It can only tighten the policy. */
  readonly maxAmount?: Units
  /** True if the caller named the purchase by its own `Idempotency-Key`. */
  readonly keyed?: true
}

/** The newest earlier purchase of the same request. */
export interface PreviousPurchase {
  /** The payment's id in the ledger. */
  readonly payment: string
  /** The time of its authorization. */
  readonly at: Instant
  /** True if it is not finished yet. */
  readonly open: boolean
  /** The reference on its receipt or on the chain, if there is one. */
  readonly reference?: string
}

/** A remembered approval. It may answer an `ask`; it never overrides a `deny`. */
export interface Grant {
  readonly id: string
  readonly agent: string
  readonly vendor: string
  readonly rail: string
  readonly by: string
  readonly until: Instant
  /** The currency id of the unit of its limits. Under a policy with another unit it approves nothing. */
  readonly unit: string
  /** The most that one payment under it may cost. */
  readonly upTo: Units
  /** The most that all payments under it may cost together. */
  readonly total: Units
  /** The payees at the time of the approval, in lower case. */
  readonly payees: readonly string[]
}

/** The ledger's facts that a policy needs for a decision. */
export interface Facts {
  /** The store's time. It never goes backwards. */
  readonly now: Instant
  /** Changes if any fact below changes. The ledger refuses a hold that is based on another version. */
  readonly version: number
  /** Pinned payees of this vendor by rail. A rail that is absent has none yet. */
  readonly pins: Readonly<Record<string, readonly string[]>>
  /** The usual price of this operation by rail, in the requested unit: the lowest daily median of thirty days. */
  readonly usual: Readonly<Record<string, Units>>
  /** The price that discovery advertised for this operation. */
  readonly advertised?: Units
  /** Remembered approvals for this agent and vendor that are neither expired nor revoked. */
  readonly grants: readonly Grant[]
  /** True if a payment of this agent to this vendor was ever delivered. */
  readonly knownVendor: boolean
  /** Terms that a person denied in the last ten minutes, for this agent and operation. */
  readonly denied: readonly Terms[]
  /** The number of questions about this agent and vendor that a person denied in that time, over all operations. */
  readonly denials: number
  /**
   * The newest earlier purchase of the same request in the requested time, unless this call retries it. Absent if there
   * is none, or if it was not requested.
   */
  readonly bought?: PreviousPurchase
}

/**
 * The dimensions by which a counter can be kept. A counter is identified by its scope and window, not by its place in
 * the document. A counter of money always has a `unit`: the id of the currency in which it adds up.
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
 * The scope of a counter: the payments that it counts. The policy's name is part of every budget's scope. A remembered
 * approval's counter has no `policy`, so it counts payments under all documents that use the ledger.
 */
export type Scope = { readonly policy?: string } & Readonly<Partial<Record<Dimension, string>>>

/**
 * A claim on one counter: the sum of its buckets at or after `from`, plus `amount`, may not exceed `limit`. The same
 * formula serves calendar windows (`from` = `at` = start of the window), rolling windows (sixty buckets) and `ever`
 * (`from` = 0).
 */
export interface CounterClaim {
  readonly counts: 'spend' | 'lock' | 'payments'
  readonly scope: Scope
  /** `day@Europe/Berlin`, `30d~`, `ever`, … Two budgets with the same scope and window share one counter. */
  readonly window: string
  readonly from: Instant
  /** The bucket in which this payment is counted. */
  readonly at: Instant
  readonly resetsAt?: Instant
  /** Units for `spend` and `lock`; 1 for `payments`. */
  readonly amount: bigint
  readonly limit: bigint
  readonly rule: string
}

/** The value of a stored payment in every dimension. The ledger uses it to fill a new counter from stored payments. */
export interface Dimensions {
  readonly policy: string
  readonly agent: string
  /** Every task in which it counts: `a`, `a/b`, …; empty if there is none. */
  readonly tasks: readonly string[]
  /** The vendor of the request. A counter's `vendor` scope is a pattern that may match it. */
  readonly vendor: string
  /** Units by payee. */
  readonly payees: Readonly<Record<string, Units>>
  readonly category?: string
  readonly tool?: string
  readonly network: string
  readonly grant?: string
  /** The currency id of the unit of its counts. */
  readonly unit: string
}

/** The policy's decision on terms: the effect, every reason, and the counters that must have room. */
export interface Decision {
  readonly effect: 'allow' | 'ask' | 'deny'
  readonly reasons: readonly Reason[]
  readonly claims: readonly CounterClaim[]
  readonly dimensions: Dimensions
  /**
   * The amount that counts against budgets: price plus fee bound, in units. Undefined if the payment cannot be counted;
   * it is then denied.
   */
  readonly units?: Units
  /** The price alone, in units. The ledger remembers it as a usual price. */
  readonly price?: Units
  /** The currency id of the unit in which everything is counted. */
  readonly unit: string
  /** The rule for payees: pinned on first use, listed by the policy, or not pinned at all. */
  readonly payees: 'pin' | 'listed' | 'any'
  /** The version of the facts behind the decision, and their time. */
  readonly facts: number
  readonly at: Instant
  /** The hash of the policy document. */
  readonly policy: string
  /** The remembered approval that turned an `ask` into `allow`. */
  readonly grant?: string
  /**
   * Set if a `repeat` rule applied: the newest earlier purchase of the same request within the last `withinMs`
   * milliseconds was `last`, or there was none. The ledger refuses a hold if this has changed.
   */
  readonly repeat?: { readonly withinMs: number; readonly last?: string }
}

/** The limits that are known before an offer is read. A wallet uses them to limit validity and deposits. */
export interface Bounds {
  readonly maxValidityMs: number
  /** The most that one fee may cost, in units; undefined if the policy sets no limit. */
  readonly maxFee?: Units
  /** The most that one payment may cost here without its fee, in units; undefined if the policy sets no limit. */
  readonly maxPrice?: Units
  /** The most that may be locked up with this vendor, in units. */
  readonly maxLock: Units
  readonly unit: string
  /**
   * The lists of currencies in force, in the documents' notation. A payment's currency must be in each of them. Absent
   * if there is no list.
   */
  readonly currencies?: readonly (readonly string[])[]
}

/** A person who may answer questions, by the public key of their signatures. */
export interface ApproverKey {
  readonly name: string
  readonly type: 'ed25519' | 'p256' | 'passkey'
  /** The public key in base64url. */
  readonly publicKey: string
  readonly credential?: string
  readonly rpId?: string
  readonly origins?: readonly string[]
}

/** The settings for questions to a person, and for pending questions. */
export interface ApprovalSettings {
  /** The time that a question waits, in milliseconds. Without an answer the payment is denied. */
  readonly timeoutMs: number
  /** The most questions of one agent that are open at once. */
  readonly perAgent: number
  /** The most questions about one vendor that are open at once or were denied in the last ten minutes. */
  readonly perVendor: number
  /** The share of any budget that open questions may hold together, in percent of its limit. */
  readonly holds: number
  /** The people whose signed answers count. Undefined if any answer counts. */
  readonly by?: readonly ApproverKey[]
}

/** A validated and hashed policy document with its pure evaluator. */
export interface Policy {
  readonly name: string
  readonly hash: string
  /** The unit's currency id, `iso4217:USD`. */
  readonly unit: string
  /** The unit's symbol, `USD`. */
  readonly symbol: string
  /** Returns the approval settings for the payments of this context. */
  approvalSettings(context: Context): ApprovalSettings
  /** Tells whether this policy could ever pay for this resource. If not, the call is sent without payment handling. */
  payable(resource: Resource, context: Context): boolean
  /** Explains why this policy could never pay for this resource. Empty if it could. */
  objections(resource: Resource, context: Context): readonly Reason[]
  bounds(resource: Resource, context: Context): Bounds
  evaluate(terms: Terms, resource: Resource, context: Context, facts: Facts): Decision
  /**
   * Returns the time for which `evaluate` needs to know an earlier purchase of the same request (`repeat`), in
   * milliseconds. Undefined if no rule needs it here.
   */
  repeatWithin(resource: Resource, context: Context): number | undefined
  /** Tells whether the credential may replace the caller's own `Authorization` here (`authorization: replace`). */
  replacesAuthorization(resource: Resource): boolean
  /** Tells whether an Idempotency-Key may cross origins in a browser here (`cors: true`). */
  sendsIdempotencyKey(resource: Resource): boolean
  /**
   * Lists every budget that applies to this context, as claims with the amount 0. An `each` budget is listed for the
   * values that the context fixes.
   */
  budgets(context: Context, now: Instant): readonly BudgetLine[]
  /**
   * Loads the public suffix list if the document has wildcards, and refuses wildcards below a public suffix
   * (`*.co.uk`).
   */
  ready(): Promise<void>
}

/** One entry of `budgets()`: a counter, or for an `each` budget a family of counters in the ledger. */
export interface BudgetLine {
  readonly rule: string
  readonly claim: CounterClaim
  /** The dimension of an `each` budget whose values only the ledger knows. */
  readonly each?: Dimension
  /**
   * Tells whether the document has a budget for this value of `each`. An origin below a listed wildcard counts under
   * the wildcard. If absent, every value has one.
   */
  readonly asks?: (value: string) => boolean
}

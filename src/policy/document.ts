import type { Dimension } from './types.js'
import type { Calendar, Weekday } from './windows.js'

/** A sum in the policy's unit, as text: `'0.10'` or `'0.10 USD'`. A `number` is refused, because it is not exact. */
export type Money = string

/** A duration: `'90s'`, `'5m'`, `'12h'`, `'30d'`, `'2w'`. */
export type Duration = string

/** A budget: the maximum of money or of payments in a window of time. */
export interface BudgetDocument {
  /** The maximum of prices and fees together. Set either this or `payments`. */
  readonly limit?: Money
  /** The maximum of payments. Set either this or `limit`. */
  readonly payments?: number
  /** A calendar window, or a duration if `rolling` is set. */
  readonly per: Calendar | Duration
  /** Counts the last `per` before each payment instead of a calendar window. */
  readonly rolling?: true
  /** Keeps a separate counter for each vendor entry, each payee, … Also requires a budget over all payments. */
  readonly each?: Exclude<Dimension, 'grant' | 'unit'>
  /** The IANA time zone of this budget: `Europe/Berlin`. */
  readonly timezone?: string
}

/**
 * A rule for repeated purchases. It applies if the agent has already bought a call with the same task, tool, method,
 * URL and body.
 */
export interface RepeatDocument {
  /** The time after a purchase in which the same request counts as a repeat: `1s` to `30d`. */
  readonly within: Duration
  /** Whether Purser refuses a repeat or asks a person. */
  readonly then: 'ask' | 'deny'
  /**
   * Exempts calls with a new `Idempotency-Key` of the caller: the caller wants to buy the same thing again. One key never
   * pays twice.
   *
   * @default such calls count as repeats too
   */
  readonly unlessKeyed?: true
}

/** A vendor that may be paid, and the scope. If several entries match a call, all of them apply. */
export interface VendorDocument {
  /** `https://api.example`, `https://*.example.com` for all hosts below, or the name of a server: `mcp:search`. */
  readonly origin: string
  /**
   * HTTP methods.
   *
   * @default all
   */
  readonly methods?: readonly string[]
  /**
   * Path patterns: `*` matches one segment, `**` any number of segments.
   *
   * @default all
   */
  readonly paths?: readonly string[]
  /**
   * Tool names, if the vendor is an MCP or JSON-RPC server.
   *
   * @default all
   */
  readonly tools?: readonly string[]
  readonly category?: string
  /**
   * The allowed payees. `any` allows every payee.
   *
   * @default the payees of the first payment
   */
  readonly payees?: readonly string[] | 'any'
  /** The maximum price of one payment to this vendor. */
  readonly perPayment?: Money
  /** The maximum deposit of all open sessions with this vendor. */
  readonly deposit?: Money
  /** Escrow contracts that may hold deposits of sessions with this vendor, in addition to the network's own. */
  readonly escrows?: readonly string[]
  /** Allows the credential to replace the caller's own `Authorization`. */
  readonly authorization?: 'replace'
  /** Allows browsers to send an `Idempotency-Key` to another origin. */
  readonly cors?: boolean
  /** The rule for repeated purchases from this vendor. */
  readonly repeat?: RepeatDocument
}

/** A rule about when Purser asks a person. Each rule has exactly one key. */
export type AskDocument =
  /** The price is higher than this. */
  | { readonly above: Money }
  /** The first purchase from a vendor. */
  | { readonly newVendor: true }
  /** The payee is not a pinned one. Without this rule, Purser denies the payment. */
  | { readonly newPayee: true }
  | { readonly category: string }
  /** The price is higher than the usual price of the operation times this factor. */
  | { readonly priceJump: number | string }
  /** The price is higher than the advertised one. */
  | { readonly aboveAdvertised: true }

/** A person who may answer questions, by the public key of their signatures. */
export interface ApproverDocument {
  /** The person's name. It is stored with the answer. */
  readonly name: string
  readonly type: 'ed25519' | 'p256' | 'passkey'
  /**
   * The public key in base64url: 32 bytes for `ed25519`, the 65 bytes of the uncompressed point for `p256`, and the COSE key
   * for `passkey`.
   */
  readonly publicKey: string
  /** Only for `passkey`: the id of the credential. */
  readonly credential?: string
  /** Only for `passkey`: the host name for which it was made. */
  readonly rpId?: string
  /** Only for `passkey`: the origins of the pages that may ask for it. */
  readonly origins?: readonly string[]
}

/** The settings for questions to a person, and the limits for pending questions. */
export interface ApprovalDocument {
  /**
   * The time limit of a question. Without an answer, the payment is denied.
   *
   * @default '5m'
   */
  readonly timeout?: Duration
  /**
   * The maximum of open questions of one agent. Further payments are refused without a question.
   *
   * @default 10
   */
  readonly perAgent?: number
  /**
   * The maximum of open questions about one vendor. A denied question counts for ten more minutes.
   *
   * @default 5
   */
  readonly perVendor?: number
  /**
   * The maximum share of each budget that open questions hold together, in percent of its limit. A further question
   * holds nothing; after the answer, the budget must still have room for its payment.
   *
   * @default 50
   */
  readonly holds?: number
  /**
   * The people who may answer. Only their signed answers count, and remembered approvals do not.
   *
   * @default any answer counts
   */
  readonly by?: readonly ApproverDocument[]
}

/** The rules of a policy, or of one agent in it. */
export interface RulesDocument {
  /** The maximum price of one payment. */
  readonly perPayment?: Money
  /** The maximum fee of one payment. */
  readonly maxFee?: Money
  /** A budget per task, in short form. */
  readonly perTask?: Money
  /** The maximum deposit of all open sessions together. */
  readonly deposits?: Money
  readonly budgets?: readonly BudgetDocument[]
  /**
   * The rule for vendors that are not listed.
   *
   * @default 'deny'
   */
  readonly unlisted?: 'deny' | 'ask' | 'allow'
  readonly vendors?: readonly VendorDocument[]
  /** The allowed currencies: their ids, or the unit's symbol for all currencies that are pegged to it. */
  readonly currencies?: readonly string[]
  /** The allowed methods (`tempo`) and networks (`eip155:4217`). A test network must be named by its id. */
  readonly networks?: readonly string[]
  readonly ask?: readonly AskDocument[]
  /**
   * The rule for repeated purchases.
   *
   * @default the same request may be bought again
   */
  readonly repeat?: RepeatDocument
  /** The settings for questions to a person. */
  readonly approval?: ApprovalDocument
  /**
   * The longest validity of a signed payment.
   *
   * @default '10m'
   */
  readonly maxValidity?: Duration
  /**
   * The IANA time zone of windows of a day and longer.
   *
   * @default 'UTC'
   */
  readonly timezone?: string
  /** @default 'monday' */
  readonly weekStart?: Weekday
}

/**
 * A spending policy, as a person writes it. `createPolicy` validates it.
 *
 * @example
 * ```ts
 * const policy: PolicyDocument = {
 *   perPayment: '0.10 USD',
 *   budgets: [{ limit: '5 USD', per: 'day' }],
 *   vendors: [{ origin: 'https://api.search.example' }],
 * }
 * ```
 */
export interface PolicyDocument extends RulesDocument {
  readonly version?: 1
  /**
   * The name to which the budgets belong. They survive edits of the document, restarts and key rotation.
   *
   * @default 'default'
   */
  readonly name?: string
  /**
   * The fiat currency in which all amounts are counted.
   *
   * @default 'USD'
   */
  readonly unit?: string
  /** Rules for named agents; `*` is for all others. Both these rules and the document must allow a payment. */
  readonly agents?: Readonly<Record<string, RulesDocument>>
  /** True if a way to pay needs no `perPayment` and no budget. */
  readonly unlimited?: boolean
}

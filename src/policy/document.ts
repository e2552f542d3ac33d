import type { Dimension } from './types.js'
import type { Calendar, Weekday } from './windows.js'

/**
 * A sum in the policy's unit, as text: `'0.10'`, or `'0.10 USD'`. Never a `number`: `0.1 + 0.2` has no place in a
 * budget.
 */
export type Money = string

/** A length of time: `'90s'`, `'5m'`, `'12h'`, `'30d'`, `'2w'`. */
export type Duration = string

/** One budget: the most that may be spent, or how many payments may be made, in a window of time. */
export interface BudgetDocument {
  /** The most that price and fees together may come to. Either this or `payments`. */
  readonly limit?: Money
  /** How many payments may be made. Either this or `limit`. */
  readonly payments?: number
  /** A window on the calendar, or with `rolling` a duration. */
  readonly per: Calendar | Duration
  /** Counts the last so long instead of a calendar window. */
  readonly rolling?: true
  /** A counter of its own for each value: every vendor entry, every payee, … Needs a budget over all beside it. */
  readonly each?: Exclude<Dimension, 'grant' | 'unit'>
  /** An IANA zone for this budget alone: `Europe/Berlin`. */
  readonly timezone?: string
}

/**
 * A rule for "this once". It applies to every call of the agent that has the same task, tool, method, URL and body as one
 * that was bought before.
 */
export interface RepeatDocument {
  /** How long after a purchase the same request counts as a repeat: from `1s` to `30d`. */
  readonly within: Duration
  /** What to do with a repeat: refuse it, or ask a person. */
  readonly then: 'ask' | 'deny'
  /**
   * Lets a call through that has an `Idempotency-Key` of its own: a fresh key says that the same is wanted again. The same
   * key never pays twice. Leave it out to judge calls with a key like all others.
   */
  readonly unlessKeyed?: true
}

/** One vendor that may be paid, and in what scope. Every entry that matches a call applies to it. */
export interface VendorDocument {
  /** `https://api.example`, `https://*.example.com` for everything below, or a server's name: `mcp:search`. */
  readonly origin: string
  /** HTTP methods; absent: all. */
  readonly methods?: readonly string[]
  /** Path patterns: `*` is one segment, `**` any number. Absent: all. */
  readonly paths?: readonly string[]
  /** Tool names, where the vendor is an MCP or JSON-RPC server. Absent: all. */
  readonly tools?: readonly string[]
  readonly category?: string
  /** Who may receive. Absent: pinned on first use. `any`: not pinned. */
  readonly payees?: readonly string[] | 'any'
  /** The most one payment here may cost. */
  readonly perPayment?: Money
  /** The most that open sessions with this vendor may lock up. */
  readonly deposit?: Money
  /** Contracts beside the network's own that sessions here may lock their deposits up in. */
  readonly escrows?: readonly string[]
  /** May the credential replace the caller's own `Authorization`? */
  readonly authorization?: 'replace'
  /** May an `Idempotency-Key` cross origins in a browser? */
  readonly cors?: boolean
  /** What to do with a request that was bought here before. */
  readonly repeat?: RepeatDocument
}

/** When a person must be asked. Each rule has exactly one key. */
export type AskDocument =
  /** A price above this. */
  | { readonly above: Money }
  /** The first purchase from a vendor. */
  | { readonly newVendor: true }
  /** A payee other than the pinned ones. Without this rule it is denied. */
  | { readonly newPayee: true }
  | { readonly category: string }
  /** A price above this many times the usual one of the operation. */
  | { readonly priceJump: number | string }
  /** A price above the advertised one. */
  | { readonly aboveAdvertised: true }

/** How a person is asked, and how much may wait for their answers. */
export interface ApprovalDocument {
  /** How long a question waits for its answer. Unanswered is denied. Default 5m. */
  readonly timeout?: Duration
  /** The most questions of one agent that are open at once. Beyond it payments are refused without asking. Default 10. */
  readonly perAgent?: number
  /**
   * The most questions about one vendor that are open at once. Those that were answered with no count for ten minutes.
   * Default 5.
   */
  readonly perVendor?: number
  /**
   * The most that open questions may hold of any budget together, in percent of its limit. A question beyond it holds
   * nothing: its payment must find room after the answer. Default 50.
   */
  readonly holds?: number
}

/** The rules of a policy, or of one agent in it. */
export interface RulesDocument {
  /** The most one payment may cost. */
  readonly perPayment?: Money
  /** The most one payment's fees may come to. */
  readonly maxFee?: Money
  /** Shorthand for a budget per task. */
  readonly perTask?: Money
  /** The most that all open sessions together may lock up. */
  readonly deposits?: Money
  readonly budgets?: readonly BudgetDocument[]
  /** What to do with vendors that are not listed. */
  readonly unlisted?: 'deny' | 'ask' | 'allow'
  readonly vendors?: readonly VendorDocument[]
  /** The unit's symbol (all currencies pegged to it), or currency ids. */
  readonly currencies?: readonly string[]
  /** Methods (`tempo`), or networks by id (`eip155:4217`). Test networks only by id. */
  readonly networks?: readonly string[]
  readonly ask?: readonly AskDocument[]
  /** What to do with a request that was bought before. Default: the same request may be bought again. */
  readonly repeat?: RepeatDocument
  /** How a person is asked, and how much may wait for their answers. */
  readonly approval?: ApprovalDocument
  /** How long an authorization may live, whatever the server asks. Default 10m. */
  readonly maxValidity?: Duration
  /** The zone of windows of days and longer. Default UTC. */
  readonly timezone?: string
  /** Default monday. */
  readonly weekStart?: Weekday
}

/**
 * A spend policy, as a person writes it: data, validated by `createPolicy`.
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
  /** Budgets belong to this name, and survive edits, restarts and key rotation. Default `default`. */
  readonly name?: string
  /** The fiat currency everything is counted in. Default USD. */
  readonly unit?: string
  /** Rules for single agents, or for all others under `*`. Both they and the document must allow. */
  readonly agents?: Readonly<Record<string, RulesDocument>>
  /** Lifts the demand that every way to pay has a `perPayment` and a budget. */
  readonly unlimited?: boolean
}

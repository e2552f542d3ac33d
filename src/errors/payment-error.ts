import { own } from './own.js'
/**
 * What happened to the money: the one thing a caller wants to know after an exception.
 *
 * - `untouched`: nothing was signed for this call; no money is set aside.
 * - `held`: budget is set aside, nothing was signed.
 * - `committed`: a credential may have left, and a live process still works on it.
 * - `settled`: the money has moved.
 * - `unknown`: a credential may have left, and nobody knows yet what became of it. It counts as spent.
 */
export type Funds = 'untouched' | 'held' | 'committed' | 'settled' | 'unknown'

/** Every code a {@link PaymentError} can carry. Codes tell apart what callers do differently. */
export const ERROR_CODES = [
  // Policy, a person or a counter said no.
  'refused',
  'approval_lapsed',
  'frozen',
  // An earlier payment stands in the way.
  'already_paid',
  'paid_not_delivered',
  'payment_in_doubt',
  'idempotency_conflict',
  'busy',
  // A person must act before the payment can go on.
  'action_required',
  // The request cannot be paid for.
  'not_replayable',
  'digest_mismatch',
  'authorization_taken',
  'credential_too_large',
  // Wallets.
  'insufficient_funds',
  'wrong_chain',
  'unknown_currency',
  'wallet_unavailable',
  'wallet_failed',
  // The ledger and its clock.
  'ledger_busy',
  'ledger_missing',
  'ledger_corrupt',
  'ledger_read_only',
  'ledger_newer',
  'ledger_incomplete',
  'ledger_failed',
  'clock_jumped',
  'clock_wrong',
  // Configuration.
  'invalid_policy',
  'invalid_config',
  'closed',
] as const

/** One of {@link ERROR_CODES}. */
export type ErrorCode = (typeof ERROR_CODES)[number]

/** One reason behind a decision: structured, and readable as a sentence (`says`). */
export interface Reason {
  /** The rule that spoke, for example `perPayment`, `budget.day` or `vendors`. */
  readonly rule: string
  /** What the rule allows, with its currency or noun: `5 USD`, `60 payments`. */
  readonly limit?: string
  /** What this payment asked. */
  readonly asked?: string
  /** What was left when it asked. */
  readonly remaining?: string
  /** When the budget opens again, in epoch milliseconds. */
  readonly resetsAt?: number
  /** The earlier payment that the rule speaks of: its id in the ledger. */
  readonly payment?: string
  /** The receipt's or the chain's reference of that earlier payment, if it has one. */
  readonly reference?: string
  /** The whole reason as one sentence. Never says how to get around the rule. */
  readonly message: string
}

/** What a person must do before a payment can go on. */
export type NextAction =
  | { readonly kind: 'redirect'; readonly url: string }
  | { readonly kind: 'sdk'; readonly value: string }

/** What a server answered to a credential, instead of what was bought. Its words are cleaned and cut; they prove nothing. */
export interface Rejection {
  /** The status of its answer. */
  readonly status: number
  /** The problem's type (RFC 9457), or `x402:` and a code of x402, such as `x402:insufficient_funds`. */
  readonly type?: string
  readonly title?: string
  readonly detail?: string
}

/** What a {@link PaymentError} may carry beside its code. */
export interface PaymentErrorDetails {
  readonly cause?: unknown
  /** Would the same call have a chance later, without anybody changing anything? */
  readonly retryable?: boolean | undefined
  readonly reasons?: readonly Reason[] | undefined
  /** The ledger's id of the payment concerned. */
  readonly paymentId?: string | undefined
  /** The receipt's or the chain's reference of a payment that settled. */
  readonly reference?: string | undefined
  readonly action?: NextAction | undefined
  /** Why the server did not take the credential, if it said so. */
  readonly rejection?: Rejection | undefined
  /** When it makes sense to try again, in epoch milliseconds. */
  readonly retryAt?: number | undefined
  /** The transport's reply behind the error. Kept non-enumerable, so that loggers do not dump it. */
  readonly reply?: unknown
}

const BRAND = Symbol.for('purser.PaymentError')
/** The page that explains every code, in the package: a web address could one day belong to somebody else. */
const DOCS = 'purser/docs/errors.md#'
const RETRYABLE: ReadonlySet<ErrorCode> = new Set(['busy', 'ledger_busy', 'wallet_unavailable'])

/**
 * The base of everything Purser throws, apart from caller mistakes (`TypeError`) and what `fetch` itself throws.
 *
 * @example
 * ```ts
 * try {
 *   await purser.fetch(url)
 * } catch (error) {
 *   if (isPaymentError(error) && error.funds === 'unknown') await purser.recover()
 * }
 * ```
 */
export class PaymentError extends Error {
  override readonly name: string = 'PaymentError'
  readonly code: ErrorCode
  /** Was I charged? */
  readonly funds: Funds
  readonly retryable: boolean
  /** Where this code is explained: a page of the package and its heading, below `node_modules`. */
  readonly docs: string
  readonly reasons: readonly Reason[]
  declare readonly paymentId?: string
  declare readonly reference?: string
  declare readonly action?: NextAction
  /** Why the server did not take the credential, if it said so. */
  declare readonly rejection?: Rejection
  declare readonly retryAt?: number
  /** The reply behind the error, where there is one. Not enumerable. */
  declare readonly reply: unknown

  constructor(code: ErrorCode, funds: Funds, message: string, given: PaymentErrorDetails = {}) {
    const details = own(given)
    super(message, 'cause' in details ? { cause: details.cause } : undefined)
    this.code = code
    this.funds = funds
    this.retryable = details.retryable ?? RETRYABLE.has(code)
    this.docs = `${DOCS}${code}`
    this.reasons = details.reasons ?? []
    if (details.paymentId !== undefined) this.paymentId = details.paymentId
    if (details.reference !== undefined) this.reference = details.reference
    if (details.action !== undefined) this.action = details.action
    if (details.rejection !== undefined) this.rejection = details.rejection
    if (details.retryAt !== undefined) this.retryAt = details.retryAt
    Object.defineProperty(this, 'reply', { value: details.reply, enumerable: false })
    Object.defineProperty(this, BRAND, { value: true, enumerable: false })
  }
}

/** Policy, a person or a counter said no: thrown instead of the 402 reply when `onRefusal: 'throw'` is set. */
export class PaymentRefusedError extends PaymentError {
  override readonly name = 'PaymentRefusedError'

  constructor(
    message: string,
    given: PaymentErrorDetails & {
      readonly code?: ErrorCode | undefined
      readonly funds?: Funds | undefined
    } = {},
  ) {
    const details = own(given)
    super(details.code ?? 'refused', details.funds ?? 'untouched', message, details)
  }
}

/**
 * Is this a {@link PaymentError} (of that code)? Works across copies of the module, where `instanceof` does not.
 *
 * @example
 * ```ts
 * if (isPaymentError(error, 'refused')) console.log(error.reasons.map((reason) => reason.message))
 * ```
 */
export function isPaymentError(error: unknown, code?: ErrorCode): error is PaymentError {
  if (typeof error !== 'object' || error === null || !(BRAND in error)) return false
  return code === undefined || ('code' in error && error.code === code)
}

/** How many errors are looked at behind one: a chain of causes may be long, or lead back to itself. */
const MOST_LOOKED_AT = 32

/**
 * Finds the {@link PaymentError} in an error, or behind it: SDKs wrap what `fetch` throws, and keep it as `cause` or, after
 * several tries, in `errors`.
 *
 * @param error Whatever was caught.
 * @param code Finds only an error of this code. Default: of any code.
 * @returns The nearest one, or undefined if there is none.
 * @example
 * ```ts
 * declare const sdk: { call(options: { fetch: typeof purser.fetch }): Promise<void> }
 * try {
 *   await sdk.call({ fetch: purser.fetch })
 * } catch (error) {
 *   const payment = findPaymentError(error)
 *   if (payment?.funds === 'unknown') await purser.recover()
 * }
 * ```
 */
export function findPaymentError(error: unknown, code?: ErrorCode): PaymentError | undefined {
  const found: unknown[] = [error]
  for (let at = 0; at < Math.min(found.length, MOST_LOOKED_AT); at++) {
    const candidate = found[at]
    if (isPaymentError(candidate, code)) return candidate
    if (typeof candidate !== 'object' || candidate === null) continue
    if ('cause' in candidate) found.push(candidate.cause)
    if ('errors' in candidate && Array.isArray(candidate.errors))
      found.push(...candidate.errors.slice(0, MOST_LOOKED_AT))
  }
  return undefined
}

import { own } from '../util/objects.js'
/**
 * The state of the money after an error.
 *
 * - `untouched`: nothing was signed for this call; no money is set aside.
 * - `held`: budget is set aside; nothing was signed.
 * - `committed`: a credential may have been sent, and a live process still works on the payment.
 * - `settled`: the money has moved.
 * - `unknown`: a credential may have been sent, and the outcome is not known yet. The payment counts as spent.
 *
 * @see docs/errors.md
 */
export type Funds = 'untouched' | 'held' | 'committed' | 'settled' | 'unknown'

/**
 * All codes that a {@link PaymentError} can carry. Two errors have different codes if callers should handle them
 * differently.
 *
 * @see docs/errors.md
 */
export const ERROR_CODES = [
  // The policy, a person or a budget counter refused the payment.
  'refused',
  'approval_lapsed',
  'frozen',
  // An earlier payment blocks this one.
  'already_paid',
  'paid_not_delivered',
  'payment_in_doubt',
  'idempotency_conflict',
  'busy',
  // A person must act before the payment can continue.
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
  'ledger_older',
  'ledger_newer',
  'ledger_incomplete',
  'ledger_failed',
  'clock_jumped',
  'clock_wrong',
  // Configuration.
  'invalid_policy',
  'invalid_config',
  'notification_failed',
  'closed',
] as const

/** One of {@link ERROR_CODES}. */
export type ErrorCode = (typeof ERROR_CODES)[number]

/** One reason for a decision, as fields and as a sentence (`message`). */
export interface Reason {
  /** The rule that decided, for example `perPayment`, `budget.day` or `vendors`. */
  readonly rule: string
  /** The limit of the rule, with its currency or noun: `5 USD`, `60 payments`. */
  readonly limit?: string
  /** The amount or value of this payment. */
  readonly asked?: string
  /** The part of the budget that was left at that moment. */
  readonly remaining?: string
  /** The time when the budget has room again, in epoch milliseconds. */
  readonly resetsAt?: number
  /** The ledger's id of the earlier payment that the rule refers to. */
  readonly payment?: string
  /** The reference of that earlier payment on its receipt or on the chain, if there is one. */
  readonly reference?: string
  /** The whole reason as one sentence. It never explains how to get around the rule. */
  readonly message: string
}

/** The action that a person must take before the payment can continue. */
export type NextAction =
  | { readonly kind: 'redirect'; readonly url: string }
  | { readonly kind: 'sdk'; readonly value: string }

/** The server's reply to a credential that it rejected. Its texts are cleaned and cut; they prove nothing. */
export interface Rejection {
  /** The HTTP status of the reply. */
  readonly status: number
  /** The type of the problem (RFC 9457), or `x402:` and an x402 code, such as `x402:insufficient_funds`. */
  readonly type?: string
  readonly title?: string
  readonly detail?: string
}

/** Details of a {@link PaymentError}. */
export interface PaymentErrorDetails {
  readonly cause?: unknown
  /**
   * True if the same call may succeed later without any change.
   *
   * @default true for `busy`, `ledger_busy` and `wallet_unavailable`
   */
  readonly retryable?: boolean | undefined
  readonly reasons?: readonly Reason[] | undefined
  /** The ledger's id of the payment. */
  readonly paymentId?: string | undefined
  /** The reference of a settled payment on its receipt or on the chain. */
  readonly reference?: string | undefined
  readonly action?: NextAction | undefined
  /** The server's reason for rejecting the credential, if it gave one. */
  readonly rejection?: Rejection | undefined
  /** The earliest time at which a retry makes sense, in epoch milliseconds. */
  readonly retryAt?: number | undefined
  /** The transport's reply behind the error. Not enumerable, so that loggers do not print it. */
  readonly reply?: unknown
}

const BRAND = Symbol.for('purser.PaymentError')
/** The page of the package that explains every code. It is not a web address, because a domain can change its owner. */
const DOCS = 'purser/docs/errors.md#'
const RETRYABLE: ReadonlySet<ErrorCode> = new Set(['busy', 'ledger_busy', 'wallet_unavailable'])

/**
 * The base class of all errors that Purser throws, except caller mistakes (`TypeError`) and errors of `fetch` itself.
 *
 * @see docs/errors.md
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
  /** The state of the money: the answer to "was I charged?". */
  readonly funds: Funds
  readonly retryable: boolean
  /** The path of the explanation of this code, below `node_modules`: a page and its heading. */
  readonly docs: string
  readonly reasons: readonly Reason[]
  declare readonly paymentId?: string
  declare readonly reference?: string
  declare readonly action?: NextAction
  /** The server's reason for rejecting the credential, if it gave one. */
  declare readonly rejection?: Rejection
  declare readonly retryAt?: number
  /** The reply behind the error, if there is one. Not enumerable. */
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

/**
 * The policy, a person or a budget counter refused the payment. Thrown instead of returning the 402 reply if
 * `onRefusal: 'throw'` is set.
 */
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
 * Tells whether a value is a {@link PaymentError}. Works across copies of the module; `instanceof` does not.
 *
 * @param code - If given, the error must have this code.
 * @example
 * ```ts
 * if (isPaymentError(error, 'refused')) console.log(error.reasons.map((reason) => reason.message))
 * ```
 */
export function isPaymentError(error: unknown, code?: ErrorCode): error is PaymentError {
  if (typeof error !== 'object' || error === null || !(BRAND in error)) return false
  return code === undefined || ('code' in error && error.code === code)
}

/** The limit of errors examined behind one error: a chain of causes may be long or circular. */
const MOST_LOOKED_AT = 32

/**
 * Finds the {@link PaymentError} in an error or behind it. SDKs wrap the errors of `fetch` and keep them as `cause` or,
 * after several attempts, in `errors`.
 *
 * @param error - The caught value.
 * @param code - If given, only an error with this code is found.
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

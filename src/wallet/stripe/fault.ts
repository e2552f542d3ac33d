import { type ErrorCode, type Funds, isPaymentError, PaymentError } from '../../errors/index.js'
import type { Instant } from '../../money/index.js'

/** A failure at Stripe, without Stripe's own text: its messages and errors quote keys, tokens and payment methods. */
export interface Fault {
  /**
   * True if Stripe examined and refused the request: nothing was created, and repeating the request creates nothing.
   */
  readonly final: boolean
  readonly status: number | undefined
  /** The time of the refusal, by Stripe's clock. */
  readonly at: Instant | undefined
  readonly message: string
}

/** Reads an error of stripe-node. Only its codes are kept. */
export function faultOf(error: unknown): Fault {
  const raw = typeof error === 'object' && error !== null ? error : {}
  const type = codeIn(raw, 'rawType') ?? codeIn(raw, 'type')
  const code = codeIn(raw, 'code')
  const decline = codeIn(raw, 'decline_code')
  const given: unknown = Reflect.get(raw, 'statusCode')
  const status = typeof given === 'number' ? given : undefined
  const refusal = type === 'invalid_request_error' || type === 'card_error'
  const at = dateIn(raw)
  const words = [code ?? type, decline, status].filter((word) => word !== undefined)
  return {
    final: refusal && (status === 400 || status === 402 || status === 404),
    status,
    at,
    message: words.length === 0 ? 'no answer' : words.join(', '),
  }
}

/** Reads a code. Codes are lower-case words; any other text may contain private data. */
function codeIn(raw: object, name: string): string | undefined {
  const value: unknown = Reflect.get(raw, name)
  return typeof value === 'string' && /^[a-z][a-z0-9_]{0,63}$/.test(value) ? value : undefined
}

/** Reads the `Date` of the answer, whose headers stand in stripe-node's error. */
function dateIn(raw: object): Instant | undefined {
  const headers: unknown = Reflect.get(raw, 'headers')
  const date: unknown =
    typeof headers === 'object' && headers !== null ? Reflect.get(headers, 'date') : undefined
  const at = typeof date === 'string' ? Date.parse(date) : Number.NaN
  return Number.isNaN(at) ? undefined : at
}

export function failed(
  message: string,
  code: ErrorCode = 'wallet_failed',
  funds: Funds = 'untouched',
): PaymentError {
  return new PaymentError(code, funds, message)
}

/** Creates the error of a failed step at Stripe. It has no cause, because stripe-node's errors contain the request. */
export function stepFailed(step: string, error: unknown): PaymentError {
  if (isPaymentError(error)) return error
  const { message, status } = faultOf(error)
  const away = status === undefined || status >= 500 || status === 429
  return failed(
    `Stripe did not ${step} (${message})`,
    away ? 'wallet_unavailable' : 'wallet_failed',
    'committed',
  )
}

import { type Funds, PaymentError } from '../errors/index.js'

/** The network's fault, as `fetch` has its own errors for it: nothing about money. */
export function networkFailure(message: string): DOMException {
  return new DOMException(message, 'NetworkError')
}

/** The server sent more than is held for it. */
export function tooMuch(message: string): DOMException {
  return new DOMException(message, 'QuotaExceededError')
}

const CODES = {
  untouched: 'not_replayable',
  settled: 'paid_not_delivered',
  unknown: 'payment_in_doubt',
} as const satisfies Partial<Record<Funds, string>>

/** The payment's own end, and what is known of the money by then. */
export function moneyFailure(funds: keyof typeof CODES, message: string): PaymentError {
  return new PaymentError(CODES[funds], funds, message)
}

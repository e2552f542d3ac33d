import { type Funds, PaymentError } from '../errors/index.js'

/** An error of the network, as in `fetch`. It says nothing about money. */
export function networkFailure(message: string): DOMException {
  return new DOMException(message, 'NetworkError')
}

/** The server sent more than the limits allow. */
export function tooMuch(message: string): DOMException {
  return new DOMException(message, 'QuotaExceededError')
}

const CODES = {
  untouched: 'not_replayable',
  settled: 'paid_not_delivered',
  unknown: 'payment_in_doubt',
} as const satisfies Partial<Record<Funds, string>>

/** An error that ends the payment, with the known state of the money. */
export function moneyFailure(funds: keyof typeof CODES, message: string): PaymentError {
  return new PaymentError(CODES[funds], funds, message)
}

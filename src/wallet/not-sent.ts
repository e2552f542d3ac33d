import { PaymentError } from '../errors/index.js'

const unsent = new WeakSet<object>()

/** Creates the error for a `complete` that failed before anything was sent. The payment ends and is not in doubt. */
export function notSentError(message: string): PaymentError {
  const error = new PaymentError('wallet_unavailable', 'untouched', message)
  unsent.add(error)
  return error
}

/** Tells whether this error of a wallet proves that nothing was sent. */
export function isNotSentError(error: unknown): error is PaymentError {
  return typeof error === 'object' && error !== null && unsent.has(error)
}

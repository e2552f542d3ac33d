import { PaymentError } from '../errors/index.js'

const unsent = new WeakSet<object>()

/** A failure of `complete` by which nothing has left: the payment is over, and no doubt. */
export function notSentError(message: string): PaymentError {
  const error = new PaymentError('wallet_unavailable', 'untouched', message)
  unsent.add(error)
  return error
}

/** Did the wallet prove by this very error that nothing has left? */
export function isNotSentError(error: unknown): error is PaymentError {
  return typeof error === 'object' && error !== null && unsent.has(error)
}

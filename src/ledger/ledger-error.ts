import { type ErrorCode, PaymentError } from '../errors/index.js'

/** Returns an error of a store. If it is thrown, nothing was paid. */
export function ledgerError(
  code: ErrorCode,
  message: string,
  details: { readonly cause?: unknown } = {},
): PaymentError {
  return new PaymentError(code, 'untouched', `${message}. Nothing was paid.`, details)
}

export function damaged(): PaymentError {
  return ledgerError('ledger_corrupt', 'The ledger is damaged: a row cannot be read')
}

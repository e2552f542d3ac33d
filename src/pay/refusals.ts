import { type ErrorCode, PaymentRefusedError } from '../errors/index.js'

/**
 * What stops a call before a credential of its own has left: the caller gets a reply that says why (or the same as an
 * exception, with `onRefusal: 'throw'`). Everything else a payment can end with is thrown.
 */
const REFUSALS: ReadonlySet<ErrorCode> = new Set([
  'refused',
  'approval_lapsed',
  'frozen',
  'already_paid',
  'paid_not_delivered',
  'payment_in_doubt',
  'idempotency_conflict',
  'busy',
  'not_replayable',
  'digest_mismatch',
  'authorization_taken',
  'credential_too_large',
  'insufficient_funds',
  'wrong_chain',
  'unknown_currency',
  'wallet_unavailable',
  'wallet_failed',
])

/** Is this error a refusal, in the sense above? */
export function isRefusal(error: unknown): error is PaymentRefusedError {
  return error instanceof PaymentRefusedError && REFUSALS.has(error.code)
}

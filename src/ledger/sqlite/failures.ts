import { type ErrorCode, isPaymentError, PaymentError } from '../../errors/index.js'

/** SQLite's primary result codes: https://sqlite.org/rescode.html */
const BUSY = 5
const LOCKED = 6
const CODES: ReadonlyMap<number, readonly [ErrorCode, string]> = new Map([
  [BUSY, ['ledger_busy', 'The ledger is locked by another process']],
  [LOCKED, ['ledger_busy', 'The ledger is locked by another process']],
  [8, ['ledger_read_only', 'The ledger cannot be written to']],
  [11, ['ledger_corrupt', 'The ledger is damaged']],
  [14, ['ledger_failed', 'The ledger cannot be opened']],
  [26, ['ledger_corrupt', 'The file is not a ledger']],
])

function resultCode(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null || !('errcode' in error)) return undefined
  // The low byte is the primary code; the rest says more.
  return typeof error.errcode === 'number' ? error.errcode & 0xff : undefined
}

export function isBusy(error: unknown): boolean {
  const code = resultCode(error)
  return code === BUSY || code === LOCKED
}

/** What went wrong in the store, in the ledger's own words. Caller mistakes and our own errors pass as they are. */
export function failure(error: unknown): unknown {
  if (isPaymentError(error) || error instanceof TypeError) return error
  const [code, says] = CODES.get(resultCode(error) ?? -1) ?? ['ledger_failed', 'The ledger failed']
  return new PaymentError(code, 'untouched', `${says}. Nothing was paid.`, { cause: error })
}

export function ledgerError(code: ErrorCode, says: string): PaymentError {
  return new PaymentError(code, 'untouched', `${says}. Nothing was paid.`)
}

import { type ErrorCode, isPaymentError, PaymentError } from '../../errors/index.js'

/**
 * A primary result code of SQLite (https://sqlite.org/rescode.html), SQLite's text for it, and Purser's error for it.
 */
interface Known {
  readonly result: number
  readonly text: string
  readonly code: ErrorCode
  readonly message: string
}

const LOCKED = 'The ledger is locked by another process'
const KNOWN: readonly Known[] = [
  { result: 5, text: 'database is locked', code: 'ledger_busy', message: LOCKED },
  { result: 6, text: 'database table is locked', code: 'ledger_busy', message: LOCKED },
  {
    result: 8,
    text: 'attempt to write a readonly database',
    code: 'ledger_read_only',
    message: 'The ledger cannot be written to',
  },
  {
    result: 11,
    text: 'database disk image is malformed',
    code: 'ledger_corrupt',
    message: 'The ledger is damaged',
  },
  {
    result: 14,
    text: 'unable to open database file',
    code: 'ledger_failed',
    message: 'The ledger cannot be opened',
  },
  { result: 26, text: 'file is not a database', code: 'ledger_corrupt', message: 'The file is not a ledger' },
]

function known(error: unknown): Known | undefined {
  if (typeof error !== 'object' || error === null) return undefined
  if ('errcode' in error && typeof error.errcode === 'number') {
    // The low byte is the primary code. The other bytes contain details.
    const result = error.errcode & 0xff
    return KNOWN.find((each) => each.result === result)
  }
  // Deno throws errors without a code from `exec`. There only the text identifies the error.
  return KNOWN.find(({ text }) => 'message' in error && error.message === text)
}

export function isBusy(error: unknown): boolean {
  return known(error)?.code === 'ledger_busy'
}

/** Returns whether SQLite could neither open nor make the extra files of a ledger. */
export function isWithoutLog(error: unknown): boolean {
  const result = known(error)?.result
  return result === 8 || result === 14
}

/**
 * Translates an error of the store into an error of the ledger. Errors of the caller and of Purser are returned
 * unchanged.
 */
export function failure(error: unknown): unknown {
  if (isPaymentError(error) || error instanceof TypeError) return error
  const { code, message } = known(error) ?? { code: 'ledger_failed', message: 'The ledger failed' }
  return new PaymentError(code, 'untouched', `${message}. Nothing was paid.`, { cause: error })
}

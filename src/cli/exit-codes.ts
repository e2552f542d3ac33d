import { isPaymentError } from '../errors/index.js'

/** The exit codes of `purser`, for scripts. They are the same for every command. */
export const EXIT = {
  done: 0,
  failed: 1,
  usage: 2,
  refused: 3,
  network: 4,
  waits: 5,
  doubt: 6,
  undelivered: 7,
  frozen: 8,
  httpError: 22,
} as const

export type ExitCode = (typeof EXIT)[keyof typeof EXIT]

/** The exit code of a command that ended with this error. */
export function exitCodeOf(error: unknown): ExitCode {
  if (!isPaymentError(error)) return EXIT.failed
  const { code, funds } = error
  if (code === 'action_required') return EXIT.waits
  if (code === 'paid_not_delivered') return EXIT.undelivered
  // Another process may be paying, so nobody can say yet whether money moved.
  if (funds === 'unknown' || funds === 'committed') return EXIT.doubt
  if (code === 'invalid_config' || code === 'invalid_policy') return EXIT.usage
  if (code === 'frozen') return EXIT.frozen
  if (code === 'refused' || code === 'approval_lapsed') return EXIT.refused
  return code === 'wallet_unavailable' ? EXIT.network : EXIT.failed
}

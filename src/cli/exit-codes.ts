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
  if (error.code === 'invalid_config' || error.code === 'invalid_policy') return EXIT.usage
  if (error.code === 'frozen') return EXIT.frozen
  if (error.code === 'refused') return EXIT.refused
  if (error.code === 'paid_not_delivered') return EXIT.undelivered
  return error.funds === 'unknown' ? EXIT.doubt : EXIT.failed
}

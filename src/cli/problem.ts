import { clean, type Funds, isPaymentError } from '../errors/index.js'

const MONEY: Readonly<Record<Funds, string>> = {
  untouched: 'Nothing was paid.',
  held: 'Nothing was paid. The budget is still held.',
  committed: 'The payment is in progress in another process.',
  settled: 'The money was paid.',
  unknown: 'Money may have moved. It counts as spent until this is known.',
}

/**
 * Returns the lines of an error for a person: what happened, the state of the money, and where it is explained. The text
 * of other errors is bounded, because it may quote a server.
 */
export function linesOf(error: unknown): string {
  if (!isPaymentError(error))
    return `purser: ${error instanceof Error ? clean(error.message, 600) : 'the command failed'}\n`
  const { code, message, funds, docs } = error
  const isSettings = code === 'invalid_config' || code === 'invalid_policy'
  const money = isSettings || message.includes(MONEY[funds]) ? [] : [MONEY[funds]]
  return [
    `${code === 'refused' ? 'refused' : 'purser'}: ${message}`,
    ...money,
    `See ${docs} (${code})`,
    '',
  ].join('\n')
}

/** Returns an error for scripts: what `--json` prints to stderr. */
export function problemFact(error: unknown): object {
  if (!isPaymentError(error))
    return { error: { message: error instanceof Error ? clean(error.message, 600) : 'the command failed' } }
  const { code, message, funds, docs } = error
  return { error: { code, message: clean(message, 2000), funds, docs } }
}

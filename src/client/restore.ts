import { type Names, ownOptions } from '../errors/index.js'
import type { Gap, GapStatement, Ledger } from '../ledger/index.js'
import { parseUnits, type Units } from '../money/index.js'
import type { Policy } from '../policy/index.js'

/**
 * A person's statement about the payments that a restored ledger has lost. Amounts are texts in the policy's unit,
 * for example `'3.20'` or `'3.20 USD'`.
 */
export interface RestoreStatement {
  /** The name of the person. */
  readonly by: string
  /**
   * The total that was spent in the gap, fees included. It counts once on every budget whose window reaches back into
   * the gap. `unknown`: each of these budgets counts as full until its window has ended.
   */
  readonly spent: string
  /** The total of the deposits of sessions that were opened in the gap. Default: unknown. */
  readonly deposits?: string
  /** The number of payments in the gap, for budgets that count payments. Default: unknown. */
  readonly payments?: number
}

const STATEMENT: Names<RestoreStatement> = { by: true, spent: true, deposits: true, payments: true }

/**
 * Stores the statement.
 *
 * @throws TypeError if the statement cannot be read, or if the ledger has no open gap.
 */
export async function confirmGap(
  ledger: Ledger,
  policy: Policy,
  statement: RestoreStatement,
): Promise<readonly Gap[]> {
  const gaps = await ledger.confirmGaps(readStatement(statement, policy))
  if (gaps === undefined) throw new TypeError('The ledger has forgotten nothing: there is no gap to confirm')
  return gaps
}

/** @throws TypeError */
export function readStatement(statement: RestoreStatement, { unit, symbol }: Policy): GapStatement {
  const own = ownOptions(statement, STATEMENT, 'confirmRestore()')
  const { by, spent, deposits, payments }: Partial<RestoreStatement> = own
  if (typeof by !== 'string' || by.trim() === '')
    throw new TypeError('confirmRestore() needs `by`: the name of the person who says so')
  if (payments !== undefined && (!Number.isSafeInteger(payments) || payments < 0))
    throw new TypeError('`payments` must be a whole number, for example 12')
  const all = spent === 'unknown' ? undefined : unitsOf('spent', spent, symbol)
  const locked = deposits === undefined ? undefined : unitsOf('deposits', deposits, symbol)
  return {
    by,
    unit,
    ...(all === undefined ? {} : { spent: all }),
    ...(locked === undefined ? {} : { deposits: locked }),
    ...(payments === undefined ? {} : { payments }),
  }
}

function unitsOf(name: string, text: unknown, symbol: string): Units {
  const match = typeof text === 'string' ? /^([0-9.]+)(?: ([A-Za-z]+))?$/.exec(text) : null
  const units = match?.[1] === undefined ? undefined : parseUnits(match[1])
  if (units !== undefined && (match?.[2] === undefined || match[2] === symbol)) return units
  const or = name === 'spent' ? ", or 'unknown'" : ''
  throw new TypeError(
    `\`${name}\` must be a decimal text in ${symbol}, for example '3.20' or '3.20 ${symbol}'${or}`,
  )
}

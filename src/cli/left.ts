import type { Budget, Purser } from '../index.js'
import { type AmountFact, unitsFact } from './facts.js'

/** The rest of the tightest budget of money. */
export interface LeftFact {
  readonly amount: AmountFact
  readonly window: string
}

/** Returns the rest of the tightest budget that counts payments to a vendor. Undefined if none can be read. */
export async function leftFor(
  purser: Pick<Purser, 'budgets'>,
  vendor: string,
  symbol: string,
): Promise<LeftFact | undefined> {
  const budgets = await purser.budgets().catch((): readonly Budget[] => [])
  const tightest = budgets
    .filter(({ counts, scope }) => counts === 'spend' && (scope.vendor ?? vendor) === vendor)
    .reduce<Budget | undefined>(
      (least, budget) => (least === undefined || budget.remaining < least.remaining ? budget : least),
      undefined,
    )
  if (tightest === undefined) return undefined
  const { remaining, window } = tightest
  return { amount: unitsFact(remaining > 0n ? remaining : 0n, symbol), window }
}

const WORDS: Readonly<Record<string, string>> = {
  minute: 'this minute',
  hour: 'this hour',
  day: 'today',
  week: 'this week',
  month: 'this month',
  year: 'this year',
  ever: 'in all',
  task: 'in this task',
}

/** Returns the window of a budget as people say it: `today`. */
export function windowWords(window: string): string {
  if (window.endsWith('~')) return `in ${window.slice(0, -1)}`
  const name = /^\w+/.exec(window)?.[0] ?? window
  return WORDS[name] ?? window
}

/** `4.98 USD left today` */
export function leftText({ amount, window }: LeftFact): string {
  return `${amount.value} ${amount.currency} left ${windowWords(window)}`
}

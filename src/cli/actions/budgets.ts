import { type Environment, openViewFromEnvironment } from '../../config/index.js'
import type { Budget } from '../../index.js'
import { listAnswer } from '../answer.js'
import { type AmountFact, timeFact, unitsFact } from '../facts.js'
import type { JsonOf } from '../schemas.js'
import { environmentWith } from '../settings.js'
import type { Action, CommonOptions } from '../shell.js'
import { type Column, table } from '../table.js'

/** The options of `purser budgets`. */
export interface BudgetsOptions extends CommonOptions {
  readonly agent?: string | undefined
  readonly task?: string | undefined
}

/** Lists each budget of an agent. */
export const budgets: Action<BudgetsOptions> = async ({ options, terminal }) =>
  listAnswer(budgetsIn(options, environmentWith(options, terminal.env)), (rows, style) =>
    table(
      COLUMNS,
      rows.map(({ rule, spent, held, left, limit, resets }) => [
        rule,
        shown(spent),
        shown(held),
        shown(left),
        shown(limit),
        resets ?? '',
      ]),
      style,
    ),
  )

const COLUMNS: readonly Column[] = [
  { title: '', cut: true },
  { title: 'spent', align: 'right' },
  { title: 'held', align: 'right' },
  { title: 'left', align: 'right' },
  { title: 'of', align: 'right' },
  { title: 'resets' },
]

async function* budgetsIn({ task }: BudgetsOptions, env: Environment): AsyncGenerator<JsonOf<'budgets'>> {
  const { view, places, policy: load } = await openViewFromEnvironment(env)
  try {
    const policy = await load()
    const tasks = task === undefined ? [] : [task]
    for (const budget of await view.budgets(policy, { agent: places.agent, tasks }))
      yield factsOf(budget, policy.symbol)
  } finally {
    await view.close()
  }
}

function factsOf(
  { rule, counts, scope, window, limit, spent, held, remaining, resetsAt }: Budget,
  symbol: string,
): JsonOf<'budgets'> {
  const value = (units: bigint) => (counts === 'payments' ? Number(units) : unitsFact(units, symbol))
  return {
    rule,
    counts,
    scope: Object.fromEntries(Object.entries(scope).map(([name, part]) => [name, String(part)])),
    window,
    limit: value(limit),
    spent: value(spent),
    held: value(held),
    left: value(remaining),
    ...(resetsAt === undefined ? {} : { resets: timeFact(resetsAt) }),
  }
}

function shown(value: AmountFact | number): string {
  return typeof value === 'number' ? String(value) : value.value
}

import { agentsIn, type OpenedView, openViewFromEnvironment } from '../../config/index.js'
import type { Budget } from '../../index.js'
import { listAnswer } from '../answer.js'
import { type BudgetFact, type BudgetSurroundings, budgetsText } from '../budget-text.js'
import { timeFact, unitsFact } from '../facts.js'
import { environmentWith } from '../settings.js'
import type { Action, CommonOptions } from '../shell.js'

/** The options of `purser budgets`. */
export interface BudgetsOptions extends CommonOptions {
  readonly agent?: string | undefined
  readonly task?: string | undefined
}

/** Lists the budgets of all agents, or of one agent. */
export const budgets: Action<BudgetsOptions> = async ({ options, terminal }) => {
  const opened = await openViewFromEnvironment(environmentWith(options, terminal.env))
  try {
    const { facts, seen } = await budgetsIn(opened, options)
    return listAnswer(facts, (rows, style) => budgetsText(rows, seen, style))
  } finally {
    await opened.view.close()
  }
}

/** Reads the budgets that apply to the agents. */
export async function budgetsIn(
  { view, places, policy: load }: OpenedView,
  { agent, task }: Pick<BudgetsOptions, 'agent' | 'task'>,
): Promise<{ readonly facts: readonly BudgetFact[]; readonly seen: BudgetSurroundings }> {
  const policy = await load()
  const agents = agent === undefined ? await agentsOf({ view, places }, policy) : [agent]
  const tasks = task === undefined ? [] : [task]
  const now = Date.now()
  const facts = new Map<string, BudgetFact>()
  const each = new Map<string, string>()
  for (const name of agents) {
    for (const line of policy.budgets({ agent: name, tasks }, now))
      if (line.each !== undefined) each.set(line.rule, line.each)
    for (const budget of await view.budgets(policy, { agent: name, tasks })) {
      const fact = factOf(budget, policy.symbol)
      facts.set(JSON.stringify([fact.rule, fact.scope, fact.window]), fact)
    }
  }
  const [channels, frozen, gaps] = [await view.channels(), await view.frozen(), await view.gaps()]
  const openSessions = channels.filter(({ state }) => state !== 'closed').length
  const incomplete = gaps.some(({ confirmed }) => confirmed === undefined)
  return { facts: [...facts.values()], seen: { now, openSessions, frozen, incomplete, each } }
}

/** The agents with own rules in the policy, the agent of the settings, and the agents that have spent. */
async function agentsOf(
  { view, places }: Pick<OpenedView, 'view' | 'places'>,
  policy: Awaited<ReturnType<OpenedView['policy']>>,
): Promise<readonly string[]> {
  const named = agentsIn(policy)
  const spending = (await view.counters()).flatMap(({ scope }) => scope.agent ?? [])
  const fallback = named.length === 0 ? [places.agent] : []
  return [...new Set([...named, ...fallback, ...spending])]
}

function factOf(
  { rule, counts, scope, window, limit, spent, held, remaining, resetsAt }: Budget,
  symbol: string,
): BudgetFact {
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

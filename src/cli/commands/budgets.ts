import type { Command } from 'commander'
import type { CommonOptions, Shell } from '../shell.js'

/** The options of `purser budgets`. */
export interface BudgetsOptions extends CommonOptions {
  readonly agent?: string | undefined
  readonly task?: string | undefined
}

/** `purser budgets`: what is spent, held and left. */
export function budgetsCommand(shell: Shell): Command {
  return shell
    .command<BudgetsOptions>(
      'budgets',
      'Lists what each budget has spent, held and left.',
      async () => (await import('../actions/budgets.js')).budgets,
    )
    .option('--agent <NAME>', 'the agent, as the policy names it')
    .option('--task <NAME>', 'a task of this agent')
}

import type { Command } from 'commander'
import type { Shell } from '../shell.js'

/** `purser budgets`: what is spent, held and left. */
export function budgetsCommand(shell: Shell): Command {
  return shell
    .command(
      'budgets',
      'Lists what each budget has spent, held and left.',
      async () => (await import('../actions/budgets.js')).budgets,
    )
    .option('--agent <NAME>', 'the agent, as the policy names it')
    .option('--task <NAME>', 'a task of this agent')
}

import type { Command } from 'commander'
import type { Shell } from '../shell.js'

/** `purser watch`: budgets and payments, live. */
export function watchCommand(shell: Shell): Command {
  return shell.command(
    'watch',
    'Shows budgets and payments live. Without a terminal, prints each payment when it changes.',
    async () => (await import('../actions/watch.js')).watch,
  )
}

import type { Command } from 'commander'
import type { Shell } from '../shell.js'

/** `purser sessions`: the deposits of sessions. */
export function sessionsCommand(shell: Shell): Command {
  return shell
    .command(
      'sessions',
      'Lists sessions: their deposit, what was signed away, and their state.',
      async () => (await import('../actions/sessions.js')).sessions,
    )
    .option('--all', 'closed sessions too')
    .option('--vendor <ORIGIN>', 'only this vendor')
}

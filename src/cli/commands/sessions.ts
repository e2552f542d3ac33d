import type { Command } from 'commander'
import type { Shell } from '../shell.js'

/** `purser sessions`: the deposits of sessions. */
export function sessionsCommand(shell: Shell): Command {
  return (
    shell
      .command(
        'sessions',
        'Lists sessions: their deposit, what was signed away, and their state.',
        async () => (await import('../actions/sessions.js')).sessions,
      )
      .option('--all', 'closed sessions too')
      .option('--vendor <ORIGIN>', 'only this vendor')
      // `close --all` is the option of `close`.
      .enablePositionalOptions()
      .addCommand(
        shell
          .command(
            'close',
            'Closes sessions, so that the rest of their deposits comes back.',
            async () => (await import('../actions/sessions-close.js')).sessionsClose,
          )
          .argument('[ID]', 'the session')
          .option('--all', 'all open sessions')
          .option('--idle <TIME>', 'sessions of vendors that were paid nothing in this time, for example 1h'),
      )
  )
}

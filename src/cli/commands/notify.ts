import { Command } from 'commander'
import type { Shell } from '../shell.js'

/** `purser notify`: messages to people. */
export function notifyCommand(shell: Shell): Command {
  return new Command('notify')
    .description('Tells people about questions, freezes, budgets and doubts.')
    .addCommand(
      shell.command(
        'test',
        'Sends a test message to each target of the settings. Ends with 1 if one does not get it.',
        async () => (await import('../actions/notify-test.js')).notifyTest,
      ),
    )
}

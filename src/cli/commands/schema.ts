import type { Command } from 'commander'
import type { Shell } from '../shell.js'

/** `purser schema COMMAND`: the JSON Schema of a command's output. */
export function schemaCommand(shell: Shell): Command {
  return shell
    .command(
      'schema',
      'Prints the JSON Schema of the output of a command.',
      async () => (await import('../actions/schema.js')).schema,
    )
    .argument('[COMMAND...]', 'the command, for example budgets or policy check. Without it: the list')
}

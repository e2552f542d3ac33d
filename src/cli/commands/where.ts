import type { Command } from 'commander'
import type { Shell } from '../shell.js'

/** `purser where`: the files that Purser reads and writes. */
export function whereCommand(shell: Shell): Command {
  return shell.command(
    'where',
    'Prints the files of the settings, the policy and the ledger.',
    async () => (await import('../actions/where.js')).where,
  )
}

import type { Command } from 'commander'
import type { Shell } from '../shell.js'

/** `purser discover ORIGIN`: what a server sells. */
export function discoverCommand(shell: Shell): Command {
  return shell
    .command(
      'discover',
      'Lists the operations that a server sells, and their prices. Signs nothing.',
      async () => (await import('../actions/discover.js')).discover,
    )
    .argument('<ORIGIN>', 'for example https://api.search.example')
    .option('--agent <NAME>', 'the agent that pays, as the policy names it')
}

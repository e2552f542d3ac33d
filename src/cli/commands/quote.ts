import type { Command } from 'commander'
import type { Shell } from '../shell.js'
import { withRequestOptions } from './request-options.js'

/** `purser quote URL`: the price of a call, and the decision of policy. */
export function quoteCommand(shell: Shell): Command {
  const command = shell
    .command(
      'quote',
      'Prints what a call would cost, and what the policy decides. Signs nothing.',
      async () => (await import('../actions/quote.js')).quote,
    )
    .argument('<URL>', 'the address')
  return withRequestOptions(command).option('--send', 'send a POST too, unpaid')
}

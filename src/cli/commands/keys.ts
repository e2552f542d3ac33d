import { Command } from 'commander'
import type { Shell } from '../shell.js'
import { collect } from './request-options.js'

/** `purser keys`: keys of agents, whose limits the chain enforces. */
export function keysCommand(shell: Shell): Command {
  return new Command('keys')
    .description('Makes keys of agents, and their limits on the chain.')
    .addCommand(
      shell
        .command(
          'create',
          'Makes a key file that only you can read.',
          async () => (await import('../actions/keys.js')).keysCreate,
        )
        .argument('<FILE>', 'the new file')
        .option('--type <TYPE>', 'secp256k1 (the default) or p256, for an access key'),
    )
    .addCommand(
      delegating(
        shell.command(
          'authorize',
          "Gives the agent's key limits on the chain, made from the policy.",
          async () => (await import('../actions/keys.js')).keysAuthorize,
        ),
      ),
    )
    .addCommand(
      delegating(
        shell.command(
          'renew',
          'Replaces the key of the agent by a new one with the limits of the policy, and revokes the old one.',
          async () => (await import('../actions/keys-renew.js')).keysRenew,
        ),
      ),
    )
    .addCommand(
      shell.command(
        'list',
        'Lists the access keys of the account, by the chain.',
        async () => (await import('../actions/keys.js')).keysList,
      ),
    )
    .addCommand(
      shell
        .command(
          'revoke',
          'Revokes an access key for good.',
          async () => (await import('../actions/keys.js')).keysRevoke,
        )
        .argument('<KEY>', 'its address')
        .option('--with <FILE>', "the file with the account's own key. Required")
        .option('--yes', 'ask nothing'),
    )
}

/** Adds the options of a command that makes limits on the chain. */
function delegating(command: Command): Command {
  return command
    .option('--with <FILE>', "the file with the account's own key. Required")
    .option('--days <NUMBER>', 'how long the key is good (default: 30)')
    .option('--token <SYMBOL>', 'the token that it may spend, for example USDC.e')
    .option('--recipient <ADDRESS>', 'who may receive, if the policy lists no payees; repeatable', collect)
    .option('--despite-allowances', 'authorize although others may take tokens outside all limits')
    .option('--yes', 'ask nothing')
}

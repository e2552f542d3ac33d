import { Command } from 'commander'
import type { Shell } from '../shell.js'

/** `purser init`: from nothing to the first paid call. */
export function initCommand(shell: Shell): Command {
  return shell
    .command(
      'init',
      'Makes a key, a policy and settings, and checks them. Never overwrites a file.',
      async () => (await import('../actions/init.js')).init,
    )
    .option('--network <NAME>', 'testnet (the default), mainnet or local')
    .option('--rpc <URL>', 'the node of that network')
    .option('--account <ADDRESS>', 'your account, for which the key acts after `purser keys authorize`')
    .option('--per-payment <AMOUNT>', 'the most that one payment may cost (default: 0.10)')
    .option('--per-day <AMOUNT>', 'the most that a day may cost (default: 5)')
    .option('--no-check', 'do not ask the node about key and balance')
    .option('--yes', 'ask nothing')
}

/** `purser vendor add|remove`: who may be paid. */
export function vendorCommand(shell: Shell): Command {
  return new Command('vendor')
    .description('Changes who may be paid.')
    .addCommand(
      shell
        .command(
          'add',
          'Asks a server what it sells, and allows payments to it.',
          async () => (await import('../actions/vendor.js')).vendorAdd,
        )
        .argument('<ORIGIN>', 'for example https://api.search.example')
        .option('--per-payment <AMOUNT>', 'the most that one payment to it may cost')
        .option('--per-day <AMOUNT>', 'the most that may be paid to each vendor a day')
        .option('--no-ask', 'do not ask the server'),
    )
    .addCommand(
      shell
        .command(
          'remove',
          'Stops payments to a server.',
          async () => (await import('../actions/vendor.js')).vendorRemove,
        )
        .argument('<ORIGIN>', 'for example https://api.search.example'),
    )
}

/** `purser doctor`: what is wrong, and how to mend it. */
export function doctorCommand(shell: Shell): Command {
  return shell.command(
    'doctor',
    'Finds what is wrong with settings, key, policy, ledger, clock, node and balance.',
    async () => (await import('../actions/doctor.js')).doctor,
  )
}

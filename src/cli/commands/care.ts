import { Command, Option } from 'commander'
import type { Shell } from '../shell.js'

/** `purser policy`: to check a policy, and to ask what it says. */
export function policyCommand(shell: Shell): Command {
  return new Command('policy')
    .description('Checks the policy, and explains what it says.')
    .addCommand(
      shell
        .command(
          'check',
          'Checks a policy file, and names the line and column of each fault. Ends with 2 if there is one.',
          async () => (await import('../actions/policy-check.js')).policyCheck,
        )
        .argument('[FILE]', 'the file (default: the policy of the settings)'),
    )
    .addCommand(
      shell
        .command(
          'explain',
          'Tells what each rule says about a payment or a URL, and where the rule is.',
          async () => (await import('../actions/policy-explain.js')).policyExplain,
        )
        .argument('<PAYMENT|URL>', 'the id of a payment or a part of it, or a URL')
        .option('--agent <NAME>', 'for a URL: the agent that would pay')
        .option('-X, --request <METHOD>', 'for a URL: the method', 'GET'),
    )
}

/** `purser ledger`: to check, back up and restore the ledger. */
export function ledgerCommand(shell: Shell): Command {
  return new Command('ledger')
    .description('Checks, backs up and restores the ledger.')
    .addCommand(
      shell.command(
        'verify',
        'Reads every payment, and compares the budgets with their sums. Ends with 1 if they differ.',
        async () => (await import('../actions/ledger-verify.js')).ledgerVerify,
      ),
    )
    .addCommand(
      shell
        .command(
          'backup',
          'Writes a complete copy, also while processes pay.',
          async () => (await import('../actions/ledger-files.js')).ledgerBackup,
        )
        .argument('<FILE>', 'the new file'),
    )
    .addCommand(
      shell
        .command(
          'restore',
          'Puts a backup in the place of the ledger, and keeps the ledger under another name.',
          async () => (await import('../actions/ledger-files.js')).ledgerRestore,
        )
        .argument('<FILE>', 'the backup')
        .option('--yes', 'every process that uses the ledger was stopped'),
    )
    .addCommand(
      shell
        .command(
          'confirm-restore',
          'States what was spent after the backup, so that payments are allowed again.',
          async () => (await import('../actions/ledger-files.js')).ledgerConfirmRestore,
        )
        .option('--by <NAME>', 'the person who states it. Required')
        .option('--spent <AMOUNT>', 'the sum with fees, for example 3.20, or unknown. Required')
        .option('--payments <COUNT>', 'the number of payments (default: unknown)')
        .option('--deposits <AMOUNT>', 'the deposits of sessions that were opened (default: unknown)'),
    )
}

/** `purser confirm-clock`: a person says that the clock is right. */
export function confirmClockCommand(shell: Shell): Command {
  return shell
    .command(
      'confirm-clock',
      'Confirms after clock_jumped that the clock of this machine is right.',
      async () => (await import('../actions/confirm-clock.js')).confirmClock,
    )
    .addOption(
      new Option(
        '--to <TIME>',
        "store: the ledger's time never goes back. wall: it was wrong, and goes back to the clock",
      )
        .choices(['store', 'wall'])
        .default('store'),
    )
}

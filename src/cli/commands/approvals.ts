import { Command } from 'commander'
import type { Shell } from '../shell.js'

/** `purser approvals`, `approve`, `deny` and `approver`: questions to people, and their answers. */
export function approvalCommands(shell: Shell): readonly Command[] {
  return [
    shell
      .command(
        'approvals',
        'Lists the payments that wait for a person.',
        async () => (await import('../actions/approvals.js')).approvals,
      )
      .option('--all', 'list answered and expired questions too')
      .option('--agent <NAME>', 'only questions of this agent'),
    answering(
      shell.command(
        'approve',
        'Says yes to a payment that waits. Shows its terms first.',
        async () => (await import('../actions/answer-approval.js')).approve,
      ),
    ).option('--remember <LIMITS>', "pay more of the same without asking, for example '10 USD, 7 days'"),
    answering(
      shell.command(
        'deny',
        'Says no to a payment that waits.',
        async () => (await import('../actions/answer-approval.js')).deny,
      ),
    ),
    approverCommand(shell),
  ]
}

function answering(command: Command): Command {
  return command
    .argument('<ID>', 'the question, or the end of its id')
    .option('--key <FILE>', 'your key, if the policy names who may answer')
    .option('--because <WHY>', 'a note for the record')
    .option('--yes', 'do not ask again at the terminal')
}

function approverCommand(shell: Shell): Command {
  return new Command('approver').description('Manages the keys of people who answer.').addCommand(
    shell
      .command(
        'create',
        'Creates a key, and prints the lines for the policy.',
        async () => (await import('../actions/approver.js')).createApprover,
      )
      .argument('<NAME>', 'your name, as the policy will have it')
      .option('--out <FILE>', 'the file of the key (default: approver.key beside the settings file)')
      .option('--no-passphrase', 'do not encrypt the file'),
  )
}

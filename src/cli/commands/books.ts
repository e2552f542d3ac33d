import { type Command, Option } from 'commander'
import type { Shell } from '../shell.js'

/** `purser export`: payments for accounting. */
export function exportCommand(shell: Shell): Command {
  return shell
    .command(
      'export',
      'Exports payments for accounting, the oldest first. The sum of `counted` is what budgets count.',
      async () => (await import('../actions/export.js')).exportPayments,
    )
    .option(
      '--from <TIME>',
      'counted from this time: today, 30d, 2026-11-01, 2026-11 or RFC 3339; days are UTC',
    )
    .option('--to <TIME>', 'counted before this time')
    .option('--vendor <ORIGIN>', 'only this vendor')
    .option('--agent <NAME>', 'only this agent')
    .addOption(
      new Option('--format <FORMAT>', 'csv, or a line of JSON for each payment')
        .choices(['csv', 'jsonl'])
        .default('jsonl'),
    )
}

/** `purser statement YYYY-MM`: sums of a month. */
export function statementCommand(shell: Shell): Command {
  return shell
    .command(
      'statement',
      'Sums up a month for each vendor and agent: payments, prices, fees, undelivered.',
      async () => (await import('../actions/statement.js')).statement,
    )
    .argument('<MONTH>', 'for example 2026-11; months are UTC')
}

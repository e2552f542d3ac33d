import { type Command, InvalidArgumentError } from 'commander'
import type { Shell } from '../shell.js'

/** `purser payments`: payments and refusals, the newest first. */
export function paymentsCommand(shell: Shell): Command {
  return shell
    .command(
      'payments',
      'Lists payments and refusals, the newest first.',
      async () => (await import('../actions/payments.js')).payments,
    )
    .option('--since <TIME>', 'from this time: today, 6h, 30d, 2026-11-30 or RFC 3339; days are UTC')
    .option('--until <TIME>', 'up to this time')
    .option(
      '--state <STATE>',
      'only this state, repeatable: refused, waiting, progress, held, doubt, settled, undelivered, released',
      (state: string, before: readonly string[] | undefined) => [...(before ?? []), state],
    )
    .option('--vendor <ORIGIN>', 'only this vendor')
    .option('--agent <NAME>', 'only this agent')
    .option('--task <NAME>', 'only this task')
    .option('--limit <COUNT>', 'at most this many (default: 50 as text, all as JSON)', countOf)
}

/** Reads a number of rows. */
function countOf(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError('It must be a whole number above 0.')
  return Number(text)
}

/** `purser payment ID`: the story of one payment. */
export function paymentCommand(shell: Shell): Command {
  return shell
    .command(
      'payment',
      'Tells what happened to one payment.',
      async () => (await import('../actions/payment.js')).payment,
    )
    .argument('<ID>', 'its id, or a part at the beginning or the end that no other payment has')
}

/** `purser receipt ID`: the server's receipt. */
export function receiptCommand(shell: Shell): Command {
  return shell
    .command(
      'receipt',
      "Prints the server's receipts of a payment as they came, and the values they are checked against.",
      async () => (await import('../actions/receipt.js')).receipt,
    )
    .argument('<ID>', 'the id of the payment, or a part of it')
}

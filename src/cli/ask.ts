import { userInfo } from 'node:os'
import { clean, PaymentError } from '../errors/index.js'
import type { ApprovalRequest, Approver, Purser } from '../index.js'
import { leftFor, leftText } from './left.js'
import { type PolicyUnit, priceText } from './price.js'
import type { Terminal } from './terminal.js'

/** The purser whose payments a person is asked about. It is known only after its approver was made. */
export interface AskedFor {
  purser?: Pick<Purser, 'budgets'> | undefined
  policy?: PolicyUnit | undefined
}

/**
 * Creates the approver of a command.
 *
 * - `--yes` answers what policy asks. It is never asked about a limit: policy refuses those by itself.
 * - On a terminal it asks the person who sits there.
 * - Otherwise there is none, and a payment that needs a person is refused at once: nothing waits.
 */
export function approverFor(
  { yes, readsStdin }: { readonly yes: boolean; readonly readsStdin: boolean },
  terminal: Terminal,
  about: AskedFor,
): Approver | undefined {
  if (yes) return async () => ({ approved: true, by: `${userName()} (--yes)` })
  const { stdin, stderr } = terminal
  if (stdin.isTTY !== true || stderr.isTTY !== true || readsStdin) return undefined
  return (request, signal) => ask(request, signal, terminal, about)
}

async function ask(
  request: ApprovalRequest,
  signal: AbortSignal,
  { stdin, stderr }: Terminal,
  about: AskedFor,
): Promise<{ readonly approved: boolean; readonly by: string }> {
  const { confirm, isCancel } = await import('@clack/prompts')
  stderr.write(`${await questionText(request, about)}\n`)
  const answer = await confirm({
    message: 'Pay this?',
    initialValue: false,
    input: stdin,
    output: stderr,
    signal,
  })
  // An error is no answer: the payment is refused, and a person may be asked again.
  if (isCancel(answer))
    throw new PaymentError('action_required', 'untouched', 'The question was not answered')
  return { approved: answer, by: userName() }
}

/** Returns the question for a person. The facts come from the dialled address and the terms; the server's words are marked. */
export async function questionText(request: ApprovalRequest, about: AskedFor): Promise<string> {
  const { agent, tasks, resource, terms, reasons, expires, serverSays } = request
  const { policy, purser } = about
  const amountOf = (amount: typeof terms.most): string =>
    policy === undefined ? `${amount.value}` : priceText(amount, policy)
  const fee = terms.fee === undefined ? '' : ` + a fee of up to ${amountOf(terms.fee.bound)}`
  const left =
    policy === undefined || purser === undefined
      ? undefined
      : await leftFor(purser, resource.vendor, policy.symbol)
  const rows: readonly (readonly [string, string | undefined])[] = [
    ['who', [agent, ...tasks].join(' / ')],
    ['pays', `${terms.exact ? '' : 'up to '}${amountOf(terms.most)}${fee}`],
    ['to', resource.vendor],
    ['for', resource.operation],
    ['by', `${terms.kind} on ${terms.network}`],
    ['payees', terms.payees.map(({ id }) => id).join(', ')],
    ['because', reasons.map(({ message }) => message).join(' ')],
    ['afterwards', left === undefined ? undefined : leftText(left)],
    ['answer by', new Date(expires).toISOString().slice(11, 19)],
    ["server's words", serverSays === undefined ? undefined : `"${clean(serverSays)}" (they prove nothing)`],
  ]
  return rows
    .flatMap(([name, value]) => (value === undefined ? [] : [`  ${name.padEnd(15)} ${clean(value, 1000)}`]))
    .join('\n')
}

/** The name of the person at this machine, for the record. */
export function userName(): string {
  try {
    return userInfo().username
  } catch {
    return 'the operator'
  }
}

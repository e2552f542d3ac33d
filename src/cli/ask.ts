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
  /** True: the policy names keys, so only a signed answer counts, and nobody can answer here. */
  needsSignature?: boolean | undefined
}

/** Who answers the questions of a command. */
export type Answerer =
  /** `--yes`: it answers what policy asks. It is never asked about a limit: policy refuses those by itself. */
  | 'flag'
  /** The person at the terminal. */
  | 'terminal'
  /** Nobody here: the question stays in the ledger, and the command ends with code 5. */
  | 'ledger'

/** Returns who answers: the flag, the terminal if there is one, or else a person elsewhere. */
export function answererOf(
  { yes, readsStdin }: { readonly yes: boolean; readonly readsStdin: boolean },
  { stdin, stderr }: Pick<Terminal, 'stdin' | 'stderr'>,
): Answerer {
  if (yes) return 'flag'
  return stdin.isTTY === true && stderr.isTTY === true && !readsStdin ? 'terminal' : 'ledger'
}

/**
 * Creates the approver of a command.
 *
 * @param onOpen - Called for a question that nobody here can answer. It stays in the ledger.
 */
export function approverFor(
  answerer: Answerer,
  terminal: Terminal,
  { about, onOpen }: { readonly about: AskedFor; readonly onOpen: (request: ApprovalRequest) => void },
): Approver {
  return async (request, signal) => {
    if (about.needsSignature !== true) {
      if (answerer === 'flag') return { approved: true, by: `${userName()} (--yes)` }
      if (answerer === 'terminal') return ask(request, signal, terminal, about)
    }
    onOpen(request)
    // It never answers: only a person who answers in the ledger does.
    return new Promise(() => undefined)
  }
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

/** The parts of a question that a person sees. */
type ShownQuestion = Pick<
  ApprovalRequest,
  'agent' | 'tasks' | 'terms' | 'reasons' | 'expires' | 'serverSays'
> & { readonly resource: Pick<ApprovalRequest['resource'], 'vendor' | 'operation'> }

/** Returns the question for a person. The facts come from the dialled address and the terms; the server's words are marked. */
export async function questionText(request: ShownQuestion, about: AskedFor): Promise<string> {
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

import { userInfo } from 'node:os'
import { PaymentError } from '../errors/index.js'
import type { ApprovalRequest, Approver } from '../index.js'
import type { PolicyUnit } from './price.js'
import { questionText } from './question-text.js'
import { isInteractive, type Terminal } from './terminal.js'

/** The policy of the payments that a person is asked about. It is known only after its approver was made. */
export interface AskedFor {
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
  terminal: Pick<Terminal, 'stdin' | 'stderr'>,
): Answerer {
  if (yes) return 'flag'
  return isInteractive(terminal) && !readsStdin ? 'terminal' : 'ledger'
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
  { policy }: AskedFor,
): Promise<{ readonly approved: boolean; readonly by: string }> {
  const { confirm, isCancel } = await import('@clack/prompts')
  if (policy === undefined) throw new TypeError('A question cannot come before its purser')
  stderr.write(`${questionText(request, policy, Date.now())}\n`)
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

/** The name of the person at this machine, for the record. */
export function userName(): string {
  try {
    return userInfo().username
  } catch {
    return 'the operator'
  }
}

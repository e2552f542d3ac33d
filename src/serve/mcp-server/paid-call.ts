import {
  type InputRequiredResult,
  inputRequired,
  type McpServer,
  type ServerContext,
} from '@modelcontextprotocol/server'
import type { OpenQuestion } from './approvals.js'
import type { AskHost, CallState, PayingCall, PayingCalls } from './calls.js'
import { askHost, formOf, type Host, hostOf, QUESTION, takeAnswer } from './elicitation.js'
import type { Toolbox } from './toolbox.js'

/** The call of a host, and the parts that serve it. */
export interface HostCall {
  readonly server: McpServer
  readonly toolbox: Toolbox
  readonly ctx: ServerContext
}

/** What a host gets: the answer, the sentence that a person is asked, or the requests that it must answer first. */
export type CallEnd<T> =
  | { readonly kind: 'answered'; readonly answer: T }
  | { readonly kind: 'pending'; readonly question: OpenQuestion; readonly how: string }
  | { readonly kind: 'input'; readonly result: InputRequiredResult }

/**
 * Runs a paying call, or continues the same call of an earlier request.
 *
 * @param key - The arguments of the call.
 * @param work - Makes the call. It goes on if the host has to come back for the answer.
 */
export async function runCall<T>(
  calls: PayingCalls<T>,
  key: string,
  { server, toolbox, ctx }: HostCall,
  work: (signal: AbortSignal, ask: AskHost, host: Host) => Promise<T>,
): Promise<CallEnd<T>> {
  const host = hostOf(server, ctx)
  const { signal, inputResponses } = ctx.mcpReq
  const state: unknown = ctx.mcpReq.requestState()
  const call = calls.take(key, host.elicits, (ended, ask) => work(ended, ask, host), state)
  if (inputResponses !== undefined) call.takeAnswers(inputResponses)
  const gone = (): void => {
    if (!call.abort(signal.reason)) calls.leave(key, call)
  }
  if (signal.aborted) gone()
  else signal.addEventListener('abort', gone, { once: true })
  try {
    const now = await waitFor(call, host, toolbox, ctx)
    if (now.kind === 'answered') return now
    calls.leave(key, call)
    if (now.kind === 'pending') return { ...now, how: howToAnswer(now.question, host, toolbox) }
    const result =
      now.kind === 'requesting'
        ? inputRequired({ inputRequests: now.requests, requestState: call.id })
        : inputRequired({
            inputRequests: { [QUESTION]: inputRequired.elicit(formOf(now.question)) },
            requestState: now.question.id,
          })
    return { kind: 'input', result }
  } finally {
    signal.removeEventListener('abort', gone)
  }
}

/** Waits for the call, and sends its question to the host once. */
async function waitFor<T>(
  call: PayingCall<T>,
  host: Host,
  { approvals }: Toolbox,
  ctx: ServerContext,
): Promise<CallState<T>> {
  const elicits = host.elicits && approvals.elicitation
  const brought = call.question
  if (elicits && brought !== undefined && takeAnswer(brought, ctx, host)) return call.wait(brought)
  const asksAgain = ctx.mcpReq.inputResponses === undefined
  const first = await call.wait(asksAgain ? undefined : brought)
  if (first.kind !== 'asking') return first
  if (!elicits) return call.wait(first.question)
  if (host.stateless) return asksAgain ? first : call.wait(first.question)
  const asking = askHost(first.question, ctx, host)
  // If the host cannot ask, the model does not wait, unless another person may answer.
  const useless = asking.then((failed) =>
    failed && !approvals.hasApprover && !approvals.outside
      ? ({ kind: 'pending', question: first.question } as const)
      : never(),
  )
  return Promise.race([call.wait(first.question), useless])
}

function never(): Promise<never> {
  return new Promise(() => undefined)
}

/** Returns where a person can answer, as a sentence for the model. */
function howToAnswer({ request }: OpenQuestion, host: Host, { approvals }: Toolbox): string {
  const ways = [
    approvals.hasApprover ? 'The approver that the user has set up has been asked.' : undefined,
    approvals.elicitation && host.elicits
      ? 'This host can show the question: it does so at each call.'
      : undefined,
    approvals.outside ? `A person can answer at a terminal: purser approve ${request.id}` : undefined,
  ].filter((way) => way !== undefined)
  return ways.join(' ')
}

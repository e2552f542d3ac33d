import type { ServerContext } from '@modelcontextprotocol/server'
import type { CallState, PayingCall } from './calls.js'
import { askHost, type Host, takeAnswer } from './elicitation.js'
import type { Toolbox } from './toolbox.js'

/** Waits for the call, and sends its question to the host once. */
export async function waitFor<T>(
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
    failed && !approvals.hasApprover ? ({ kind: 'pending', question: first.question } as const) : never(),
  )
  return Promise.race([call.wait(first.question), useless])
}

function never(): Promise<never> {
  return new Promise(() => undefined)
}

/** Returns where a person can answer, as a sentence for the model. */
export function howToAnswer(host: Host, { approvals }: Toolbox): string {
  const ways = [
    approvals.hasApprover ? 'The approver that the user has set up has been asked.' : undefined,
    approvals.elicitation && host.elicits
      ? 'This host can show the question: it does so at each call.'
      : undefined,
  ].filter((way) => way !== undefined)
  return ways.join(' ')
}

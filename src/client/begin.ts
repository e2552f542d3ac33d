import type { Call, Env } from '../pay/index.js'
import type { Resource } from '../protocol/index.js'
import { own } from '../util/objects.js'
import { untilAborted } from '../util/until-aborted.js'
import type { Opened } from './open.js'
import type { PaymentSpan, TracerLike } from './trace.js'

export { outcomeBehind } from './outcome.js'
export { problemOf } from './problem.js'

/** A call that money is talked about in. */
export interface ActiveCall {
  readonly env: Env
  readonly call: Call
  readonly span?: PaymentSpan
  /** Its end. */
  leave(): void
}

/**
 * The ledger is open, waited for no longer than the caller waits, and this process stays alive to it: a person may think
 * for minutes, and the hold must outlive its lease.
 */
export async function beginCall(
  open: () => Promise<Opened>,
  resource: Resource,
  call: Call,
  tracer: TracerLike | undefined,
): Promise<ActiveCall> {
  const { env, upkeep } = await untilAborted(open(), call.signal)
  const leave = upkeep.enter()
  if (tracer === undefined) return { env, call, leave }
  const { paymentSpan } = await import('./trace.js')
  const span = paymentSpan(tracer, resource, call)
  return { env, call: span.trace === undefined ? call : own({ ...call, trace: span.trace }), span, leave }
}

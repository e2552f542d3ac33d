import { isPaymentError, type PaymentError, PaymentRefusedError, type Reason } from '../errors/index.js'
import type { Payment, PaymentId } from '../ledger/index.js'
import {
  type Call,
  type Env,
  type Exchange,
  type FlowStart,
  type Outcome,
  pay,
  type RefusalProblem,
} from '../pay/index.js'
import type { Resource } from '../protocol/index.js'
import { own } from '../util/objects.js'
import { untilAborted } from '../util/until-aborted.js'
import type { OpenPurser, PurserParts } from './open.js'
import { type PaymentSpan, paymentSpan } from './trace.js'

/** The parts of a purser that a call uses. */
export interface CallServices extends PurserParts {
  open(): Promise<OpenPurser>
  outcomeOf(target: object): Outcome | undefined
  notPaid(reply: object, reasons: readonly Reason[], resource: Resource): void
}

/** A call that uses the ledger. */
interface ActiveCall {
  readonly env: Env
  readonly call: Call
  readonly span?: PaymentSpan
  /** Ends the call: it no longer keeps this process alive to the ledger. */
  leave(): void
}

/** Runs a call through the payment flow. A refusal becomes a reply or an error, as the owner of the purser chose. */
export async function runPaidCall<Reply extends object>(
  exchange: Exchange<Reply>,
  call: Call,
  start: Pick<FlowStart<Reply>, 'remembered' | 'unpaid'>,
  services: CallServices,
): Promise<Reply> {
  const { resource } = exchange
  let active: ActiveCall | undefined
  const begin = async (): Promise<ActiveCall> => {
    active = await beginCall(resource, call, services)
    return active
  }
  try {
    const notPaid = (reply: object, reasons: readonly Reason[]): void =>
      services.notPaid(reply, reasons, resource)
    const reply = await pay(exchange, call, begin, { ...start, notPaid })
    active?.span?.end(services.outcomeOf(reply), undefined)
    return reply
  } catch (error) {
    const outcome = isPaymentError(error) ? await outcomeOfError(error, resource, services) : undefined
    active?.span?.end(outcome, isPaymentError(error) ? error.code : 'failed')
    if (!(error instanceof PaymentRefusedError) || services.settings.onRefusal === 'throw') throw error
    const reply = await exchange.refuse(problemOf(error))
    if (outcome !== undefined) services.attachOutcome(reply, outcome)
    return reply
  } finally {
    active?.leave()
  }
}

/**
 * Waits for the ledger, but no longer than the caller waits. This process then stays alive to the ledger until the call
 * ends: a person may take minutes to approve, and the hold must not end with its lease.
 */
async function beginCall(resource: Resource, call: Call, services: CallServices): Promise<ActiveCall> {
  const { env, lease } = await untilAborted(services.open(), call.signal)
  const leave = lease.enter()
  const { tracer } = services.settings
  if (tracer === undefined) return { env, call, leave }
  const span = paymentSpan(tracer, resource, call)
  return { env, call: span.trace === undefined ? call : own({ ...call, trace: span.trace }), span, leave }
}

/** Finds the outcome for an error, so that `paymentFor` can return it. Listeners hear of a refusal. */
async function outcomeOfError(
  error: PaymentError,
  resource: Resource,
  services: CallServices,
): Promise<Outcome | undefined> {
  const known = services.outcomeOf(error)
  if (known !== undefined) return known
  const { code, reasons, paymentId } = error
  const payment = paymentId === undefined ? undefined : await stored(paymentId, services)
  let outcome: Outcome | undefined = payment
  if (error instanceof PaymentRefusedError) {
    services.events.emit('refusal', {
      resource,
      code,
      reasons,
      ...(paymentId === undefined ? {} : { payment: paymentId }),
    })
    outcome = { state: 'refused', code, reasons, resource, ...(payment === undefined ? {} : { payment }) }
  }
  if (outcome !== undefined) services.attachOutcome(error, outcome)
  return outcome
}

async function stored(id: PaymentId, services: CallServices): Promise<Payment | undefined> {
  try {
    return await (await services.open()).env.ledger.get(id)
  } catch {
    // The caller needs the refusal itself. The record can be read later.
    return undefined
  }
}

/**
 * Names the types of Purser's problems. A UUID needs no registry and no domain, so nobody else can publish a page there
 * (RFC 9562, section 4; RFC 9457, section 3.1.1).
 */
const PROBLEM_TYPE = 'urn:uuid:3188016e-4bfb-43a7-b1eb-e8d9ae90bd99#'

/** Writes a refusal as RFC 9457: an agent learns what was refused, what it may have, and when. */
function problemOf(error: PaymentError): RefusalProblem {
  return {
    type: `${PROBLEM_TYPE}${error.code}`,
    title: 'Payment refused',
    status: 402,
    detail: error.message,
    message: error.message,
    error: { message: error.message, type: 'payment_refused', code: error.code },
    code: error.code,
    funds: error.funds,
    reasons: error.reasons.map(asJson),
    ...(error.paymentId === undefined ? {} : { payment: error.paymentId }),
    ...(error.retryAt === undefined ? {} : { retryAt: new Date(error.retryAt).toISOString() }),
  }
}

function asJson({ resetsAt, ...reason }: Reason) {
  return resetsAt === undefined ? reason : { ...reason, resetsAt: new Date(resetsAt).toISOString() }
}

import { isPaymentError, PaymentError } from '../errors/index.js'
import type { Payment, PaymentId } from '../ledger/index.js'
import type { Challenge, OfferKind, Resource } from '../protocol/index.js'
import { own } from '../util/objects.js'
import { untilAborted } from '../util/until-aborted.js'
import { replaceCredential } from './authorize/replacement.js'
import type { Env } from './env.js'
import type { Answer, AuthorizedPayment, OfferPurchase, PaidStream, SubmittedCredential } from './purchase.js'
import {
  abandonPayment,
  type InspectionResult,
  inspectPayment,
  markUnresolved,
  recheckTimeOf,
} from './recovery/inspection.js'
import { actionRequired, causeFor, provenVoid, unanswered } from './refusal.js'
import { noteRejection, reportRejection } from './rejection.js'
import { type Settlement, type SettleResult, settleLost, settleReply } from './settle.js'
import { meter, submit } from './submit.js'
import { transition } from './transition.js'

/**
 * After an abort, a ledger that answers may still say what became of the money. Purser waits no longer than this for
 * it.
 */
export const GRACE_MS = 100

/** What a delivered payment brought. */
export type Delivery<Reply> =
  | { readonly kind: 'answered'; readonly reply: Reply; readonly stream?: PaidStream<Reply> | undefined }
  /** The payment was released, and the server offers other ways to pay. */
  | { readonly kind: 'restart'; readonly at: Resource; readonly offers: readonly Challenge[] }

/**
 * Submits the credential of an authorized payment, and settles the payment by the answer. From here on money may have
 * moved, so every error says what is known of it. The work goes on if the caller leaves.
 *
 * @throws PaymentError if no answer came.
 */
export function deliver<Reply extends object>(
  authorized: AuthorizedPayment,
  purchase: OfferPurchase<Reply>,
): Promise<Delivery<Reply>> {
  const { env, call } = purchase
  return untilAborted(deliverInRounds(authorized, purchase), call.signal, {
    graceMs: GRACE_MS,
    reason: () => unansweredError(authorized.committed, call.signal?.reason, env),
    onLate: (late) => {
      if (late.kind === 'answered') void takeBackDelivery(late.reply, authorized.payment, purchase)
    },
  })
}

/** How one round ended: `replaced` if another credential takes the place of the one that was sent. */
type RoundEnd<Reply> =
  | Delivery<Reply>
  | { readonly kind: 'failed'; readonly error: PaymentError }
  | { readonly kind: 'replaced'; readonly authorized: AuthorizedPayment }

async function deliverInRounds<Reply extends object>(
  first: AuthorizedPayment,
  purchase: OfferPurchase<Reply>,
): Promise<Delivery<Reply>> {
  let authorized = first
  let answer: Answer<Reply> | undefined
  let end: RoundEnd<Reply>
  try {
    for (let round = 1; ; round++) {
      const submitted = await meter(await submit(authorized, purchase), purchase.exchange)
      answer = submitted.answer
      end = await settleRound(submitted, round, purchase)
      if (end.kind !== 'replaced') break
      authorized = end.authorized
    }
  } catch (cause) {
    return { kind: 'answered', reply: await replyAfterFailure(answer, cause, { authorized, purchase }) }
  }
  if (end.kind === 'failed') throw end.error
  return end
}

async function settleRound<Reply extends object>(
  submitted: SubmittedCredential<Reply>,
  round: number,
  purchase: OfferPurchase<Reply>,
): Promise<RoundEnd<Reply>> {
  const { env, call, exchange } = purchase
  const { answer, authorized, metered } = submitted
  await env.yieldToEventLoop()
  const current = await noteRejection(answer, await committedPayment(authorized, env), env)
  const settlement: Settlement = { submitted, payment: current, call, env }
  if (answer.kind === 'lost') return { kind: 'failed', error: await errorOfLost(answer.cause, settlement) }
  const { reply } = answer
  const result = await settleReply(answer.reading, settlement)
  const { payment } = result
  env.attachOutcome(reply, payment)
  switch (result.kind) {
    case 'answered':
      reportRejection(payment, env)
      if (metered !== undefined) return { kind: 'answered', reply, stream: { submitted, metered, payment } }
      watchDelivery(reply, payment.id, purchase)
      return { kind: 'answered', reply }
    case 'redirect':
      return { kind: 'answered', reply: await followRedirect(reply, result, purchase) }
    case 'asked': {
      const restart = await restartWithoutSignIn(authorized, result, env)
      const next = restart ?? (round === 1 ? await replaced(submitted, result, purchase) : undefined)
      if (next === undefined) return { kind: 'failed', error: await errorAfterLastRound(payment, reply, env) }
      exchange.discard(reply)
      return next
    }
  }
}

async function committedPayment({ payment: id }: AuthorizedPayment, { ledger }: Env): Promise<Payment> {
  const payment = await ledger.get(id)
  if (payment !== undefined) return payment
  const message = 'The ledger lost a payment that was committed'
  throw new PaymentError('ledger_failed', 'unknown', message, { paymentId: id })
}

async function errorOfLost(cause: unknown, settlement: Settlement): Promise<PaymentError> {
  const { env } = settlement
  const seen = await settleLost(cause, settlement)
  const waiting = actionRequiredFor({ ...seen, cause }, env)
  return waiting ?? unansweredError(seen.payment, causeFor(cause, settlement), env)
}

/** At most one further credential, and only if at most one of the two can settle. */
async function replaced(
  submitted: SubmittedCredential<object>,
  asked: Extract<SettleResult, { kind: 'asked' }>,
  purchase: OfferPurchase,
): Promise<{ readonly kind: 'replaced'; readonly authorized: AuthorizedPayment } | undefined> {
  if (asked.payment.state !== 'committed') return undefined
  const { at, offers } = asked.reading
  const authorized = await replaceCredential({ ...purchase, at, offers }, submitted, asked)
  return authorized && { kind: 'replaced', authorized }
}

const SIGN_IN: OfferKind = 'x402/sign-in'

/**
 * A sign-in proves an earlier payment. If the server does not accept it, nothing was bought and nothing moves for it.
 * So its payment ends, and the server's new offers are paid like first offers. This happens at most once, because no
 * sign-in is among the new offers.
 *
 * @returns Undefined for any other payment, and if there is nothing else to buy.
 */
async function restartWithoutSignIn(
  { candidate }: AuthorizedPayment,
  { payment, dead, reading }: Extract<SettleResult, { kind: 'asked' }>,
  env: Env,
): Promise<Extract<Delivery<never>, { kind: 'restart' }> | undefined> {
  if (!dead || candidate.quote.terms.kind !== SIGN_IN) return undefined
  const offers = reading.offers.filter(({ kind }) => kind !== SIGN_IN)
  if (offers.length === 0) return undefined
  const { payment: after } = await abandonPayment(payment, env)
  return after.state === 'released' ? { kind: 'restart', at: reading.at, offers } : undefined
}

/** Follows a redirect without the credential. The reply there is the caller's answer. */
async function followRedirect<Reply extends object>(
  reply: Reply,
  { payment, to }: Extract<SettleResult, { kind: 'redirect' }>,
  { exchange, env }: OfferPurchase<Reply>,
): Promise<Reply> {
  const followed = to === undefined ? undefined : await exchange.follow?.(reply, to)
  if (followed === undefined) {
    env.emitter.emit('anomaly', {
      kind: 'redirected_after_payment',
      payment: payment.id,
      message: 'The paid request was redirected to an address that a credential must not be sent to.',
    })
    return reply
  }
  const reading = await exchange.read(followed)
  const delivered = reading.kind === 'response' && reading.ok
  const after =
    delivered && payment.state === 'settled' ? await transition(payment, { to: 'delivered' }, env) : payment
  env.attachOutcome(followed, after)
  return followed
}

/** The server keeps asking for money. Looks at the payment once more, and makes the error that says what is known. */
async function errorAfterLastRound(payment: Payment, reply: object, env: Env): Promise<PaymentError> {
  const seen = payment.state === 'committed' ? await abandonPayment(payment, env) : { payment }
  const waiting = actionRequiredFor({ ...seen, reply }, env)
  if (waiting !== undefined) return waiting
  const after = seen.payment
  if (after.state !== 'settled') reportRejection(after, env)
  if (after.state === 'settled')
    env.emitter.emit('anomaly', {
      kind: 'settled_without_delivery',
      payment: after.id,
      message: 'The payment settled, and the server asked for another instead of answering.',
    })
  return errorWithOutcome(after, { reply }, env)
}

/**
 * Undefined if the payment waits for no person. A wallet that cannot inspect may have thrown the error when it made the
 * credential.
 */
function actionRequiredFor(
  {
    payment,
    open,
    cause,
    reply,
  }: InspectionResult & { readonly cause?: unknown; readonly reply?: object | undefined },
  env: Env,
): PaymentError | undefined {
  const person = open?.state === 'pending' ? open.person : undefined
  const thrown = isPaymentError(cause, 'action_required') ? cause : undefined
  if (payment.state !== 'committed' || (person === undefined && thrown === undefined)) return undefined
  const error = actionRequired(payment, person?.action ?? thrown?.action, { reply })
  env.attachOutcome(error, payment)
  return error
}

/** Makes the error for a payment whose answer did not come. */
export function unansweredError(payment: Payment, cause: unknown, env: Env): PaymentError {
  return errorWithOutcome(payment, { cause }, env)
}

function errorWithOutcome(
  payment: Payment,
  details: { cause?: unknown; reply?: unknown },
  env: Env,
): PaymentError {
  const error = payment.state === 'released' ? provenVoid(payment, details) : unanswered(payment, details)
  env.attachOutcome(error, payment)
  if (error.funds === 'unknown') env.emitter.emit('doubt', { payment, message: error.message })
  return error
}

/**
 * A credential left, and then the ledger failed or the caller aborted. The commit is on record, so the money is not
 * forgotten. An answer that came is the caller's. Any other error says what became of the money, and is never the
 * ledger's own error, which knows nothing of money that left.
 *
 * @throws PaymentError if no answer came.
 */
async function replyAfterFailure<Reply extends object>(
  answer: Answer<Reply> | undefined,
  cause: unknown,
  { authorized, purchase }: { authorized: AuthorizedPayment; purchase: OfferPurchase<Reply> },
): Promise<Reply> {
  const { env } = purchase
  const { payment: id } = authorized
  const payment = await paymentAfterFailure(id, purchase)
  if (answer?.kind === 'reply' && answer.reading.kind === 'response') {
    env.emitter.emit('error', { error: cause, during: 'recording a paid answer' })
    if (payment !== undefined) env.attachOutcome(answer.reply, payment)
    return answer.reply
  }
  const details = own({
    cause: causeFor(cause, purchase),
    reply: answer?.kind === 'reply' ? answer.reply : undefined,
  })
  if (payment !== undefined) throw errorWithOutcome(payment, details, env)
  const message =
    'A payment was sent, and the ledger cannot say what became of it. It counts as spent until it is proven otherwise.'
  throw new PaymentError('payment_in_doubt', 'unknown', message, { ...details, paymentId: id })
}

/** The payment as the ledger has it now. Undefined if the ledger fails: recovery looks at the payment later. */
async function paymentAfterFailure(
  id: PaymentId,
  { env, call }: OfferPurchase,
): Promise<Payment | undefined> {
  try {
    const payment = await env.ledger.get(id)
    if (payment?.state !== 'committed') return payment
    const left = await markUnresolved(payment, env, { recheckAt: recheckTimeOf(payment) })
    return call.signal?.aborted === true ? left : await inspectPayment(left, env)
  } catch (error) {
    env.emitter.emit('error', { error, during: 'looking after a failure' })
    return undefined
  }
}

/**
 * Takes back the delivery of an answer that came after its caller had got an error. So the same request does not pay
 * again.
 */
export async function takeBackDelivery<Reply>(
  reply: Reply,
  id: PaymentId,
  { exchange, env }: OfferPurchase<Reply>,
): Promise<void> {
  exchange.discard(reply)
  await markUndelivered(id, 'looking after an abort', env)
}

/**
 * Takes back the delivery if the body of a paid answer breaks off. A program that then sends the whole request again
 * asks for the same purchase under the same key, and does not pay a second time.
 */
export function watchDelivery<Reply>(
  reply: Reply,
  id: PaymentId,
  { exchange, env }: OfferPurchase<Reply>,
): void {
  exchange.onBroken?.(reply, () => void markUndelivered(id, 'a paid answer that broke off', env))
}

async function markUndelivered(id: PaymentId, during: string, env: Env): Promise<void> {
  try {
    await transition({ id }, { to: 'undelivered' }, env)
  } catch (error) {
    env.emitter.emit('error', { error, during })
  }
}

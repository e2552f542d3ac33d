import { fundsOf } from '../../errors/index.js'
import type { Evidence, Move, Payment } from '../../ledger/index.js'
import type { Receipt } from '../../protocol/index.js'
import { own } from '../../util/objects.js'
import { continueEarlier } from '../authorize/replacement.js'
import { type Delivery, watchDelivery } from '../deliver.js'
import type { Env } from '../env.js'
import type { Answer, AuthorizedPayment, OfferPurchase, SubmittedCredential } from '../purchase.js'
import { blockedBy, unanswered } from '../refusal.js'
import { allowRepeat, noteRejection, notifyRejected } from '../rejection.js'
import { authorizedPaymentOf, meter, sendCredential } from '../submit.js'
import { transition, tryTransition } from '../transition.js'
import {
  abandonPayment,
  inspectPayment,
  markUnresolved,
  recheckTimeOf,
  releaseAbandonedHold,
} from './inspection.js'

const FIRST_PAUSE_MS = 25
const LONGEST_PAUSE_MS = 1_000

type Answered<Reply> = Extract<Delivery<Reply>, { kind: 'answered' }>

/** What an earlier payment of the same purchase leads to. */
export type Adoption<Reply> =
  | Answered<Reply>
  /** The earlier payment goes on with this credential. */
  | { readonly kind: 'authorized'; readonly authorized: AuthorizedPayment }
  /** The earlier payment is not in the way any more. */
  | { readonly kind: 'gone' }

const GONE = { kind: 'gone' } as const

/**
 * Continues an earlier payment of the same purchase. While another call works on it, waits for its end. If it is in
 * doubt, takes it over: sends the same credential again while that lives, replaces it if the rail allows that, and else
 * asks the wallet what became of it.
 *
 * @throws PaymentRefusedError if it settled, or may still settle; PaymentError `action_required` while it waits for a
 * person.
 */
export async function adopt<Reply extends object>(
  by: Payment,
  purchase: OfferPurchase<Reply>,
): Promise<Adoption<Reply>> {
  const ended = await awaitEnd(by, purchase)
  if (ended.live) throw blockedBy('busy', ended)
  if (ended.state === 'released' || ended.state === 'denied') return GONE
  if (ended.state === 'held') {
    const after = await releaseAbandonedHold(ended, purchase.env)
    // Its process was not gone.
    if (after.state === 'committed') throw blockedBy('busy', after)
    return GONE
  }
  if (ended.state === 'settled' && ended.delivered) return goneUnlessKeyed(ended, purchase)
  return adoptDoubt(ended, purchase)
}

/** A delivered payment under the caller's key is this purchase. Without a key it was another call's purchase. */
function goneUnlessKeyed(payment: Payment, { call }: OfferPurchase): typeof GONE {
  if (call.key === undefined) return GONE
  throw blockedBy('already_paid', payment)
}

/** Waits until no other call works on the payment, or until the patience of this call ends. */
async function awaitEnd(by: Payment, { env, call }: OfferPurchase): Promise<Payment> {
  const patience = env.clock.now() + env.patienceMs
  // A recovery may just have changed it.
  let payment = (await env.ledger.get(by.id)) ?? by
  for (let pause = FIRST_PAUSE_MS; payment.live && env.clock.now() < patience; ) {
    await env.sleep(pause, call.signal)
    pause = Math.min(pause * 2, LONGEST_PAUSE_MS)
    payment = (await env.ledger.get(by.id)) ?? payment
  }
  return payment
}

async function adoptDoubt<Reply extends object>(
  doubt: Payment,
  purchase: OfferPurchase<Reply>,
): Promise<Adoption<Reply>> {
  const { env, call } = purchase
  let payment = doubt
  if (payment.state === 'committed') {
    const taken = await tryTransition(payment.id, { to: 'taken-over', owner: env.owner }, env)
    if (!taken.ok) return GONE
    payment = taken.payment
  }
  const sent = env.liveCredentials.get(payment.id, env.clock.now())
  const answered = await askForAnswer(payment, purchase)
  if (answered !== undefined) return answered
  const before = sent && authorizedPaymentOf(sent)
  if (before !== undefined && (await allowRepeat(payment, before, env)) !== payment && call.key === undefined)
    return GONE
  const authorized =
    payment.state === 'committed' && call.signal?.aborted !== true
      ? await continueEarlier(payment, purchase)
      : undefined
  if (authorized !== undefined) return { kind: 'authorized', authorized }
  // A caller who has left does not wait for a chain: recovery inspects the payment later.
  const seen = call.signal?.aborted
    ? await markUnresolved(payment, env, { recheckAt: recheckTimeOf(payment) })
    : (await abandonPayment(payment, env)).payment
  if (seen.state === 'released') {
    call.signal?.throwIfAborted()
    return GONE
  }
  if (seen.state === 'settled' && seen.delivered) return goneUnlessKeyed(seen, purchase)
  // A caller who has left must still hear what became of the money.
  if (call.signal?.aborted) throw unanswered(seen, { cause: call.signal.reason })
  const reported = await transition(seen, { to: 'reported' }, env)
  throw blockedBy(fundsOf(seen) === 'settled' ? 'paid_not_delivered' : 'payment_in_doubt', reported)
}

/**
 * Sends the same credential again while it lives, and afterwards the request without one, under the payment's own key.
 * A server that knows the key sends the answer that got lost. Any other server asks for money, which changes nothing.
 */
async function askForAnswer<Reply extends object>(
  payment: Payment,
  purchase: OfferPurchase<Reply>,
): Promise<Answered<Reply> | undefined> {
  const { env, exchange } = purchase
  const sent = env.liveCredentials.get(payment.id, env.clock.now())
  if (sent === undefined && payment.state !== 'settled') return undefined
  const first =
    sent === undefined
      ? await sendUnpaid(payment.key ?? payment.id, purchase)
      : await sendCredential(exchange, sent, purchase)
  const authorized = sent && authorizedPaymentOf(sent)
  const submitted: SubmittedCredential<Reply> | undefined =
    authorized &&
    (await meter({ authorized, evidence: evidenceOf(payment, authorized), sent, answer: first }, exchange))
  const answer = submitted?.answer ?? first
  if (answer.kind === 'lost') return undefined
  const { reply, reading } = answer
  if (reading.kind !== 'response' || !reading.ok) {
    // Without a credential, a 402 only asks for money again.
    if (sent !== undefined) await noteRejection(answer, payment, env)
    if (submitted !== undefined) await notifyRejected(reading, submitted, env)
    exchange.discard(reply)
    return undefined
  }
  const seen = await recordDelivery(payment, reading.receipt, env)
  env.attachOutcome(reply, seen)
  env.liveCredentials.drop(payment.id)
  if (submitted?.metered === undefined) {
    watchDelivery(reply, payment.id, purchase)
    return { kind: 'answered', reply }
  }
  const { metered } = submitted
  const latest = { ...submitted, evidence: evidenceOf(seen, submitted.authorized) }
  return { kind: 'answered', reply, stream: { submitted: latest, metered, payment: seen } }
}

/** Records that the answer came. Only the rail can say what became of the money, so the wallet is asked. */
async function recordDelivery(payment: Payment, receipt: Receipt | undefined, env: Env): Promise<Payment> {
  const withReceipt = receipt === undefined ? {} : { receipt }
  const move: Move =
    payment.state === 'settled'
      ? { to: 'delivered', ...withReceipt }
      : { to: 'unresolved', delivered: true, ...withReceipt }
  return inspectPayment(await transition(payment, move, env), env)
}

function evidenceOf({ attempts }: Payment, { attempt }: AuthorizedPayment): Evidence {
  return attempts.at(-1)?.evidence ?? attempt.evidence
}

async function sendUnpaid<Reply>(
  idempotencyKey: string,
  { exchange, call }: OfferPurchase<Reply>,
): Promise<Answer<Reply>> {
  try {
    const reply = await exchange.send(own({ idempotencyKey, signal: call.signal }))
    return { kind: 'reply', reply, reading: await exchange.read(reply) }
  } catch (cause) {
    return { kind: 'lost', cause }
  }
}

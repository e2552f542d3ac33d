import { type Evidence, fundsOf, type Move, type Payment } from '../../ledger/index.js'
import { own } from '../../util/objects.js'
import type { AuthorizedPayment, OfferPurchase } from '../authorize/purchase.js'
import { continueEarlier } from '../authorize/replacement.js'
import type { Exchange } from '../exchange.js'
import { followStream, meter, type Streaming } from '../metering/stream.js'
import { standsInTheWay, unanswered } from '../refusal.js'
import { allowRepeat, notifyRejected } from '../settle/rejected-credential.js'
import { noteRejection } from '../settle/rejection.js'
import type { SubmittedCredential } from '../settle/settle.js'
import { watchDelivery } from '../settle/undelivered.js'
import { authorizedPaymentOf, type Submission, sendCredential } from '../submit/submit.js'
import { transition, tryTransition } from '../transition.js'
import { abandonPayment } from './abandon.js'
import { inspectPayment, markUnresolved, recheckTimeOf, releaseAbandonedHold } from './inspection.js'

const FIRST_LOOK_MS = 25
const LONGEST_LOOK_MS = 1_000

/**
 * An earlier payment of the same purchase: its end is waited for while somebody works on it; a doubt is adopted, the
 * same credential sent again while it lives, another one put in its place where the rail has such, and looked up
 * otherwise.
 *
 * @returns The reply it led to; a deal that the same payment goes on with; undefined when nothing stands in the way any
 * more.
 * @throws PaymentRefusedError when it settled, or may yet; PaymentError `action_required` while it waits for a person.
 */
export async function adopt<Reply extends object>(
  exchange: Exchange<Reply>,
  by: Payment,
  c: OfferPurchase,
  deliver: Streaming<Reply>['deliver'],
): Promise<{ readonly reply: Reply } | { readonly authorized: AuthorizedPayment } | undefined> {
  const ended = await itsEnd(by, c)
  if (ended.live) throw standsInTheWay('busy', ended)
  if (ended.state === 'released' || ended.state === 'denied') return undefined
  if (ended.state === 'held') {
    const after = await releaseAbandonedHold(ended, c.env)
    // Its process was not gone after all.
    if (after.state === 'committed') throw standsInTheWay('busy', after)
    return undefined
  }
  if (ended.state === 'settled' && ended.delivered) return delivered(ended, c)
  return adoptDoubt(exchange, ended, c, deliver)
}

/** Its answer reached somebody. Under our key that is this purchase; without one it was a call of its own. */
function delivered(payment: Payment, { call }: OfferPurchase): undefined {
  if (call.key === undefined) return undefined
  throw standsInTheWay('already_paid', payment)
}

/** Somebody else's open payment of the same purchase: whoever asks second waits for what the first one leads to. */
async function itsEnd(by: Payment, { env, call }: OfferPurchase): Promise<Payment> {
  const patience = env.clock.now() + env.patienceMs
  // A recovery may just have been at it.
  let payment = (await env.ledger.get(by.id)) ?? by
  for (let pause = FIRST_LOOK_MS; payment.live && env.clock.now() < patience; ) {
    await env.sleep(pause, call.signal)
    pause = Math.min(pause * 2, LONGEST_LOOK_MS)
    payment = (await env.ledger.get(by.id)) ?? payment
  }
  return payment
}

async function adoptDoubt<Reply extends object>(
  exchange: Exchange<Reply>,
  doubt: Payment,
  c: OfferPurchase,
  deliver: Streaming<Reply>['deliver'],
): Promise<{ readonly reply: Reply } | { readonly authorized: AuthorizedPayment } | undefined> {
  const { env, call } = c
  let payment = doubt
  if (payment.state === 'committed') {
    const adopted = await tryTransition(payment.id, { to: 'taken-over', owner: env.owner }, env)
    if (!adopted.ok) return undefined
    payment = adopted.payment
  }
  const sent = env.liveCredentials.get(payment.id, env.clock.now())
  const answered = await askForTheAnswer(exchange, payment, c, deliver)
  if (answered !== undefined) return answered
  const before = sent && authorizedPaymentOf(sent)
  if (before !== undefined && (await allowRepeat(payment, before, env)) !== payment && call.key === undefined)
    return undefined
  const authorized =
    payment.state === 'committed' && call.signal?.aborted !== true
      ? await continueEarlier(payment, c)
      : undefined
  if (authorized !== undefined) return { authorized }
  // A caller who has hung up does not wait for a chain; the doubt goes back to recovery.
  const gone = call.signal?.aborted === true
  const seen = gone
    ? await markUnresolved(payment, recheckTimeOf(payment), env)
    : (await abandonPayment(payment, env)).payment
  if (seen.state === 'released') {
    call.signal?.throwIfAborted()
    return undefined
  }
  if (seen.state === 'settled' && seen.delivered) return delivered(seen, c)
  // A caller who has hung up must hear what became of the money all the same.
  if (call.signal?.aborted) throw unanswered(seen, { cause: call.signal.reason })
  const told = await transition(seen, { to: 'reported' }, env)
  throw standsInTheWay(fundsOf(seen) === 'settled' ? 'paid_not_delivered' : 'payment_in_doubt', told)
}

/**
 * The same credential again while it lives; afterwards the bare request under the payment's own key. A server that
 * honours the key gives the answer that got lost; one that does not asks for money, which changes nothing.
 */
async function askForTheAnswer<Reply extends object>(
  exchange: Exchange<Reply>,
  payment: Payment,
  c: OfferPurchase,
  deliver: Streaming<Reply>['deliver'],
): Promise<{ readonly reply: Reply } | undefined> {
  const { env, call } = c
  const sent = env.liveCredentials.get(payment.id, env.clock.now())
  if (sent === undefined && payment.state !== 'settled') return undefined
  const whole =
    sent === undefined
      ? await unpaid(exchange, payment.key ?? payment.id, call.signal)
      : await sendCredential(exchange, sent, call, env)
  const authorized = sent && authorizedPaymentOf(sent)
  const { presented, metered } = authorized ? await meter(exchange, whole, authorized) : { presented: whole }
  if (presented.kind === 'lost') return undefined
  const { reply, reading } = presented
  if (reading.kind !== 'response' || !reading.ok) {
    // Without a credential a 402 only asks for money again.
    if (sent !== undefined) await noteRejection(presented, payment, env)
    if (authorized !== undefined)
      await notifyRejected(reading, authorized, evidenceOf(payment, authorized), env)
    exchange.discard(reply)
    return undefined
  }
  const { receipt } = reading
  const withReceipt = receipt ? { receipt } : {}
  const move: Move =
    payment.state === 'settled'
      ? { to: 'delivered', ...withReceipt }
      : { to: 'unresolved', delivered: true, ...withReceipt }
  const after = await transition(payment, move, env)
  // An answer is an answer; what became of the money is for the rail to say.
  const seen = await inspectPayment(after, env)
  env.attachOutcome(reply, seen)
  env.liveCredentials.drop(payment.id)
  if (authorized && metered) {
    const sending: SubmittedCredential = {
      authorized,
      evidence: evidenceOf(seen, authorized),
      sent,
      metered: true,
    }
    void followStream({ exchange, metered, sending, payment: seen, case: c, deliver })
  } else watchDelivery(exchange, reply, payment.id, env)
  return { reply }
}

function evidenceOf({ attempts }: Payment, { attempt }: AuthorizedPayment): Evidence {
  return attempts.at(-1)?.evidence ?? attempt.evidence
}

async function unpaid<Reply>(
  exchange: Exchange<Reply>,
  key: string,
  signal: AbortSignal | undefined,
): Promise<Submission<Reply>> {
  try {
    const reply = await exchange.send(own({ idempotencyKey: key, ...(signal ? { signal } : {}) }))
    return { kind: 'reply', reply, reading: await exchange.read(reply) }
  } catch (cause) {
    return { kind: 'lost', cause }
  }
}

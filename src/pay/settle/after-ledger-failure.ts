import { PaymentError } from '../../errors/index.js'
import type { Payment, PaymentId } from '../../ledger/index.js'
import type { OfferPurchase } from '../authorize/purchase.js'
import { causeFor } from '../cause.js'
import { inspectPayment, markUnresolved, recheckTimeOf } from '../recovery/inspection.js'
import { provenVoid, unanswered } from '../refusal.js'
import type { Submission } from '../submit/submit.js'

/**
 * A credential left, and then the ledger (or the caller, by an abort) stopped the story. The commit is on record, so
 * the money is not forgotten: an answer that came is handed on, and anything else is told as what it is by now, never
 * as the ledger's own error, which knows nothing of money that left.
 *
 * @throws PaymentError where no answer came.
 */
export async function afterLedgerFailure<Reply extends object>(
  id: PaymentId,
  presented: Submission<Reply> | undefined,
  cause: unknown,
  c: OfferPurchase,
): Promise<Reply> {
  const { env } = c
  const payment = await currentPayment(id, c)
  const reply = presented?.kind === 'reply' ? presented.reply : undefined
  if (presented?.kind === 'reply' && presented.reading.kind === 'response') {
    env.emitter.emit('error', { error: cause, during: 'writing down a paid answer' })
    if (payment !== undefined) env.attachOutcome(presented.reply, payment)
    return presented.reply
  }
  const details = { cause: causeFor(cause, c.call, env), ...(reply === undefined ? {} : { reply }) }
  if (payment === undefined) throw unknownOutcome(id, details)
  const error = payment.state === 'released' ? provenVoid(payment, details) : unanswered(payment, details)
  env.attachOutcome(error, payment)
  throw error
}

/** Where the payment stands, as far as the ledger can say now. Left to recovery, whatever else fails. */
async function currentPayment(id: PaymentId, { env, call }: OfferPurchase): Promise<Payment | undefined> {
  try {
    const payment = await env.ledger.get(id)
    if (payment?.state !== 'committed') return payment
    const left = await markUnresolved(payment, recheckTimeOf(payment), env)
    return call.signal?.aborted === true ? left : await inspectPayment(left, env)
  } catch (error) {
    env.emitter.emit('error', { error, during: 'looking after a failure' })
    return undefined
  }
}

function unknownOutcome(id: PaymentId, details: { cause: unknown; reply?: unknown }): PaymentError {
  return new PaymentError(
    'payment_in_doubt',
    'unknown',
    'A payment was sent, and the ledger cannot say what became of it. It counts as spent until it is proven otherwise.',
    { ...details, paymentId: id },
  )
}

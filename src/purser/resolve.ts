import { PaymentError } from '../errors/index.js'
import { fundsOf, type Move, type Payment, type PaymentId } from '../ledger/index.js'
import { advanceById } from '../pay/doubt.js'
import type { Env } from '../pay/index.js'

/** How a person closes a doubt that nothing can ever prove. */
export type Resolution =
  | { readonly as: 'settled'; readonly by: string; readonly reference?: string }
  | { readonly as: 'released'; readonly by: string; readonly because: string }

/** Writes down what a person knows about a payment in doubt. */
export async function closeByHand(
  id: PaymentId,
  resolution: Resolution,
  env: Pick<Env, 'ledger' | 'emitter' | 'clock'>,
): Promise<Payment> {
  const now = env.clock.now()
  const payment = await env.ledger.get(id)
  if (payment === undefined) throw new TypeError('The ledger has no payment with this id')
  const { state, live, attempts } = payment
  const notYet = (says: string): PaymentError =>
    new PaymentError('refused', fundsOf(payment), says, { paymentId: id })
  if (state !== 'committed' || live) throw notYet('Only a payment in doubt can be closed by a person')
  const alive = attempts.some(
    (attempt) => attempt.void === undefined && (attempt.evidence.recheckAt ?? 0) > now,
  )
  if (resolution.as === 'released' && alive)
    throw notYet('Its credential may still settle: look again with recover() when it has run out')
  return close(payment, resolution, env)
}

async function close(
  payment: Payment,
  resolution: Resolution,
  env: Pick<Env, 'ledger' | 'emitter'>,
): Promise<Payment> {
  const move: Move =
    resolution.as === 'settled'
      ? {
          to: 'settled',
          proof: 'person',
          reference: resolution.reference ?? `by ${resolution.by}`,
          spent: payment.terms.most,
        }
      : { to: 'released', because: `${resolution.because} (${resolution.by})` }
  const open = payment.attempts.flatMap((attempt, index) => (attempt.void === undefined ? [index] : []))
  if (move.to === 'released')
    for (const attempt of open)
      await advanceById(payment.id, { to: 'voided', attempt, because: move.because }, env)
  return (await advanceById(payment.id, move, env)).payment
}

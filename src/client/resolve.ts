import { fundsOf, type Names, ownOptions, PaymentError } from '../errors/index.js'
import type { Move, Payment, PaymentId } from '../ledger/index.js'
import { type Env, transition } from '../pay/index.js'

/** A person's statement that closes a payment in doubt, if nothing can prove its end. */
export type Resolution =
  | { readonly as: 'settled'; readonly by: string; readonly reference?: string }
  | { readonly as: 'released'; readonly by: string; readonly reason: string }

/** Stores a person's knowledge about a payment in doubt. */
export async function closeByHand(
  id: PaymentId,
  resolution: Resolution,
  env: Pick<Env, 'ledger' | 'emitter' | 'clock'>,
): Promise<Payment> {
  const said = readResolution(resolution)
  const now = env.clock.now()
  const payment = await env.ledger.get(id)
  if (payment === undefined) throw new TypeError('The ledger has no payment with this id')
  const { state, live, attempts } = payment
  const notYet = (message: string): PaymentError =>
    new PaymentError('refused', fundsOf(payment), message, { paymentId: id })
  if (state !== 'committed' || live) throw notYet('Only a payment in doubt can be closed by a person')
  const alive = attempts.some(
    (attempt) => attempt.void === undefined && (attempt.evidence.recheckAt ?? 0) > now,
  )
  if (said.as === 'released' && alive)
    throw notYet('Its credential may still settle: look again with recover() when it has run out')
  return close(payment, said, env)
}

const SETTLED: Names<Extract<Resolution, { as: 'settled' }>> = { as: true, by: true, reference: true }
const RELEASED: Names<Extract<Resolution, { as: 'released' }>> = { as: true, by: true, reason: true }

/** @throws TypeError for an unknown name, or an incomplete statement. */
function readResolution(given: Resolution): Resolution {
  const { as }: { readonly as?: unknown } = Object(given)
  if (as !== 'settled' && as !== 'released')
    throw new TypeError("resolve() needs { as: 'settled', by } or { as: 'released', by, reason }")
  const said =
    given.as === 'settled'
      ? ownOptions(given, SETTLED, 'resolve()')
      : ownOptions(given, RELEASED, 'resolve()')
  const needed = said.as === 'settled' ? { by: said.by } : { by: said.by, reason: said.reason }
  for (const [name, value] of Object.entries<unknown>(needed))
    if (typeof value !== 'string' || value === '') throw new TypeError(`resolve() needs \`${name}\`, a text`)
  return said
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
      : {
          to: 'released',
          reason: `${resolution.reason} (${resolution.by})`,
          attempts: payment.attempts.length,
        }
  const open = payment.attempts.flatMap((attempt, index) => (attempt.void === undefined ? [index] : []))
  if (move.to === 'released')
    for (const attempt of open) await transition(payment, { to: 'voided', attempt, reason: move.reason }, env)
  return transition(payment, move, env)
}

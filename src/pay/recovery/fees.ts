import type { Payment, Verdict } from '../../ledger/index.js'
import { count } from '../../money/index.js'
import { asAgreed } from '../../policy/index.js'
import type { Env } from '../env.js'
import { transition } from '../transition.js'
import { inspectAttempt, settleByChain, voidMove } from './inspection.js'
import { nextInspection } from './recovery-schedule.js'

/** A payment that a receipt settled counts at its fee's bound until the fee itself was read. */
export async function readFee(payment: Payment, env: Env): Promise<Payment> {
  const after = await lookForFee(payment, env)
  return after.state === 'settled' && after.fee === undefined ? putOff(after, env) : after
}

/** Its fee could not be read yet: it is asked for again, each time after twice as long. */
export function putOff(payment: Payment, env: Env): Promise<Payment> {
  const recheckAt = nextInspection(payment, env.clock.now())
  env.scheduleRecheck(recheckAt)
  return transition(payment, { to: 'settled', proof: payment.proof ?? 'receipt', recheckAt }, env)
}

async function lookForFee(payment: Payment, env: Env): Promise<Payment> {
  let current = payment
  let open = false
  for (const [index, attempt] of payment.attempts.entries()) {
    if (attempt.void !== undefined) continue
    const verdict = await inspectAttempt(current, index, env)
    if (verdict.state === 'settled') {
      const fee = verdict.fee === undefined ? undefined : asAgreed(verdict.fee, attempt.terms)
      const unread = fee === undefined || count(fee, env.policy.unit) === undefined
      return unread ? current : settleByChain(current, verdict.amount ?? attempt.terms.most, verdict, env)
    }
    if (verdict.state !== 'void' || payment.proof !== 'receipt') {
      open = true
      current = await learnFee(current, verdict.fee && asAgreed(verdict.fee, attempt.terms), env)
      continue
    }
    const last = !open && current.attempts.every((each, at) => at === index || each.void !== undefined)
    if (last) return untrue(current, verdict, env)
    current = await transition(current, voidMove(index, verdict), env)
  }
  return current
}

/** What was taken for a credential whose own end is still to come: only the fee is final. */
async function learnFee(payment: Payment, fee: Verdict['fee'], env: Env): Promise<Payment> {
  const { proof } = payment
  if (fee === undefined || payment.fee !== undefined || proof === undefined) return payment
  if (count(fee, env.policy.unit) === undefined) return payment
  return transition(payment, { to: 'settled', proof, fee }, env)
}

/** The server gave a receipt for money that never moved, and never can. The budget has it back. */
function untrue(payment: Payment, verdict: Extract<Verdict, { state: 'void' }>, env: Env): Promise<Payment> {
  const { reason, fee, lane } = verdict
  env.emitter.emit('anomaly', {
    kind: 'receipt_untrue',
    payment: payment.id,
    message: 'A receipt came for a payment that is proven void. It does not count any more.',
  })
  return transition(
    payment,
    {
      to: 'released',
      reason,
      ...(fee === undefined ? {} : { fee }),
      ...(lane === undefined ? {} : { lane }),
    },
    env,
  )
}

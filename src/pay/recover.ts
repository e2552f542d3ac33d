import type { DueQuery, Payment, Verdict } from '../ledger/index.js'
import { count } from '../money/index.js'
import { asAgreed } from '../policy/agreed.js'
import { advance, leave, look, settle, voided } from './doubt.js'
import type { Env } from './env.js'
import { heed } from './heed.js'
import { windUp } from './wind-up.js'

/** What a recovery did. */
export interface Recovery {
  readonly settled: number
  readonly released: number
  /** Still in doubt. */
  readonly open: number
  /** Payments whose fee was read from the chain. */
  readonly fees: number
}

/**
 * Settles what is in doubt: budget whose process died before it signed, credentials whose owner is gone or whose
 * evidence is due. One at a time, each taken as our own first, so that two recoveries never meet; a wallet that does not
 * answer is waited for as long as a call would wait, and then left open.
 */
export async function recover(env: Env, which: DueQuery['which']): Promise<Recovery> {
  const tally = { settled: 0, released: 0, open: 0, fees: 0 }
  await env.keepAlive()
  for await (const payment of env.ledger.due({ wallets: env.wallets.map(({ id }) => id), which })) {
    const after = await inTime(payment, env)
    if (after.state === 'released') tally.released++
    else if (payment.state === 'settled')
      tally.fees += Number(after.fee !== undefined && payment.fee === undefined)
    else if (after.state === 'settled') tally.settled++
    else tally.open++
  }
  return tally
}

/** What hangs stops nobody else's recovery. What it brings later is written down all the same. */
async function inTime(payment: Payment, env: Env): Promise<Payment> {
  const late = AbortSignal.timeout(env.patienceMs)
  try {
    return await heed(recoverOne(payment, env), late)
  } catch (error) {
    if (!late.aborted || error !== late.reason) throw error
    env.emitter.emit('error', { error, during: 'recovery' })
    return payment.state === 'committed' ? leave(payment, undefined, env) : payment
  }
}

async function recoverOne(payment: Payment, env: Env): Promise<Payment> {
  if (payment.state === 'held')
    return advance(payment, { to: 'released', because: 'its process ended before anything was signed' }, env)
  if (payment.state === 'settled') return readFee(payment, env)
  const adopted = await env.ledger.advance(payment.id, { to: 'adopted', owner: env.owner })
  return adopted.ok ? (await windUp(adopted.payment, env)).payment : adopted.payment
}

/** A payment that a receipt settled counts at its fee's bound until the fee itself was read. */
async function readFee(payment: Payment, env: Env): Promise<Payment> {
  let current = payment
  let open = false
  for (const [index, attempt] of payment.attempts.entries()) {
    if (attempt.void !== undefined) continue
    const verdict = await look(current, index, env)
    if (verdict.state === 'settled') {
      const fee = verdict.fee === undefined ? undefined : asAgreed(verdict.fee, attempt.terms)
      const unread = fee === undefined || count(fee, env.policy.unit) === undefined
      return unread ? current : settle(current, verdict.amount ?? attempt.terms.most, verdict, env)
    }
    if (verdict.state !== 'void' || payment.proof !== 'receipt') {
      open = true
      current = await learnFee(current, verdict.fee && asAgreed(verdict.fee, attempt.terms), env)
      continue
    }
    const last = !open && current.attempts.every((each, at) => at === index || each.void !== undefined)
    if (last) return untrue(current, verdict, env)
    current = await advance(current, voided(index, verdict), env)
  }
  return current
}

/** What was taken for a credential whose own end is still to come: only the fee is final. */
async function learnFee(payment: Payment, fee: Verdict['fee'], env: Env): Promise<Payment> {
  const { proof } = payment
  if (fee === undefined || payment.fee !== undefined || proof === undefined) return payment
  if (count(fee, env.policy.unit) === undefined) return payment
  return advance(payment, { to: 'settled', proof, fee }, env)
}

/** The server gave a receipt for money that never moved, and never can. The budget has it back. */
function untrue(payment: Payment, verdict: Extract<Verdict, { state: 'void' }>, env: Env): Promise<Payment> {
  const { because, fee, lane } = verdict
  env.emitter.emit('anomaly', {
    kind: 'receipt_untrue',
    payment: payment.id,
    says: 'A receipt came for a payment that is proven void. It does not count any more.',
  })
  return advance(
    payment,
    {
      to: 'released',
      because,
      ...(fee === undefined ? {} : { fee }),
      ...(lane === undefined ? {} : { lane }),
    },
    env,
  )
}

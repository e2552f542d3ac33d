import type { Payment, Verdict } from '../../ledger/index.js'
import type { Instant } from '../../money/index.js'
import type { Problem } from '../../protocol/index.js'
import type { Env } from '../env.js'
import { tryTransition } from '../transition.js'
import {
  applyVerdicts,
  type InspectionResult,
  inspectAttempt,
  markUnresolved,
  walletOf,
} from './inspection.js'

/**
 * Nobody goes on with the credentials of this payment: what can be made void is, so that the doubt ends here. Never what
 * was delivered for, what waits for a person, or what another process works on.
 */
export async function abandonPayment(payment: Payment, env: Env, told?: Problem): Promise<InspectionResult> {
  if (payment.state !== 'committed' || !canAbandon(payment, env))
    return applyVerdicts((index) => inspectAttempt(payment, index, env, told), payment, env)
  // As our own first: whoever took it over meanwhile may be showing its credential right now.
  const { ok, payment: ours } = await tryTransition(payment.id, { to: 'taken-over', owner: env.owner }, env)
  if (!ok) return { payment: ours }
  return applyVerdicts((index) => lastVerdict(ours, index, env, told), ours, env)
}

/**
 * The same for a call that has come to its end. What nobody can make void is written down as left first, so that a crash
 * while looking changes nothing; what can be is ours until it is.
 */
export async function abandonCall(
  payment: Payment,
  recheckAt: Instant | undefined,
  env: Env,
  told?: Problem,
): Promise<InspectionResult> {
  const left = canAbandon(payment, env) ? payment : await markUnresolved(payment, recheckAt, env)
  return abandonPayment(left, env, told)
}

function canAbandon(payment: Payment, env: Env): boolean {
  return payment.attempts.some((_, index) => walletOf(payment, index, env)?.abandon !== undefined)
}

async function lastVerdict(payment: Payment, index: number, env: Env, told?: Problem): Promise<Verdict> {
  const seen = await inspectAttempt(payment, index, env, told)
  const waiting = seen.state === 'pending' && seen.person !== undefined
  const over = seen.state === 'settled' || seen.state === 'void'
  return over || waiting || payment.delivered ? seen : abandonAttempt(payment, index, seen, env)
}

/** A wallet that cannot, or fails to, has said what it knows. */
async function abandonAttempt(payment: Payment, index: number, seen: Verdict, env: Env): Promise<Verdict> {
  const evidence = payment.attempts[index]?.evidence
  const wallet = walletOf(payment, index, env)
  try {
    return (evidence && (await wallet?.abandon?.(evidence))) ?? seen
  } catch (error) {
    env.emitter.emit('error', { error, during: 'abandon' })
    return seen
  }
}

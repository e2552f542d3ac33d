import type { Payment, Verdict } from '../ledger/index.js'
import type { Problem } from '../protocol/index.js'
import { type Examined, examineBy, look, walletOf } from './doubt.js'
import type { Env } from './env.js'

/**
 * Nobody goes on with the credentials of this payment: what can be made void is, so that the doubt ends here. Never what
 * was delivered for, what waits for a person, or what another process works on.
 */
export async function windUp(payment: Payment, env: Env, told?: Problem): Promise<Examined> {
  const seen = await examineBy((index) => look(payment, index, env, told), payment, env)
  if (seen.open === undefined || isWaiting(seen.open) || seen.payment.delivered) return seen
  if (!seen.payment.attempts.some((_, index) => walletOf(payment, index, env)?.abandon)) return seen
  const ours = await env.ledger.advance(payment.id, { to: 'adopted', owner: env.owner })
  if (!ours.ok) return seen
  return examineBy((index) => abandon(ours.payment, index, env), ours.payment, env)
}

function isWaiting(verdict: Verdict): boolean {
  return verdict.state === 'pending' && verdict.person !== undefined
}

/** A wallet that cannot, or fails to, is asked what it knows. */
async function abandon(payment: Payment, index: number, env: Env): Promise<Verdict> {
  const evidence = payment.attempts[index]?.evidence
  const wallet = walletOf(payment, index, env)
  try {
    if (evidence !== undefined && wallet?.abandon !== undefined) return await wallet.abandon(evidence)
  } catch (error) {
    env.emitter.emit('error', { error, during: 'abandon' })
  }
  return look(payment, index, env)
}

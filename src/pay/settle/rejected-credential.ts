import type { Evidence, Payment } from '../../ledger/index.js'
import type { Problem, ReplyInfo } from '../../protocol/index.js'
import { own } from '../../util/objects.js'
import type { AuthorizedPayment } from '../authorize/purchase.js'
import type { Env } from '../env.js'
import { transition } from '../transition.js'

/** Deals whose wallet has given up what they run on. */
const givenUp = new WeakSet<AuthorizedPayment>()

/**
 * Tells a wallet that the server did not take its credential. If the wallet gives something up because of that, listeners
 * hear it, and recovery looks for what can be fetched back.
 */
export async function notifyRejected(
  reading: ReplyInfo,
  authorized: AuthorizedPayment,
  evidence: Evidence,
  env: Pick<Env, 'clock' | 'emitter' | 'ledger' | 'scheduleRecheck'>,
): Promise<void> {
  const problem = refusalIn(reading)
  const { wallet } = authorized.candidate
  if (problem === undefined || wallet.onRejected === undefined) return
  try {
    const now = env.clock.now()
    const gone = await wallet.onRejected(own({ evidence, problem, now, channels: env.ledger }))
    if (gone === undefined) return
    givenUp.add(authorized)
    env.emitter.emit('anomaly', {
      kind: 'session_forgotten',
      payment: authorized.payment,
      message: gone.message,
    })
    env.scheduleRecheck(now)
  } catch (error) {
    env.emitter.emit('error', { error, during: 'rejected' })
  }
}

/**
 * The caller has the server's answer, and nothing more is signed on what was given up. So the same request may be paid for
 * again, although this payment counts until the rail shows its end.
 */
export async function allowRepeat(
  payment: Payment,
  authorized: AuthorizedPayment,
  env: Env,
): Promise<Payment> {
  if (payment.state !== 'committed' || !givenUp.has(authorized)) return payment
  env.liveCredentials.drop(payment.id)
  return transition(payment, { to: 'reported', repeatable: true }, env)
}

/** The answer to a credential that was not taken, as a problem. Undefined for any other answer. */
function refusalIn(reading: ReplyInfo): Problem | undefined {
  if (reading.kind === 'redirect' || reading.receipt?.success === true) return undefined
  if (reading.kind === 'payment-required')
    return own({ type: 'about:blank', status: 402, ...reading.problem })
  return reading.ok ? undefined : own({ type: 'about:blank', ...reading.problem, status: reading.status })
}

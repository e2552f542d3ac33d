import { own } from '../errors/index.js'
import type { Evidence, Payment } from '../ledger/index.js'
import type { Problem, Reading } from '../protocol/index.js'
import type { Deal } from './case.js'
import { advance } from './doubt.js'
import type { Env } from './env.js'

/** Deals whose wallet has given up what they run on. */
const givenUp = new WeakSet<Deal>()

/**
 * Tells a wallet that the server did not take its credential. If the wallet gives something up because of that, listeners
 * hear it, and recovery looks for what can be fetched back.
 */
export async function tellNotTaken(
  reading: Reading,
  deal: Deal,
  evidence: Evidence,
  env: Pick<Env, 'clock' | 'emitter' | 'ledger' | 'lookAgain'>,
): Promise<void> {
  const problem = refusalIn(reading)
  const { wallet } = deal.candidate
  if (problem === undefined || wallet.rejected === undefined) return
  try {
    const now = env.clock.now()
    const gone = await wallet.rejected(own({ evidence, problem, now, channels: env.ledger }))
    if (gone === undefined) return
    givenUp.add(deal)
    env.emitter.emit('anomaly', { kind: 'session_forgotten', payment: deal.payment, says: gone.says })
    env.lookAgain(now)
  } catch (error) {
    env.emitter.emit('error', { error, during: 'rejected' })
  }
}

/**
 * The caller has the server's answer, and nothing more is signed on what was given up. So the same request may be paid for
 * again, although this payment counts until the rail shows its end.
 */
export async function letItRepeat(payment: Payment, deal: Deal, env: Env): Promise<Payment> {
  if (payment.state !== 'committed' || !givenUp.has(deal)) return payment
  env.sent.drop(payment.id)
  return advance(payment, { to: 'reported', repeatable: true }, env)
}

/** The answer to a credential that was not taken, as a problem. Undefined for any other answer. */
function refusalIn(reading: Reading): Problem | undefined {
  if (reading.kind === 'moved' || reading.receipt?.success === true) return undefined
  if (reading.kind === 'asks') return own({ type: 'about:blank', status: 402, ...reading.problem })
  return reading.ok ? undefined : own({ type: 'about:blank', ...reading.problem, status: reading.status })
}

import { clean, type Rejection } from '../errors/index.js'
import type { Payment } from '../ledger/index.js'
import type { Problem, ReplyInfo } from '../protocol/index.js'
import { own } from '../util/objects.js'
import type { Env } from './env.js'
import type { Answer, AuthorizedPayment, SubmittedCredential } from './purchase.js'
import { transition } from './transition.js'

/** A server chooses the type of a problem, a URI reference. */
const MOST_TYPE = 200

/**
 * Records why the server did not accept a credential. Any other answer costs no write. Listeners do not hear of it yet,
 * because an honest server whose challenge expired accepts the next credential.
 */
export async function noteRejection(
  answer: Answer<unknown>,
  payment: Payment,
  env: Pick<Env, 'ledger' | 'emitter'>,
): Promise<Payment> {
  const rejection = answer.kind === 'reply' ? rejectionIn(answer.reading) : undefined
  if (rejection === undefined) return payment
  return transition(payment, { to: 'rejected', rejection }, env)
}

function rejectionIn(reading: ReplyInfo): Rejection | undefined {
  if (reading.kind === 'redirect' || (reading.kind === 'response' && reading.ok)) return undefined
  return { status: reading.kind === 'payment-required' ? 402 : reading.status, ...cleaned(reading.problem) }
}

function cleaned(problem: Problem | undefined): Partial<Rejection> {
  if (problem === undefined) return {}
  const { type, title, detail } = problem
  return {
    ...(type === 'about:blank' ? {} : { type: clean(type, MOST_TYPE) }),
    ...(title === undefined ? {} : { title: clean(title) }),
    ...(detail === undefined ? {} : { detail: clean(detail) }),
  }
}

/** Tells listeners that a payment ended without its answer, with the server's reason if there is one. */
export function reportRejection({ id, rejection }: Payment, { emitter }: Pick<Env, 'emitter'>): void {
  if (rejection === undefined) return
  emitter.emit('anomaly', {
    kind: 'payment_rejected',
    payment: id,
    message: `The server did not take the payment: ${sentenceOf(rejection)}`,
  })
}

/** Formats a rejection: `it answered with status 402 (x402:insufficient_funds), and says: "not enough USDC".` */
export function sentenceOf({ status, type, title, detail }: Rejection): string {
  const code = type === undefined ? '' : ` (${type})`
  const words = detail ?? title
  return `it answered with status ${status}${code}${words === undefined ? '.' : `, and says: "${words}".`}`
}

/** Payments whose wallet has given up the session that they used. */
const givenUp = new WeakSet<AuthorizedPayment>()

/**
 * Tells a wallet that the server did not accept its credential. If the wallet therefore gives something up, listeners
 * hear of it, and recovery looks for money to fetch back.
 */
export async function notifyRejected(
  reading: ReplyInfo,
  { authorized, evidence }: Pick<SubmittedCredential, 'authorized' | 'evidence'>,
  env: Pick<Env, 'clock' | 'emitter' | 'ledger' | 'scheduleRecheck'>,
): Promise<void> {
  const problem = problemOf(reading)
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
 * Lets the same request be paid for again if the wallet gave up the session of this payment. The caller has the
 * server's answer, and nothing more is signed on that session. The payment itself counts until the rail shows its end.
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

/** The answer to a credential that was not accepted, as a problem. Undefined for any other answer. */
function problemOf(reading: ReplyInfo): Problem | undefined {
  if (reading.kind === 'redirect' || reading.receipt?.success === true) return undefined
  if (reading.kind === 'payment-required')
    return own({ type: 'about:blank', status: 402, ...reading.problem })
  return reading.ok ? undefined : own({ type: 'about:blank', ...reading.problem, status: reading.status })
}

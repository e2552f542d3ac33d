import { clean, type Rejection } from '../../errors/index.js'
import type { Payment } from '../../ledger/index.js'
import type { Problem, ReplyInfo } from '../../protocol/index.js'
import type { Env } from '../env.js'
import type { Submission } from '../submit/submit.js'
import { transition } from '../transition.js'

/** A problem's type is a URI reference that the server chooses. */
const MOST_TYPE = 200

/** What an answer to a credential says against it. Undefined if it is no refusal. */
export function rejectionIn(reading: ReplyInfo): Rejection | undefined {
  if (reading.kind === 'redirect' || (reading.kind === 'response' && reading.ok)) return undefined
  return { status: reading.kind === 'payment-required' ? 402 : reading.status, ...wordsOf(reading.problem) }
}

function wordsOf(problem: Problem | undefined): Partial<Rejection> {
  if (problem === undefined) return {}
  const { type, title, detail } = problem
  return {
    ...(type === 'about:blank' ? {} : { type: clean(type, MOST_TYPE) }),
    ...(title === undefined ? {} : { title: clean(title) }),
    ...(detail === undefined ? {} : { detail: clean(detail) }),
  }
}

/**
 * Writes down why the server did not take a credential. A reply that is no refusal costs no write. Nobody is told yet: an
 * honest server whose challenge ran out takes the next credential.
 */
export async function noteRejection(
  presented: Submission<unknown>,
  payment: Payment,
  env: Pick<Env, 'ledger' | 'emitter'>,
): Promise<Payment> {
  const rejection = presented.kind === 'reply' ? rejectionIn(presented.reading) : undefined
  if (rejection === undefined) return payment
  return transition(payment, { to: 'rejected', rejection }, env)
}

/** Tells that a payment ended without what was bought, and why by the server's own words, if there were any. */
export function tellRejection({ id, rejection }: Payment, { emitter }: Pick<Env, 'emitter'>): void {
  if (rejection === undefined) return
  emitter.emit('anomaly', {
    kind: 'payment_rejected',
    payment: id,
    message: `The server did not take the payment: ${sentenceOf(rejection)}`,
  })
}

/** `It answered with status 402 (x402:insufficient_funds): not enough USDC.` */
export function sentenceOf({ status, type, title, detail }: Rejection): string {
  const code = type === undefined ? '' : ` (${type})`
  const words = detail ?? title
  return `it answered with status ${status}${code}${words === undefined ? '.' : `, and says: "${words}".`}`
}

import type { AuthorizedPayment } from '../authorize/purchase.js'
import type { Env } from '../env.js'
import { inspectPayment, markUnresolved, recheckTimeOf } from './inspection.js'

/** Committed when nobody waited any more: it never leaves, and counts until its wallet says what became of it. */
export async function abandonUnsent({ committed }: AuthorizedPayment, env: Env): Promise<void> {
  try {
    await inspectPayment(await markUnresolved(committed, recheckTimeOf(committed), env), env)
  } catch (error) {
    env.emitter.emit('error', { error, during: 'looking after an abort' })
  }
}

import type { PaymentId } from '../../ledger/index.js'
import type { Env } from '../env.js'
import type { Exchange } from '../exchange.js'
import { transition } from '../transition.js'

/** Writes down that what was paid for did not reach its caller: whoever asks for the same again must not pay again. */
export async function markUndelivered(id: PaymentId, during: string, env: Env): Promise<void> {
  try {
    await transition({ id }, { to: 'undelivered' }, env)
  } catch (error) {
    env.emitter.emit('error', { error, during })
  }
}

/**
 * A paid answer whose body breaks off was not delivered. A retry around the payment sends the whole request again for
 * it: that is the same purchase, and it is asked for under the same key instead of being paid for a second time.
 */
export function watchDelivery<Reply>(exchange: Exchange<Reply>, reply: Reply, id: PaymentId, env: Env): void {
  exchange.onBroken?.(reply, () => void markUndelivered(id, 'a paid answer that broke off', env))
}

import { completeOwn } from '../../util/objects.js'
import type { Prepared, Wallet } from '../../wallet/index.js'

/**
 * Without evidence that finds its wallet again nobody could ever tell what became of it, and without a `discard` it could
 * not be thrown away.
 */
export function checkPrepared(prepared: Prepared, { id }: Wallet): Prepared {
  completeOwn(Object(prepared), ['nextLaneValue', 'signedTotal'])
  const { evidence, complete, discard }: Partial<Prepared> = Object(prepared)
  if (evidence !== undefined) completeOwn(Object(evidence), ['recheckAt'])
  const whole = evidence?.wallet === id && Array.isArray(evidence.refs)
  if (whole && typeof complete === 'function' && typeof discard === 'function') return prepared
  throw new TypeError('The wallet prepared no payment')
}

import type { Instant } from '../money/index.js'
import type { Challenge } from '../protocol/index.js'
import type { QuoteContext, Unpayable } from './quote.js'

// What several wallets need, whichever network they pay on. In no entry point.

/** The answer for an offer that a wallet cannot pay. */
export function unpayable(text: string, code: Unpayable['code'] = 'wallet_failed'): Unpayable {
  return { unpayable: text, code }
}

/**
 * The end of a payment: the earliest of the offer's expiry, the policy's limit and the wallet's.
 *
 * @param mostMs - The longest life that the wallet gives a payment, in milliseconds.
 * @param leastMs - The shortest life in which it can be paid, in milliseconds.
 */
export function goodUntil(
  { expires = Number.POSITIVE_INFINITY }: Challenge,
  { now, bounds }: Pick<QuoteContext, 'now' | 'bounds'>,
  mostMs: number,
  leastMs: number,
): Instant | Unpayable {
  if (Number.isNaN(expires)) return unpayable('The expiry of the offer cannot be read')
  const until = Math.min(expires, now + Math.min(mostMs, bounds.maxValidityMs))
  // Written this way, so that NaN counts as too little time as well.
  if (until >= now + leastMs) return until
  return unpayable(expires <= now ? 'The offer has expired' : 'The offer leaves too little time to pay')
}

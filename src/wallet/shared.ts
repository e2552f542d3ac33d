import { PaymentError } from '../errors/index.js'
import { count, formatAmount, formatUnits, type Instant } from '../money/index.js'
import type { Terms } from '../policy/index.js'
import type { Challenge } from '../protocol/index.js'
import type { Prepared } from './port.js'
import type { QuoteContext, Unpayable } from './quote.js'

// Helpers for wallets of any network.

export function unpayable(text: string, code: Unpayable['code'] = 'wallet_failed'): Unpayable {
  return { unpayable: text, code }
}

/**
 * Creates the answer for an offer that cannot be paid because an earlier credential may still settle.
 *
 * @param earlierExpiresAt - The time when that credential expires. Undefined if it does not expire by itself.
 */
export function inDoubt(earlierExpiresAt?: Instant): Unpayable {
  const refusal = unpayable('An earlier payment for this may still go through', 'payment_in_doubt')
  return earlierExpiresAt === undefined ? refusal : { ...refusal, earlierExpiresAt }
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

/** Returns a reason if the fee of the terms may exceed the policy's limit for a fee. */
export function overFee(
  { fee }: Pick<Terms, 'fee'>,
  { bounds }: Pick<QuoteContext, 'bounds'>,
): Unpayable | undefined {
  if (fee === undefined || bounds.maxFee === undefined) return undefined
  const units = count(fee.bound, bounds.unit)
  if (units === undefined || units <= bounds.maxFee) return undefined
  const most = formatUnits(bounds.maxFee, bounds.unit.slice(bounds.unit.indexOf(':') + 1))
  return unpayable(
    `The fee may cost up to ${formatAmount(fee.bound)}, and at most ${most} is allowed`,
    'refused',
  )
}

/**
 * Combines `complete` and `discard` so that only one of them runs.
 *
 * @param discard - Undoes the effects of preparing, once. Default: nothing, because nothing was sent and the ledger
 *   frees the lane.
 */
export function completeOrDiscard(
  complete: Prepared['complete'],
  discard: () => Promise<void> = async () => undefined,
): Pick<Prepared, 'complete' | 'discard'> {
  let discarded = false
  return {
    async complete(deliver) {
      if (discarded) throw new TypeError('This payment was discarded')
      return complete(deliver)
    },
    async discard() {
      if (discarded) return
      discarded = true
      await discard()
    },
  }
}

const unsent = new WeakSet<object>()

/** Creates the error for a `complete` that failed before anything was sent. The payment ends and is not in doubt. */
export function notSentError(message: string): PaymentError {
  const error = new PaymentError('wallet_unavailable', 'untouched', message)
  unsent.add(error)
  return error
}

/** Tells whether this error of a wallet proves that nothing was sent. */
export function isNotSentError(error: unknown): error is PaymentError {
  return typeof error === 'object' && error !== null && unsent.has(error)
}

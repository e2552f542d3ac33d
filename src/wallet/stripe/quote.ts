import type { Evidence } from '../../ledger/index.js'
import { amount, type Currency, formatAmount, type Instant } from '../../money/index.js'
import type { Terms } from '../../policy/index.js'
import type { Challenge } from '../../protocol/index.js'
import type { Quote, QuoteContext, Unpayable } from '../index.js'
import { goodUntil, inDoubt, unpayable } from '../shared.js'
import { type Charge, readCharge } from './charge.js'
import { currencyOf, LEAST, STEPS } from './currencies.js'
import { codeOf, type Detail, endOf, KIND, readDetail } from './evidence.js'
import type { Config } from './options.js'
import { readToken } from './token.js'

/** The time in milliseconds that creating, sending and charging a token needs at least. */
export const LEAST_VALIDITY_MS = 5_000

/** The existing token of each quote that continues with one. */
export const continuedTokens = new WeakMap<Quote, Detail>()

/** Reads an offer. Makes no network call, unless an earlier token is to be presented again. */
export async function quoteCharge(
  challenge: Challenge,
  context: QuoteContext,
  config: Config,
): Promise<Quote | Unpayable> {
  const charge = readCharge(challenge.request)
  if ('unpayable' in charge) return charge
  const currency = payableIn(charge, context, config)
  if ('unpayable' in currency) return currency
  const terms = termsOf(charge, currency, config)
  const until = goodUntil(challenge, context, config.validityMs, LEAST_VALIDITY_MS)
  if (typeof until !== 'number') return until
  const quote: Quote = { wallet: config.id, challenge, resource: context.resource, terms, goodUntil: until }
  if (context.earlierEvidence === undefined) return quote
  const earlier = await again(context.earlierEvidence, charge, context.now, config)
  if ('unpayable' in earlier) return earlier
  // Two presentations of one token can never both be paid in full, because its limit is exactly this amount.
  const same: Quote = {
    ...quote,
    goodUntil: Math.min(until, earlier.expiresAt * 1000),
    replaces: { name: `stripe:${earlier.token}`, value: 0n },
  }
  continuedTokens.set(same, earlier)
  return same
}

/** Returns the normal form of a charge. It is judged, and the token is created for it. */
export function termsOf(charge: Charge, currency: Currency, { network }: Pick<Config, 'network'>): Terms {
  const price = amount(charge.amount, currency)
  return {
    purpose: 'pay',
    kind: KIND,
    network,
    most: price,
    exact: true,
    payees: [{ id: charge.seller, amount: price }],
  }
}

/** Finds the currency. Its decimals come from Purser's own table, never from the offer. */
function payableIn(charge: Charge, context: QuoteContext, config: Config): Currency | Unpayable {
  const code = charge.currency
  const currency = currencyOf(code, context.currencies)
  const name = code.toUpperCase()
  if (currency === undefined)
    return unpayable(
      `${name} is not a currency that Purser knows with the decimals of Stripe: add it to \`currencies\` of createPurser`,
      'unknown_currency',
    )
  if (charge.amount % (STEPS.get(code) ?? 1n) !== 0n)
    return unpayable(
      `${formatAmount(amount(charge.amount, currency))} is finer than Stripe charges in ${name}`,
    )
  const least = LEAST.get(code)
  if (least !== undefined && charge.amount < least) {
    const [asked, minimum] = [charge.amount, least].map((value) => formatAmount(amount(value, currency)))
    return unpayable(`${asked} is below the minimum of Stripe in ${name}: ${minimum}`)
  }
  if (config.types !== undefined && !charge.types.some((type) => config.types?.has(type)))
    return unpayable('The seller does not take this type of payment method')
  return currency
}

/**
 * Quotes the same token on a new challenge for the same purchase. Asks Stripe whether the token can still be charged.
 */
async function again(
  after: Evidence,
  charge: Charge,
  now: Instant,
  config: Config,
): Promise<(Detail & { readonly token: string }) | Unpayable> {
  const detail = readDetail(after.detail)
  const doubt = inDoubt(detail && endOf(detail))
  if (detail?.token === undefined || after.wallet !== config.id) return doubt
  const same =
    detail.amount === charge.amount.toString() &&
    codeOf(detail.currency) === charge.currency &&
    detail.seller === charge.seller &&
    detail.live === config.live
  if (!same || detail.expiresAt * 1000 < now + LEAST_VALIDITY_MS) return doubt
  const { retrieve } = config.issuer
  const token = retrieve && readToken(await retrieve(detail.token).catch(() => undefined))
  if (retrieve !== undefined && token?.id !== detail.token) return doubt
  // After a partial charge, the remaining amount would be paid in addition, not instead.
  if (token?.captured !== undefined && token.captured.value > 0n) return doubt
  const helped = config.onActionRequired !== undefined && token?.action !== undefined
  if (token?.status === 'requires_action' && !helped)
    return unpayable('A person must act before this payment can go on', 'action_required')
  const usable = token === undefined || token.status === 'active' || token.status === 'requires_action'
  return usable ? { ...detail, token: detail.token } : doubt
}

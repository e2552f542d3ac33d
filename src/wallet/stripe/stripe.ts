import { spendAuthorization, type Wallet } from '../index.js'
import { KIND } from './evidence.js'
import { abandonCharge, inspectCharge } from './inspect.js'
import { configure, type StripeOptions } from './options.js'
import { prepareCharge, type StripeContext } from './prepare.js'
import { quoteCharge } from './quote.js'

/**
 * Creates a wallet that pays `stripe/charge` offers with Shared Payment Tokens. Each token is created for exactly one
 * amount, currency, seller and time, after the ledger has stored the payment, and is revoked if it was not accepted.
 *
 * @throws TypeError for malformed options.
 * @see docs/wallets.md
 * @example
 * ```ts
 * import { stripe } from 'purser/wallet/stripe'
 *
 * const wallet = stripe({ secretKey: process.env.STRIPE_SECRET_KEY ?? '', paymentMethod: 'pm_1Example' })
 * ```
 */
export function stripe(options: StripeOptions): Wallet {
  const config = configure(options)
  const wallet: StripeContext = { config, usedKeys: new LastKeys() }
  return Object.freeze<Wallet>({
    id: config.id,
    kinds: [KIND],
    quote: (challenge, context) => quoteCharge(challenge, context, config),
    async prepare(authorization, prepareOptions) {
      return prepareCharge(spendAuthorization(authorization, prepareOptions.now), prepareOptions, wallet)
    },
    inspect: (evidence, inspectOptions) => inspectCharge(evidence, wallet, inspectOptions?.problem),
    abandon: (evidence) => abandonCharge(evidence, wallet),
    // A receipt names a PaymentIntent, which the payer cannot see at Stripe.
    matchesReceipt: (evidence, reference) => (evidence.refs.includes(reference) ? true : undefined),
  })
}

const MOST_KEYS = 1_000

/** The most recent keys. For older ones, Stripe is asked again. */
class LastKeys {
  readonly #keys = new Set<string>()

  add(key: string): this {
    this.#keys.add(key)
    const [oldest] = this.#keys
    if (this.#keys.size > MOST_KEYS && oldest !== undefined) this.#keys.delete(oldest)
    return this
  }

  has(key: string): boolean {
    return this.#keys.has(key)
  }
}

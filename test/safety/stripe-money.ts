import { profileOf } from '../stripe/api.js'
import type { StripeDouble } from '../stripe/double.js'
import { clientOf } from '../stripe/world.js'
import type { Signed } from './money.js'
import type { Credential } from './offers.js'

/** The kit's money has six decimals, and Stripe's dollar two. */
const SCALE = 10_000n

/** What the seller's tokens came to, and those that can still be charged are good for. */
export function readTokens({ tokens }: StripeDouble): readonly Signed[] {
  return tokens.map(({ id, most, status, captured, currency, seller, expiresAt }) => {
    const parts = BigInt(status === 'active' ? most : captured) * SCALE
    const dollars = currency === 'usd'
    return {
      place: `stripe ${id}`,
      amount: dollars ? parts : 0n,
      stolen: dollars && seller !== profileOf('shop') ? parts : 0n,
      foreign: dollars ? 0n : parts,
      strange: 0,
      validBefore: expiresAt ?? Number.POSITIVE_INFINITY,
    }
  })
}

/** The seller takes all that a token is good for, as far as Stripe lets it. */
export async function chargeAll(double: StripeDouble, { payload: { spt } }: Credential): Promise<void> {
  const token = double.tokens.find(({ id }) => id === spt)
  if (token === undefined) return
  const { most: amount, currency, id } = token
  const params = { amount, currency, confirm: true, shared_payment_granted_token: id }
  const seller = clientOf(double, 'sk_test_shop')
  await seller.rawRequest('POST', '/v1/payment_intents', params).catch(() => undefined)
}

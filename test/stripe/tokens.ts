import type { Form } from './form.js'

/** A Shared Payment Token, as Stripe keeps it. */
export interface IssuedToken {
  readonly id: string
  readonly account: string
  readonly livemode: boolean
  readonly created: number
  readonly paymentMethod: string
  readonly seller: string | null
  readonly currency: string
  readonly most: number
  readonly expiresAt: number | null
  readonly metadata: Form | null
  readonly returnUrl: string | null
  readonly sdk: boolean
  status: 'active' | 'requires_action' | 'deactivated'
  reason: 'consumed' | 'expired' | 'resolved' | 'revoked' | null
  deactivatedAt: number | null
  captured: number
  /** A person has acted: the issuer asks no more. */
  authenticated: boolean
}

/** Payment methods that are known for what happens to them. Any other one works. */
export const METHODS = {
  works: 'pm_card_visa',
  /** A person must act before the token can be used. */
  actsFirst: 'pm_card_authenticationRequired',
  /** A person must act when the seller charges it. */
  actsOnCharge: 'pm_card_authenticationRequiredOnCharge',
  declines: 'pm_card_visa_chargeDeclined',
  missing: 'pm_missing',
} as const

/** Ends a token whose time is over. */
export function expire(token: IssuedToken, now: number): void {
  if (token.status === 'deactivated' || token.expiresAt === null || token.expiresAt * 1000 > now) return
  deactivate(token, 'expired', token.expiresAt * 1000)
}

export function deactivate(token: IssuedToken, reason: IssuedToken['reason'], now: number): void {
  token.status = 'deactivated'
  token.reason = reason
  token.deactivatedAt = Math.floor(now / 1000)
}

/** `shared_payment.issued_token`: what the payer sees. */
export function issuedView(token: IssuedToken): Record<string, unknown> {
  return {
    ...sharedView(token),
    object: 'shared_payment.issued_token',
    next_action: token.status === 'requires_action' ? actionOf(token) : null,
    payment_method: token.paymentMethod,
    return_url: token.returnUrl,
    seller_details: { external_id: null, network_business_profile: token.seller },
    setup_future_usage: null,
    status: token.status,
    use_stripe_sdk: token.sdk,
  }
}

/** `shared_payment.granted_token`: what the seller sees. It has no status. */
export function grantedView(token: IssuedToken): Record<string, unknown> {
  return {
    ...sharedView(token),
    object: 'shared_payment.granted_token',
    agent_details: { network_business_profile: 'profile_test_agent' },
    payment_method_details: { type: 'card', billing_details: null, card: { brand: 'visa', last4: '4242' } },
  }
}

function sharedView(token: IssuedToken): Record<string, unknown> {
  const { currency, expiresAt, most } = token
  return {
    id: token.id,
    created: token.created,
    deactivated_at: token.deactivatedAt,
    deactivated_reason: token.reason,
    livemode: token.livemode,
    risk_details: null,
    shared_metadata: token.metadata,
    usage_details: { amount_captured: token.captured === 0 ? null : { currency, value: token.captured } },
    usage_limits: { currency, expires_at: expiresAt, max_amount: most },
  }
}

function actionOf({ id, sdk, returnUrl }: IssuedToken): Record<string, unknown> {
  if (sdk)
    return {
      type: 'use_stripe_sdk',
      use_stripe_sdk: { value: Buffer.from(`action of ${id}`).toString('base64') },
      redirect_to_url: null,
    }
  const url = `https://hooks.stripe.test/redirect/${id}`
  return { type: 'redirect_to_url', redirect_to_url: { return_url: returnUrl, url }, use_stripe_sdk: null }
}

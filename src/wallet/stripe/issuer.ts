import { boundedFetch } from './bounded.js'
import { codeOf, type Detail } from './evidence.js'
import { failed } from './fault.js'
import { within } from './within.js'

/** What this wallet needs of stripe-node: any instance has it. */
export interface StripeClient {
  rawRequest(
    method: string,
    path: string,
    params?: Record<string, unknown>,
    options?: Record<string, unknown>,
  ): Promise<unknown>
}

/** What a backend of the user's own is asked for: a token for exactly this. */
export interface TokenRequest {
  /** In the currency's smallest part, as Stripe counts it: `"100"` is one dollar. */
  readonly amount: string
  /** Three letters, lower case. */
  readonly currency: string
  /** The seller's profile: `seller_details[network_business_profile]`. */
  readonly networkId: string
  /** `usage_limits[expires_at]`, in seconds. */
  readonly expiresAt: number
  readonly paymentMethod?: string
  /** `shared_metadata`. */
  readonly metadata?: Readonly<Record<string, string>>
  /** To be handed to Stripe as it is: then the same request never makes a second token. */
  readonly idempotencyKey: string
}

/** Who makes tokens, and what they can do beside it. Answers are as they came: nobody has read them yet. */
export interface Issuer {
  issue(detail: Detail): Promise<unknown>
  /** Would the same request lead to the same token, from any process? */
  readonly repeatable: boolean
  readonly retrieve?: (id: string) => Promise<unknown>
  readonly revoke?: (id: string) => Promise<unknown>
  /** Fails where it could never work, while money is safe. */
  ready(): Promise<void>
}

const PATH = '/v1/shared_payment/issued_tokens'
/** Tokens came with 2026-04-22.preview, and what a page needs for 3-D Secure with this one. */
export const API_VERSION = '2026-07-29.preview'
const TIMEOUT_MS = 15_000
/** A backend asks Stripe in its turn. What it answers later is shown to nobody. */
const BACKEND_TIMEOUT_MS = 45_000

/** How tokens are made by an API client. */
export interface ApiIssuer {
  readonly client: () => Promise<StripeClient>
  readonly paymentMethod: string
  readonly apiVersion: string
  /** Where a person comes back to. Absent: a page handles the action with Stripe.js. */
  readonly returnUrl?: string
}

/** Stripe itself, through stripe-node. */
export function apiIssuer({ client, paymentMethod, apiVersion, returnUrl }: ApiIssuer): Issuer {
  const options = { apiVersion, timeout: TIMEOUT_MS, maxNetworkRetries: 1 }
  const call = async (...[method, path, params, more]: Parameters<StripeClient['rawRequest']>) =>
    (await client()).rawRequest(method, path, params, { ...options, ...more })
  return {
    repeatable: true,
    async ready() {
      await client()
    },
    issue: ({ key, amount, currency, seller, expiresAt, metadata }) =>
      call(
        'POST',
        PATH,
        {
          payment_method: paymentMethod,
          // The draft's `networkId` is what the published API calls the seller's business profile.
          seller_details: { network_business_profile: seller },
          usage_limits: { currency: codeOf(currency), max_amount: Number(amount), expires_at: expiresAt },
          ...(metadata === undefined ? {} : { shared_metadata: { ...metadata } }),
          ...(returnUrl === undefined
            ? { use_stripe_sdk: true }
            : { use_stripe_sdk: false, return_url: returnUrl }),
        },
        { idempotencyKey: key },
      ),
    retrieve: (id) => call('GET', `${PATH}/${id}`),
    revoke: (id) => call('POST', `${PATH}/${id}/revoke`),
  }
}

/** How tokens are made by somebody else. */
export interface CallbackIssuer {
  readonly createToken: (request: TokenRequest) => Promise<unknown>
  readonly retrieveToken?: (id: string) => Promise<unknown>
  readonly revokeToken?: (id: string) => Promise<unknown>
  readonly paymentMethod?: string
}

/** The user's own backend: no secret key lives here. */
export function callbackIssuer(callbacks: CallbackIssuer): Issuer {
  const { createToken, retrieveToken, revokeToken, paymentMethod } = callbacks
  return {
    // Whether their backend hands the key on is for nobody here to know.
    repeatable: false,
    ready: async () => undefined,
    issue: ({ key, amount, currency, seller, expiresAt, metadata }) =>
      within(
        async () =>
          createToken({
            ...{ amount, currency: codeOf(currency), networkId: seller, expiresAt, idempotencyKey: key },
            ...(paymentMethod === undefined ? {} : { paymentMethod }),
            ...(metadata === undefined ? {} : { metadata: { ...metadata } }),
          }),
        BACKEND_TIMEOUT_MS,
      ),
    ...(retrieveToken === undefined
      ? {}
      : { retrieve: (id) => within(async () => retrieveToken(id), BACKEND_TIMEOUT_MS) }),
    ...(revokeToken === undefined
      ? {}
      : { revoke: (id) => within(async () => revokeToken(id), BACKEND_TIMEOUT_MS) }),
  }
}

/** The package is optional, so it is loaded with the first payment that needs it. */
export async function loadClient(secretKey: string): Promise<StripeClient> {
  try {
    const { default: Stripe } = await import('stripe')
    return new Stripe(secretKey, { httpClient: Stripe.createFetchHttpClient(boundedFetch) })
  } catch {
    throw failed('stripe({ secretKey }) needs the package stripe, which could not be loaded')
  }
}

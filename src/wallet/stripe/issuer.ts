import { readBody, type Unread } from '../../protocol/index.js'
import { untilDeadline } from '../../util/until-aborted.js'
import { codeOf, type Detail } from './evidence.js'
import { failed } from './fault.js'

/** The parts of stripe-node that this wallet uses. Every instance of it fits. */
export interface StripeClient {
  rawRequest(
    method: string,
    path: string,
    params?: Record<string, unknown>,
    options?: Record<string, unknown>,
  ): Promise<unknown>
}

/** The request to the user's own backend: a token for exactly these values. */
export interface TokenRequest {
  /** In the currency's smallest unit, as Stripe counts it: `"100"` is one dollar. */
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
  /** Pass it to Stripe unchanged: then the same request never creates a second token. */
  readonly idempotencyKey: string
}

/** The service that issues tokens, and its other abilities. Answers are unparsed. */
export interface Issuer {
  issue(detail: Detail): Promise<unknown>
  /** True if the same request returns the same token from any process. */
  readonly repeatable: boolean
  readonly retrieve: ((id: string) => Promise<unknown>) | undefined
  readonly revoke: ((id: string) => Promise<unknown>) | undefined
  /** Fails early, while the money is safe, if the issuer can never work. */
  ready(): Promise<void>
}

const PATH = '/v1/shared_payment/issued_tokens'
/** Tokens exist since 2026-04-22.preview, and the data for 3-D Secure on a page since this version. */
export const API_VERSION = '2026-07-29.preview'
const TIMEOUT_MS = 15_000
/** The time limit for a backend, which asks Stripe itself. A later answer is dropped. */
const BACKEND_TIMEOUT_MS = 45_000

export interface ApiIssuer {
  readonly client: () => Promise<StripeClient>
  readonly paymentMethod: string
  readonly apiVersion: string
  /** The page to which a person returns. Absent: a page handles the action with Stripe.js. */
  readonly returnUrl: string | undefined
}

/** Issues tokens at Stripe with stripe-node. */
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
          // The draft's `networkId` is the seller's business profile in the published API.
          seller_details: { network_business_profile: seller },
          usage_limits: { currency: codeOf(currency), max_amount: Number(amount), expires_at: expiresAt },
          ...(metadata && { shared_metadata: { ...metadata } }),
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

interface CallbackIssuer {
  readonly createToken: (request: TokenRequest) => Promise<unknown>
  readonly retrieveToken?: (id: string) => Promise<unknown>
  readonly revokeToken?: (id: string) => Promise<unknown>
  readonly paymentMethod?: string
}

/** Issues tokens through the user's own backend, so that this process has no secret key. */
export function callbackIssuer({
  createToken,
  retrieveToken,
  revokeToken,
  paymentMethod,
}: CallbackIssuer): Issuer {
  return {
    // This process cannot know whether the backend passes the key on.
    repeatable: false,
    ready: async () => undefined,
    issue: ({ key, amount, currency, seller, expiresAt, metadata }) =>
      untilDeadline(
        async () =>
          createToken({
            ...{ amount, currency: codeOf(currency), networkId: seller, expiresAt, idempotencyKey: key },
            ...(paymentMethod !== undefined && { paymentMethod }),
            ...(metadata && { metadata: { ...metadata } }),
          }),
        BACKEND_TIMEOUT_MS,
      ),
    retrieve: retrieveToken && ((id) => untilDeadline(async () => retrieveToken(id), BACKEND_TIMEOUT_MS)),
    revoke: revokeToken && ((id) => untilDeadline(async () => revokeToken(id), BACKEND_TIMEOUT_MS)),
  }
}

/** The size limit of an answer. A token has a few kilobytes. */
const MOST_BYTES = 1024 * 1024

const UNREAD: Readonly<Record<Unread, string>> = {
  long: 'Stripe answered with more than 1 MiB.',
  late: 'Stripe did not finish its answer in time.',
  broken: 'An answer of Stripe broke off.',
}

/**
 * A `fetch` for a client that reads every body to its end: this function reads the body within a limit first.
 *
 * @throws TypeError as `fetch` does for a network failure: the result of the request is unknown.
 */
export async function boundedFetch(...[input, init]: Parameters<typeof globalThis.fetch>): Promise<Response> {
  const reply = await globalThis.fetch(input, init)
  const limits = { bytes: MOST_BYTES, patienceMs: TIMEOUT_MS }
  const bytes = await readBody(reply, limits, init?.signal ?? undefined)
  if (typeof bytes === 'string') throw new TypeError(UNREAD[bytes])
  const { status, statusText, headers } = reply
  return new Response(bytes.byteLength === 0 ? null : bytes, { status, statusText, headers })
}

/** Loads the optional package with the first payment that needs it. */
export async function loadClient(secretKey: string): Promise<StripeClient> {
  try {
    const { default: Stripe } = await import('stripe')
    return new Stripe(secretKey, { httpClient: Stripe.createFetchHttpClient(boundedFetch) })
  } catch {
    throw failed('stripe({ secretKey }) needs the package stripe, which could not be loaded')
  }
}

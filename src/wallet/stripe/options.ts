import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js'
import { checkFunctions, type Names, type NextAction, ownOptions } from '../../errors/index.js'
import { checkDuration, type Instant } from '../../money/index.js'
import { lazy } from '../../util/lazy.js'
import {
  API_VERSION,
  apiIssuer,
  callbackIssuer,
  type Issuer,
  loadClient,
  type StripeClient,
  type TokenRequest,
} from './issuer.js'

/** The action that a person must take before a payment can continue. */
export interface ActionRequest {
  /** Redirect the person to `url`, or pass `value` to `stripe.handleNextAction({ hashedValue })` of Stripe.js. */
  readonly action: NextAction
  /** The ledger's id of the payment. */
  readonly payment: string
  /** The time after which the action is too late. */
  readonly expires: Instant
}

interface CommonOptions {
  /**
   * True if the money is real. Read from the secret key's prefix. Without a key the default is `true`, which is the
   * safe side: if test money is treated as real, nothing is lost; the other way round, real money would move under the
   * limits for `stripe:test`. A token of the other mode is revoked and never used.
   */
  readonly livemode?: boolean
  /**
   * The name of this wallet in the ledger, such as the id of the Stripe account.
   *
   * @default a hash of the payment method
   */
  readonly account?: string
  /** The types of this payment method, for example `['card']`. The seller must accept one. Not checked if absent. */
  readonly paymentMethodTypes?: readonly string[]
  /**
   * The longest life of a token, in milliseconds, 60,000 to 3,600,000.
   *
   * @default 600_000
   */
  readonly validityMs?: number
  /**
   * Called if a person must act (3-D Secure). The call waits for its promise and then continues with the same token. If
   * it rejects, or if it is absent, the call ends in `action_required`.
   */
  readonly onActionRequired?: (request: ActionRequest) => unknown
  readonly now?: () => Instant
}

interface ApiOptions extends CommonOptions {
  /** The id of the payment method to charge: `pm_…`. */
  readonly paymentMethod: string
  /** The page to which a person returns after acting elsewhere. Absent: the action is one for Stripe.js. */
  readonly returnUrl?: string
  /** A preview version of Stripe's API. */
  readonly apiVersion?: string
  readonly createToken?: never
  readonly retrieveToken?: never
  readonly revokeToken?: never
}

/**
 * Options of {@link stripe} with a secret key. A restricted key that may write issued tokens is enough. Requires the
 * package `stripe`.
 */
export interface StripeKeyOptions extends ApiOptions {
  readonly secretKey: string
  readonly client?: never
}

/** Options of {@link stripe} with an existing instance of stripe-node. */
export interface StripeClientOptions extends ApiOptions {
  readonly client: StripeClient
  readonly secretKey?: never
}

/** Options of {@link stripe} with tokens from your own backend: this process has no secret key. */
export interface StripeTokenOptions extends CommonOptions {
  /**
   * Issues a token for exactly the requested values. Return its id, or better the whole token as Stripe returned it.
   */
  readonly createToken: (request: TokenRequest) => Promise<unknown>
  /** Returns the token as Stripe returned it. Without this option, Purser can never prove what happened to a token. */
  readonly retrieveToken?: (id: string) => Promise<unknown>
  /** Revokes a token and returns it as Stripe returned it. */
  readonly revokeToken?: (id: string) => Promise<unknown>
  readonly paymentMethod?: string
  readonly secretKey?: never
  readonly client?: never
}

/** Options of {@link stripe}: one of three ways to get a token. */
export type StripeOptions = StripeKeyOptions | StripeClientOptions | StripeTokenOptions

/** Checked options with defaults. Only the issuer's closure holds the secret key. */
export interface Config {
  readonly id: string
  readonly live: boolean
  readonly network: 'stripe:live' | 'stripe:test'
  readonly issuer: Issuer
  readonly types: ReadonlySet<string> | undefined
  readonly validityMs: number
  readonly onActionRequired: ((request: ActionRequest) => unknown) | undefined
  readonly now: () => Instant
}

export const STRIPE_OPTIONS: Names<StripeOptions> = {
  secretKey: true,
  client: true,
  paymentMethod: true,
  createToken: true,
  retrieveToken: true,
  revokeToken: true,
  livemode: true,
  account: true,
  paymentMethodTypes: true,
  validityMs: true,
  onActionRequired: true,
  returnUrl: true,
  apiVersion: true,
  now: true,
}

/** @throws TypeError if an option could make a later payment fail. */
export function configure(given: StripeOptions): Config {
  if (typeof given !== 'object' || given === null) throw new TypeError(FORMS)
  const options = ownOptions(given, STRIPE_OPTIONS, 'stripe()')
  const ways = [options.secretKey, options.client, options.createToken].filter((way) => way !== undefined)
  if (ways.length !== 1) throw new TypeError(FORMS)
  checkCommon(options)
  const live = livemodeOf(options)
  const network = live ? 'stripe:live' : 'stripe:test'
  const { paymentMethodTypes: types } = options
  return {
    id: `${network}:${options.account ?? nameOf(options.paymentMethod)}`,
    live,
    network,
    issuer: issuerOf(options),
    types: types && new Set(types),
    validityMs: checkDuration('validityMs', options.validityMs ?? DEFAULT_VALIDITY_MS, VALIDITY),
    onActionRequired: options.onActionRequired,
    now: options.now ?? Date.now,
  }
}

const FORMS =
  'stripe() needs exactly one of secretKey, client and createToken, for example { secretKey, paymentMethod }'
const DEFAULT_VALIDITY_MS = 600_000
const VALIDITY = { least: 60_000, most: 3_600_000 }

function checkCommon(options: CommonOptions & { readonly paymentMethod?: unknown }): void {
  const { livemode, account, paymentMethod } = options
  const { paymentMethodTypes: types } = options
  if (livemode !== undefined && typeof livemode !== 'boolean')
    throw new TypeError('livemode must be true or false')
  if (account !== undefined && (typeof account !== 'string' || !/^[\w.-]{1,64}$/.test(account)))
    throw new TypeError('account must be a short name, for example the id of the Stripe account')
  if (typeof account === 'string' && /^[sr]k_/.test(account))
    throw new TypeError('account must not be a key: it is written into the ledger')
  checkFunctions(options, ['onActionRequired', 'now'])
  if (paymentMethod !== undefined && (typeof paymentMethod !== 'string' || paymentMethod === ''))
    throw new TypeError('paymentMethod must be the id of a payment method: pm_…')
  if (types !== undefined && !(Array.isArray(types) && types.length > 0))
    throw new TypeError("paymentMethodTypes must be a list with at least one type, for example ['card']")
}

/** @throws TypeError if the key and the option disagree about the mode. */
function livemodeOf({ secretKey, livemode }: StripeOptions): boolean {
  if (secretKey === undefined) return livemode ?? true
  if (typeof secretKey !== 'string' || !/^\w{8,}$/.test(secretKey) || secretKey.startsWith('pk_'))
    throw new TypeError('secretKey must be a secret or restricted key of Stripe: sk_… or rk_…')
  const mode = /^[sr]k_(live|test)_/.exec(secretKey)?.[1]
  if (mode === undefined) return livemode ?? true
  if (livemode !== undefined && livemode !== (mode === 'live'))
    throw new TypeError(`livemode: ${livemode} contradicts the secret key, which is for ${mode} mode`)
  return mode === 'live'
}

function issuerOf(options: StripeOptions): Issuer {
  if (options.createToken !== undefined) {
    checkFunctions(options, ['createToken', 'retrieveToken', 'revokeToken'])
    return callbackIssuer(options)
  }
  const { paymentMethod, returnUrl, apiVersion = API_VERSION } = options
  if (paymentMethod === undefined) throw new TypeError('stripe() needs a paymentMethod: pm_…')
  if (!/^\d{4}-\d\d-\d\d\.preview$/.test(apiVersion))
    throw new TypeError(`apiVersion must be a preview version: only those have tokens (${API_VERSION})`)
  if (returnUrl !== undefined && !URL.canParse(returnUrl)) throw new TypeError('returnUrl must be a URL')
  return apiIssuer({ client: clientOf(options), paymentMethod, apiVersion, returnUrl })
}

function clientOf({
  client,
  secretKey,
}: StripeKeyOptions | StripeClientOptions): () => Promise<StripeClient> {
  if (secretKey !== undefined) return lazy(() => loadClient(secretKey))
  if (typeof client?.rawRequest !== 'function')
    throw new TypeError('client must be an instance of stripe-node (22 or later), with rawRequest')
  return async () => client
}

/** Derives a name that is the same in every process and reveals nothing usable. */
function nameOf(paymentMethod: string | undefined): string {
  if (paymentMethod === undefined) return 'tokens'
  return bytesToHex(sha256(utf8ToBytes(paymentMethod))).slice(0, 16)
}

import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js'
import { checkFunctions, type Names, type NextAction, ownOptions } from '../../errors/index.js'
import { checkDuration, type Instant } from '../../money/index.js'
import {
  API_VERSION,
  apiIssuer,
  type CallbackIssuer,
  callbackIssuer,
  type Issuer,
  loadClient,
  type StripeClient,
  type TokenRequest,
} from './issuer.js'

/** What a person is shown, before a payment can go on. */
export interface ActionRequest {
  /** Send them to `url`, or give `value` to `stripe.handleNextAction({ hashedValue })` of Stripe.js. */
  readonly action: NextAction
  /** The ledger's id of the payment. */
  readonly payment: string
  /** After this moment it is too late. */
  readonly expires: Instant
}

interface CommonOptions {
  /**
   * Is the money real? Read from the secret key's prefix; where there is none to read, the default is `true`. That is
   * the safe side: money that is taken for real and is not harms nobody, and the other way round real money would move
   * under whatever a policy allows for `stripe:test`. A token of the other kind is revoked and never handed out.
   */
  readonly livemode?: boolean
  /** A name for this wallet in the ledger, such as the id of the Stripe account. Default: a hash of the payment method. */
  readonly account?: string
  /** Types of payment method that this one is, for example `['card']`: what the seller must take. Default: not compared. */
  readonly paymentMethodTypes?: readonly string[]
  /** How long a token lives at the most, in milliseconds, 60,000 to 3,600,000 (default 600,000). */
  readonly validityMs?: number
  /**
   * Asked when a person must act (3-D Secure). The call waits until it answers, and then goes on with the same token;
   * if it fails, or without one, the call ends in `action_required`.
   */
  readonly onActionRequired?: (request: ActionRequest) => unknown
  readonly now?: () => Instant
}

interface ApiOptions extends CommonOptions {
  /** `pm_…`: what is charged. */
  readonly paymentMethod: string
  /** Where a person comes back to after acting elsewhere. Default: none, and the action is one for Stripe.js. */
  readonly returnUrl?: string
  /** A preview version of Stripe's API. */
  readonly apiVersion?: string
  readonly createToken?: never
  readonly retrieveToken?: never
  readonly revokeToken?: never
}

/** {@link stripe} with a secret key; a restricted one that may write issued tokens is enough. Needs the package `stripe`. */
export interface StripeKeyOptions extends ApiOptions {
  readonly secretKey: string
  readonly client?: never
}

/** {@link stripe} with an instance of stripe-node of your own. */
export interface StripeClientOptions extends ApiOptions {
  readonly client: StripeClient
  readonly secretKey?: never
}

/** {@link stripe} with tokens from a backend of your own: no secret key lives here. */
export interface StripeTokenOptions extends CommonOptions {
  /** Issues a token for exactly what is asked: its id, or better the whole token as Stripe gave it. */
  readonly createToken: (request: TokenRequest) => Promise<unknown>
  /** The token as Stripe gives it: without this, nobody here can ever prove what became of one. */
  readonly retrieveToken?: (id: string) => Promise<unknown>
  /** Revokes a token, and answers it as Stripe gives it. */
  readonly revokeToken?: (id: string) => Promise<unknown>
  readonly paymentMethod?: string
  readonly secretKey?: never
  readonly client?: never
}

/** What {@link stripe} takes: one of three ways to get a token. */
export type StripeOptions = StripeKeyOptions | StripeClientOptions | StripeTokenOptions

/** Options, checked and filled in. The secret key is in the issuer's closure, and nowhere else. */
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

const OPTIONS: Names<StripeOptions> = {
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

/** @throws TypeError for anything a payment could later stumble over. */
export function configure(given: StripeOptions): Config {
  if (typeof given !== 'object' || given === null) throw new TypeError(FORMS)
  const options = ownOptions(given, OPTIONS, 'stripe()')
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

/** @throws TypeError where a key says one thing and the option another: nobody could tell which money moves. */
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
    const { createToken, retrieveToken, revokeToken, paymentMethod } = options
    checkFunctions(options, ['createToken', 'retrieveToken', 'revokeToken'])
    const callbacks: CallbackIssuer = {
      createToken,
      ...(retrieveToken === undefined ? {} : { retrieveToken }),
      ...(revokeToken === undefined ? {} : { revokeToken }),
      ...(paymentMethod === undefined ? {} : { paymentMethod }),
    }
    return callbackIssuer(callbacks)
  }
  const { paymentMethod, returnUrl, apiVersion = API_VERSION } = options
  if (paymentMethod === undefined) throw new TypeError('stripe() needs a paymentMethod: pm_…')
  if (!/^\d{4}-\d\d-\d\d\.preview$/.test(apiVersion))
    throw new TypeError(`apiVersion must be a preview version: only those have tokens (${API_VERSION})`)
  if (returnUrl !== undefined && !URL.canParse(returnUrl)) throw new TypeError('returnUrl must be a URL')
  const client = clientOf(options)
  return apiIssuer({ client, paymentMethod, apiVersion, ...(returnUrl === undefined ? {} : { returnUrl }) })
}

function clientOf({
  client,
  secretKey,
}: StripeKeyOptions | StripeClientOptions): () => Promise<StripeClient> {
  if (secretKey !== undefined) {
    let loading: Promise<StripeClient> | undefined
    return () => {
      // What failed to load may be installed by the next time.
      loading ??= loadClient(secretKey).catch((error: unknown) => {
        loading = undefined
        throw error
      })
      return loading
    }
  }
  if (typeof client?.rawRequest !== 'function')
    throw new TypeError('client must be an instance of stripe-node (22 or later), with rawRequest')
  return async () => client
}

/** The same in every process, and nothing that anybody could use. */
function nameOf(paymentMethod: string | undefined): string {
  if (paymentMethod === undefined) return 'tokens'
  return bytesToHex(sha256(utf8ToBytes(paymentMethod))).slice(0, 16)
}

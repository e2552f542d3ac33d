import { type Form, validate } from './form.js'
import { deactivate, expire, grantedView, type IssuedToken, issuedView, METHODS } from './tokens.js'

/** One request, as it came. */
export interface ApiRequest {
  readonly method: string
  readonly path: string
  readonly body: string
  readonly form: Form
  readonly authorization: string | undefined
  readonly version: string | undefined
  /** The Idempotency-Key. */
  readonly key: string | undefined
}

export interface Answer {
  readonly status: number
  readonly body: unknown
  readonly headers?: Readonly<Record<string, string>>
}

export interface PaymentIntent {
  readonly id: string
  readonly account: string
  readonly token: string
  readonly amount: number
  readonly currency: string
  readonly status: 'succeeded' | 'requires_action'
  readonly metadata: Form
}

/** Whoever calls, by their key: `sk_test_<account>_…`. */
interface Caller {
  readonly account: string
  readonly livemode: boolean
}

const ISSUED = /^\/v1\/shared_payment\/issued_tokens\/([^/]+)(\/revoke)?$/
const GRANTED = /^\/v1\/shared_payment\/granted_tokens\/([^/]+)$/

/** The profile of an account: the name that a seller goes by. */
export function profileOf(account: string): string {
  return `profile_test_${account}`
}

/** Stripe may forget a key then. */
const KEY_LIVES_MS = 24 * 3_600_000

/** The rules of Stripe's API that payments with Shared Payment Tokens rest on. */
export class Api {
  readonly tokens = new Map<string, IssuedToken>()
  readonly intents = new Map<string, PaymentIntent>()
  readonly #kept = new Map<string, { readonly body: string; readonly answer: Answer; readonly at: number }>()
  readonly #now: () => number
  #count = 0

  constructor(now: () => number) {
    this.#now = now
  }

  /** A key that was used answers again what it answered first; with another body it is an error. */
  answer(request: ApiRequest): Answer {
    const caller = callerOf(request.authorization)
    if (caller === undefined)
      return failed(401, { message: `Invalid API Key provided: ${keyIn(request.authorization)}` })
    const { key, method, path } = request
    const name = method === 'POST' && key !== undefined ? `${caller.account} ${path} ${key}` : undefined
    const known = name === undefined ? undefined : this.#kept.get(name)
    const kept = known !== undefined && this.#now() < known.at + KEY_LIVES_MS ? known : undefined
    if (kept !== undefined && kept.body !== request.body)
      return failed(400, {
        type: 'idempotency_error',
        message:
          'Keys for idempotent requests can only be used with the same parameters they were first used with.',
      })
    if (kept !== undefined)
      return { ...kept.answer, headers: { ...kept.answer.headers, 'idempotent-replayed': 'true' } }
    const answer = this.#route(request, caller)
    // Bodies that did not validate are not kept.
    if (name !== undefined && !isInvalid(answer))
      this.#kept.set(name, { body: request.body, answer, at: this.#now() })
    return { ...answer, headers: { 'request-id': this.#id('req'), ...answer.headers } }
  }

  #route(request: ApiRequest, caller: Caller): Answer {
    const { method, path, version } = request
    const preview = /^\d{4}-\d\d-\d\d\.preview$/.test(version ?? '')
    if (path.includes('shared_payment/') && !preview) return unknownUrl(method, path)
    if (method === 'POST' && path === '/v1/shared_payment/issued_tokens') return this.#issue(request, caller)
    const [, id, revoke] = ISSUED.exec(path) ?? []
    if (id !== undefined)
      return revoke === undefined ? this.#retrieve(id, caller) : this.#revoke(id, request, caller)
    const [, granted] = GRANTED.exec(path) ?? []
    if (granted !== undefined) return this.#granted(granted, caller)
    if (method === 'POST' && path === '/v1/payment_intents') return this.#charge(request, caller)
    return unknownUrl(method, path)
  }

  #issue({ form }: ApiRequest, { account, livemode }: Caller): Answer {
    const bad = validate('POST /v1/shared_payment/issued_tokens', form)
    if (bad !== undefined) return failed(400, bad)
    const paymentMethod = text(form['payment_method'])
    if (paymentMethod === METHODS.missing)
      return failed(400, { code: 'resource_missing', message: `No such PaymentMethod: '${paymentMethod}'` })
    const limits = inner(form['usage_limits'])
    const expiresAt = limits['expires_at'] === undefined ? null : Number(limits['expires_at'])
    if (expiresAt !== null && expiresAt * 1000 <= this.#now())
      return failed(400, { param: 'usage_limits[expires_at]', message: 'expires_at must be in the future.' })
    const sdk = form['use_stripe_sdk'] === 'true'
    if (!sdk && form['return_url'] === undefined)
      return failed(400, {
        code: 'parameter_missing',
        param: 'return_url',
        message: 'Missing required param: return_url.',
      })
    const token: IssuedToken = {
      id: this.#id('spt'),
      ...{ account, livemode, paymentMethod, expiresAt, sdk },
      created: Math.floor(this.#now() / 1000),
      seller: text(inner(form['seller_details'])['network_business_profile']) || null,
      currency: text(limits['currency']),
      most: Number(limits['max_amount']),
      metadata: form['shared_metadata'] === undefined ? null : inner(form['shared_metadata']),
      returnUrl: text(form['return_url']) || null,
      status: paymentMethod === METHODS.actsFirst ? 'requires_action' : 'active',
      reason: null,
      deactivatedAt: null,
      captured: 0,
      authenticated: false,
    }
    this.tokens.set(token.id, token)
    return { status: 200, body: issuedView(token) }
  }

  #retrieve(id: string, caller: Caller): Answer {
    const token = this.#own(id, caller)
    return token === undefined ? noToken(id) : { status: 200, body: issuedView(token) }
  }

  #revoke(id: string, { form }: ApiRequest, caller: Caller): Answer {
    const bad = validate('POST /v1/shared_payment/issued_tokens/{id}/revoke', form)
    if (bad !== undefined) return failed(400, bad)
    const token = this.#own(id, caller)
    if (token === undefined) return noToken(id)
    if (token.status === 'deactivated') return failed(400, { message: 'This token is already deactivated.' })
    deactivate(token, 'revoked', this.#now())
    return { status: 200, body: issuedView(token) }
  }

  #granted(id: string, { account, livemode }: Caller): Answer {
    const token = this.#find(id)
    const theirs = token?.seller === profileOf(account) && token.livemode === livemode
    return token !== undefined && theirs ? { status: 200, body: grantedView(token) } : noToken(id)
  }

  /** A seller charges a token: in its own currency, within its limit and time, and only if it was made for them. */
  #charge({ form }: ApiRequest, { account, livemode }: Caller): Answer {
    const nested = inner(form['payment_method_data'])['shared_payment_granted_token']
    const id = text(form['shared_payment_granted_token'] ?? nested)
    const token = this.#find(id)
    if (token === undefined || token.seller !== profileOf(account) || token.livemode !== livemode)
      return noToken(id)
    const amount = Number(form['amount'])
    const currency = text(form['currency'])
    if (token.status !== 'active')
      return failed(400, { message: `The shared payment token ${id} is ${token.status} (${token.reason}).` })
    if (currency !== token.currency) return failed(400, { message: 'The currency is not that of the token.' })
    if (!(amount > 0) || token.captured + amount > token.most)
      return failed(400, { message: 'The amount exceeds what the token is good for.' })
    if (token.paymentMethod === METHODS.declines)
      return failed(402, {
        type: 'card_error',
        code: 'card_declined',
        decline_code: 'generic_decline',
        message: 'Your card was declined.',
      })
    const waits = token.paymentMethod === METHODS.actsOnCharge && !token.authenticated
    if (waits) token.status = 'requires_action'
    else {
      token.captured += amount
      if (token.captured >= token.most) deactivate(token, 'consumed', this.#now())
    }
    const intent: PaymentIntent = {
      id: this.#id('pi'),
      ...{ account, amount, currency, token: id },
      status: waits ? 'requires_action' : 'succeeded',
      metadata: inner(form['metadata']),
    }
    this.intents.set(intent.id, intent)
    return { status: 200, body: { object: 'payment_intent', ...intent } }
  }

  #own(id: string, { account, livemode }: Caller): IssuedToken | undefined {
    const token = this.#find(id)
    return token?.account === account && token.livemode === livemode ? token : undefined
  }

  #find(id: string): IssuedToken | undefined {
    const token = this.tokens.get(id)
    if (token !== undefined) expire(token, this.#now())
    return token
  }

  #id(prefix: string): string {
    this.#count++
    return `${prefix}_1Test${String(this.#count).padStart(8, '0')}`
  }
}

function keyIn(authorization = ''): string {
  const [scheme, value = ''] = authorization.split(' ')
  return scheme === 'Basic' ? (Buffer.from(value, 'base64').toString().split(':')[0] ?? '') : value
}

function callerOf(authorization: string | undefined): Caller | undefined {
  const [, mode, account] = /^[sr]k_(live|test)_([a-z]+)/.exec(keyIn(authorization)) ?? []
  return account === undefined ? undefined : { account, livemode: mode === 'live' }
}

function failed(status: number, error: object): Answer {
  return { status, body: { error: { type: 'invalid_request_error', ...error } } }
}

function noToken(id: string): Answer {
  return failed(404, { code: 'resource_missing', message: `No such shared payment token: '${id}'` })
}

function unknownUrl(method: string, path: string): Answer {
  return failed(404, { message: `Unrecognized request URL (${method}: ${path}).` })
}

function isInvalid({ body }: Answer): boolean {
  return /"code":"parameter_/.test(JSON.stringify(body))
}

function text(value: Form[string] | undefined): string {
  return typeof value === 'string' ? value : ''
}

function inner(value: Form[string] | undefined): Form {
  return typeof value === 'object' && !Array.isArray(value) ? value : {}
}

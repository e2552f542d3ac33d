import type { Dispatcher } from 'undici'
import { PaymentRefusedError } from '../errors/index.js'
import {
  bodyBytes,
  ELSEWHERE,
  type Head,
  type HttpLimits,
  isConfidential,
  type KeptBody,
  keepBody,
  keepFactory,
  resourceAt,
} from '../fetch/index.js'
import {
  type Answers,
  carry,
  checkCarrier,
  fingerprintOf,
  readReply,
  refusalReply,
} from '../fetch/wire/index.js'
import type { Instant } from '../money/index.js'
import type { Exchange, Metered, PaymentHandler, RefusalProblem, SendOptions } from '../pay/index.js'
import type { Credential, HttpResource, ReplyInfo, Resource } from '../protocol/index.js'
import { own } from '../util/index.js'
import { type DispatchOptions, dispatchRequest, type ResponseHeadListener } from './dispatch.js'
import { meterReply } from './metered.js'
import { makerOf } from './replayable-body.js'
import { UndiciReply } from './reply.js'
import {
  copyHeaders,
  header,
  isRepeated,
  type RequestHeaders,
  withHeader,
  withoutBody,
  withoutHeader,
} from './request.js'

/** What an exchange over a dispatcher needs of the world. */
export interface UndiciExchangeOptions {
  readonly dispatch: Dispatcher.Dispatch
  readonly face: Pick<PaymentHandler, 'acceptPayment' | 'pays' | 'replacesAuthorization'>
  readonly now: () => Instant
  readonly limits: HttpLimits
  /** Tells the caller's handler that the first leg is on its way. */
  readonly herald: ResponseHeadListener
}

/** One dispatch, whether or not it was ever asked to pay. */
export class UndiciExchange implements Exchange<UndiciReply> {
  readonly resource: HttpResource
  readonly key?: string
  readonly #options: UndiciExchangeOptions
  readonly #dispatch: DispatchOptions
  readonly #headers: RequestHeaders
  readonly #body: KeptBody<unknown>
  /** Replies to what was sent beyond the caller's own request. */
  readonly #answers = new WeakMap<UndiciReply, Answers>()
  #sent = false
  #at: HttpResource
  #fingerprint: Promise<string> | undefined
  #draining: Promise<void> | undefined

  /** @throws TypeError for headers or a body that cannot be set aside. */
  constructor(dispatch: Dispatcher.DispatchOptions, resource: HttpResource, options: UndiciExchangeOptions) {
    this.resource = resource
    this.#at = resource
    this.#options = options
    this.#dispatch = { ...dispatch, body: undefined }
    const headers = copyHeaders(dispatch.headers)
    const { acceptPayment } = options.face
    this.#headers =
      acceptPayment === '' || header(headers, 'accept-payment') !== undefined
        ? headers
        : withHeader(headers, 'accept-payment', acceptPayment)
    const { keep } = options.limits
    const make = makerOf(dispatch.body)
    this.#body = make === undefined ? keepBody(dispatch.body, keep) : keepFactory(make, keep)
    const key = header(headers, 'idempotency-key')
    if (key !== undefined) this.key = key
  }

  fingerprint(): Promise<string> {
    this.#fingerprint ??= fingerprintOf(this.resource, this.#body)
    return this.#fingerprint
  }

  async send(leg: SendOptions): Promise<UndiciReply> {
    if (leg.credential !== undefined) return this.#sendPaid(leg, leg.credential)
    const { dispatch, herald } = this.#options
    const headers = this.#keyed(leg)
    if (this.#sent) {
      const again = { ...this.#dispatch, headers, body: await this.#body.again() }
      return dispatchRequest(dispatch, again, leg.signal)
    }
    this.#sent = true
    const body = this.#body.made ? await this.#body.again() : this.#body.first
    const first = { ...this.#dispatch, headers, body }
    try {
      const reply = await dispatchRequest(dispatch, first, leg.signal, herald)
      if (reply.status !== 402) this.#body.forget?.()
      return reply
    } catch (error) {
      this.#body.forget?.()
      throw error
    }
  }

  mayRequirePayment(reply: UndiciReply): boolean {
    return reply.status === 402
  }

  async read(reply: UndiciReply): Promise<ReplyInfo> {
    const { now, limits } = this.#options
    const said = await readReply(headOf(reply), {
      url: reply.landed?.href ?? this.#at.address,
      now,
      answers: this.#answers.get(reply),
      own: this.#own(),
      pays: this.#options.face.pays,
      text: () => reply.text(limits.read),
    })
    if (said.kind !== 'payment-required') return said
    const at = this.#payableAt(reply)
    if (at === undefined) return own({ ...said, at: this.#at, offers: [], reasons: [ELSEWHERE] })
    this.#at = at
    return own({ ...said, at })
  }

  async check(challenge: Credential['challenge'], at: Resource): Promise<void> {
    if (at.address !== this.#at.address) {
      throw new PaymentRefusedError('A credential goes to the address that asked for it, and nowhere else.')
    }
    checkOptions(this.#dispatch, this.#headers, this.#at)
    if (!this.#body.made) await this.#body.again()
    await checkCarrier(challenge, {
      own: this.#own(),
      address: this.#at.address,
      replacesAuthorization: this.#options.face.replacesAuthorization(at),
      body:
        challenge.digest !== undefined && this.#body.exact
          ? await bodyBytes(this.#body, this.#options.limits.keep)
          : undefined,
    })
  }

  discard(reply: UndiciReply): void {
    this.#draining = reply.drain(this.#options.limits.read)
  }

  async sendAside(credential: Credential | undefined, signal?: AbortSignal): Promise<ReplyInfo> {
    const { method } = this.resource
    const asks = credential === undefined && (method === 'GET' || method === 'HEAD')
    // The caller's key names the request itself, and not this.
    const plain = withoutHeader(withoutBody(this.#headers), 'idempotency-key')
    const options = {
      ...this.#aimed(),
      method: asks ? ('HEAD' as const) : ('POST' as const),
      headers: credential === undefined ? plain : this.#carrying(plain, credential),
      body: null,
      maxRedirections: 0,
    }
    const reply = await dispatchRequest(this.#options.dispatch, options, signal)
    this.#answers.set(reply, credential?.challenge.echo.envelope ?? 'note')
    const reading = await this.read(reply)
    this.discard(reply)
    return reading
  }

  async metered(reply: UndiciReply): Promise<Metered<UndiciReply> | undefined> {
    return meterReply(reply)
  }

  onBroken(reply: UndiciReply, tell: () => void): void {
    reply.whenBroken(tell)
  }

  refuse(problem: RefusalProblem): UndiciReply {
    const { status, statusText, headers, body } = refusalReply(problem)
    return UndiciReply.made({ status, message: statusText, headers: { ...headers } }, body)
  }

  async #sendPaid(leg: SendOptions, credential: Credential): Promise<UndiciReply> {
    // A dropped 402 that is still being read holds the connection that the paid leg wants.
    await this.#draining
    const options = {
      ...this.#aimed(),
      headers: this.#carrying(this.#keyed(leg), credential),
      body: await this.#body.again(),
      // A redirecting interceptor beneath would carry the credential on.
      maxRedirections: 0,
    }
    // A request that is paid at once has no leg before this one.
    const reply = await dispatchRequest(this.#options.dispatch, options, leg.signal, this.#options.herald)
    this.#answers.set(reply, credential.challenge.echo.envelope)
    return reply
  }

  /** The caller's own headers, one by one. */
  #own(): (name: string) => string | undefined {
    return (name) => header(this.#headers, name)
  }

  #carrying(headers: RequestHeaders, credential: Credential): RequestHeaders {
    const carried = Object.entries(carry(credential, this.#own())).reduce(
      (all, [name, value]) => (value === undefined ? withoutHeader(all, name) : withHeader(all, name, value)),
      headers,
    )
    // A cache beneath must not keep what was paid for.
    return header(carried, 'cache-control') === undefined
      ? withHeader(carried, 'cache-control', 'no-store')
      : carried
  }

  /** The dispatch, aimed at where the 402 came from. */
  #aimed(): DispatchOptions {
    if (this.#at === this.resource) return this.#dispatch
    const { query: _, ...dispatch } = this.#dispatch
    const { pathname, search } = new URL(this.#at.address)
    return { ...dispatch, path: pathname + search }
  }

  #keyed(leg: SendOptions): RequestHeaders {
    const { idempotencyKey } = leg
    return idempotencyKey === undefined || this.key !== undefined
      ? this.#headers
      : withHeader(this.#headers, 'idempotency-key', idempotencyKey)
  }

  #payableAt(reply: UndiciReply): HttpResource | undefined {
    if (reply.landed === undefined) return this.#at
    const { method } = this.resource
    const fit = reply.landed.origin === this.resource.vendor && isConfidential(reply.landed)
    return fit && (method === 'GET' || method === 'HEAD') ? resourceAt(reply.landed, method) : undefined
  }
}

/**
 * What only undici sends: two fields of one name, and a name of its own to check the certificate against.
 *
 * @throws PaymentRefusedError
 */
function checkOptions(dispatch: object, headers: RequestHeaders, { address }: HttpResource): void {
  const { servername }: { readonly servername?: unknown } = dispatch
  if (servername !== undefined && servername !== null && servername !== new URL(address).hostname)
    throw new PaymentRefusedError(
      'The request has a servername that is not the host of its URL. Take it away to pay for the request.',
    )
  if (isRepeated(headers, 'idempotency-key'))
    throw new PaymentRefusedError('The request has more than one Idempotency-Key. Give it one to pay for it.')
}

function headOf({ status, headers }: UndiciReply): Head {
  return {
    status,
    header(name) {
      const value = headers[name]
      return Array.isArray(value) ? value.join(', ') : value
    },
  }
}

import { PaymentRefusedError } from '../errors/index.js'
import type { Instant } from '../money/index.js'
import type { Exchange, Metered, PaymentHandler, RefusalProblem, SendOptions } from '../pay/index.js'
import type { Credential, HttpResource, ReplyInfo, Resource } from '../protocol/index.js'
import { lazy, own } from '../util/index.js'
import type { BodyFactory } from './body.js'
import type { Head } from './head.js'
import type { HeaderChanges } from './headers.js'
import type { HttpLimits } from './limits.js'
import { noStore } from './no-store.js'
import { drain, peekText } from './reply.js'
import { type FetchLike, ReplayableRequest } from './request.js'
import { ELSEWHERE, type FetchInput, isConfidential, resourceAt, withoutFragment } from './resource.js'
import type { Answers } from './wire/index.js'

/** What an HTTP exchange needs of the world. */
export interface HttpExchangeOptions {
  /** The pristine fetch. */
  readonly base: FetchLike
  readonly face: Pick<
    PaymentHandler,
    'acceptPayment' | 'pays' | 'replacesAuthorization' | 'sendsIdempotencyKey'
  >
  /** In a browser: the address of the page. Requests to other origins then carry nothing that CORS could refuse. */
  readonly page?: string | undefined
  readonly now: () => Instant
  readonly limits: HttpLimits
  /** Makes the body anew for each leg, instead of one in `init`. */
  readonly body?: BodyFactory | undefined
}

const IDEMPOTENT = /^(?:GET|HEAD|OPTIONS|TRACE|PUT|DELETE)$/

/** One call to `fetch`, whether or not it was ever asked to pay. */
export class HttpExchange implements Exchange<Response> {
  readonly resource: HttpResource
  readonly key?: string
  readonly #options: HttpExchangeOptions
  readonly #request: ReplayableRequest
  readonly #sameOrigin: boolean
  #sent = false
  /** The reply to what was sent last beyond the caller's own request: only there is a problem worth reading. */
  #latest: Response | undefined
  #answers: Answers
  /** Where the last 402 came from: a credential goes there, and nowhere else. */
  #at: HttpResource
  #draining: Promise<unknown> | undefined
  #fingerprint: Promise<string> | undefined

  /** @throws TypeError where `fetch` would reject too, or where the body is of a kind that cannot be sent twice. */
  constructor(
    input: FetchInput,
    init: RequestInit | undefined,
    resource: HttpResource,
    options: HttpExchangeOptions,
  ) {
    const { page, face, limits } = options
    this.resource = resource
    this.#at = resource
    this.#options = options
    this.#sameOrigin = page === undefined || new URL(page).origin === resource.vendor
    this.#request = new ReplayableRequest(input, init, resource, {
      limits: limits.keep,
      body: options.body,
      acceptPayment: this.#sameOrigin ? face.acceptPayment : undefined,
    })
    const key = this.#request.header('idempotency-key')
    if (key !== undefined) this.key = key
  }

  /** The caller's signal, by `init` or by the `Request`. */
  get signal(): AbortSignal | undefined {
    return this.#request.signal
  }

  /** RFC 9110, section 9.2.2: these methods mean the same when they come twice. Others need a key. */
  get repeatable(): boolean {
    return this.key !== undefined || this.#carriesKey() || IDEMPOTENT.test(this.resource.method)
  }

  /** Method, address and body digest, once they are asked for. */
  fingerprint(): Promise<string> {
    this.#fingerprint ??= wire().then(({ fingerprintOf }) => fingerprintOf(this.resource, this.#request.body))
    return this.#fingerprint
  }

  async send(leg: SendOptions): Promise<Response> {
    if (leg.credential !== undefined) return this.#sendPaid(leg, leg.credential)
    const first = !this.#sent && !this.#request.makesBody
    this.#sent = true
    const options = this.#optionsOf(leg)
    const { base } = this.#options
    if (!first) return base(...(await this.#request.again(this.resource.address, options)))
    const [input, init] = this.#request.first(options)
    if (!this.#request.keepsBody) return base(input, init)
    try {
      const reply = await base(input, init)
      if (reply.status !== 402) this.#request.forget()
      return reply
    } catch (error) {
      this.#request.forget()
      throw error
    }
  }

  mayRequirePayment(reply: Response): boolean {
    return reply.status === 402
  }

  async read(reply: Response): Promise<ReplyInfo> {
    // A browser shows nothing of a redirect that it did not follow.
    if (reply.type === 'opaqueredirect') return { kind: 'redirect' }
    const { readReply } = await wire()
    // Empty for a reply that somebody made by hand.
    const url = withoutFragment(reply.url) || this.#at.address
    const { now, limits } = this.#options
    const said = await readReply(headOf(reply), {
      url,
      now,
      answers: reply === this.#latest ? this.#answers : undefined,
      own: this.#own(),
      pays: this.#options.face.pays,
      text: () => peekText(reply, limits.read),
    })
    if (said.kind !== 'payment-required') return said
    const at = this.#payableAt(reply, url)
    if (at === undefined) return own({ ...said, at: this.#at, offers: [], reasons: [ELSEWHERE] })
    this.#at = at
    return own({ ...said, at })
  }

  async check(challenge: Credential['challenge'], at: Resource): Promise<void> {
    if (at.address !== this.#at.address) {
      throw new PaymentRefusedError('A credential goes to the address that asked for it, and nowhere else.')
    }
    if (this.#request.keepsBody) await this.#request.assertReplayable()
    const { checkCarrier } = await wire()
    await checkCarrier(challenge, {
      own: this.#own(),
      address: this.#at.address,
      replacesAuthorization: this.#options.face.replacesAuthorization(at),
      body: challenge.digest === undefined ? undefined : await this.#request.bytes(),
    })
  }

  discard(reply: Response): void {
    this.#draining = drain(reply, this.#options.limits.read).catch(() => undefined)
  }

  /** Same-origin, and only where the caller lets `fetch` follow. Nothing that it finds there is paid for. */
  async follow(reply: Response, to: string): Promise<Response | undefined> {
    const target = URL.canParse(to) ? new URL(to) : undefined
    if (target?.origin !== this.resource.vendor || this.#request.redirect !== 'follow') return undefined
    const { base } = this.#options
    const { becomesGet } = await wire()
    try {
      const leg = becomesGet(reply.status, this.resource.method)
        ? this.#request.bare(target.href, 'GET')
        : await this.#request.again(target.href, noStore())
      const followed = await base(...leg)
      this.discard(reply)
      return followed
    } catch {
      // The redirect itself is an answer, and it was paid for: it is what the caller gets.
      return undefined
    }
  }

  async sendAside(credential: Credential | undefined, signal?: AbortSignal): Promise<ReplyInfo> {
    const { method } = this.resource
    const changes = { ...NOTE, ...(credential && (await this.#carrying(credential))) }
    const options = this.#optionsOf(signal ? { signal } : {}, changes)
    const asks = credential === undefined && (method === 'GET' || method === 'HEAD')
    const leg = this.#request.bare(this.#at.address, asks ? 'HEAD' : 'POST', {
      ...options,
      redirect: 'manual',
      integrity: '',
    })
    const { base } = this.#options
    const reply = await base(...leg)
    this.#latest = reply
    this.#answers = credential?.challenge.echo.envelope ?? 'note'
    const reading = await this.read(reply)
    this.discard(reply)
    return reading
  }

  async metered(reply: Response): Promise<Metered<Response> | undefined> {
    const type = reply.headers.get('content-type') ?? ''
    return /^text\/event-stream\b/i.test(type) ? (await sse()).meterReply(reply) : undefined
  }

  async refuse(problem: RefusalProblem): Promise<Response> {
    const { status, statusText, headers, body } = (await wire()).refusalReply(problem)
    const reply = new Response(body, { status, statusText, headers })
    // A `Response` of our own has an empty URL, and SDKs log the URL of what failed.
    return Object.defineProperty(reply, 'url', { value: this.resource.address })
  }

  async #sendPaid(leg: SendOptions, credential: Credential): Promise<Response> {
    // A dropped 402 that is still being read holds the connection that the paid leg wants.
    await this.#draining
    const options = this.#optionsOf(leg, await this.#carrying(credential))
    // Never through a redirect, which could carry it elsewhere; and no cache may keep what was paid for.
    options.redirect = 'manual'
    Object.assign(options, noStore())
    const [input, init] = await this.#request.again(this.#at.address, options)
    const { base } = this.#options
    const reply = await base(input, init)
    this.#latest = reply
    this.#answers = credential.challenge.echo.envelope
    return reply
  }

  /** The caller's own headers, one by one. */
  #own(): (name: string) => string | undefined {
    return (name) => this.#request.header(name)
  }

  async #carrying(credential: Credential): Promise<HeaderChanges> {
    return (await wire()).carry(credential, this.#own())
  }

  /** What a leg adds to the caller's own request: nothing, for most. */
  #optionsOf(leg: SendOptions, changes?: HeaderChanges): RequestInit {
    const own = this.#request.signal
    const signal = leg.signal === undefined || leg.signal === own ? undefined : leg.signal
    const key = this.#carriesKey() && this.key === undefined ? leg.idempotencyKey : undefined
    const options: RequestInit = {}
    if (signal) options.signal = own ? AbortSignal.any([own, signal]) : signal
    const all = key === undefined ? changes : { ...changes, 'idempotency-key': key }
    if (all) options.headers = this.#request.headers(all)
    return options
  }

  /** In browsers a failed preflight would look like a payment in doubt: only where the vendor is known to allow it. */
  #carriesKey(): boolean {
    return this.#sameOrigin || this.#options.face.sendsIdempotencyKey(this.resource)
  }

  /** Where a 402 came from, if that may charge: the origin that was dialled, over a channel fit for a credential. */
  #payableAt(reply: Response, from: string): HttpResource | undefined {
    // What was dialled, and what charged before, is known to be both.
    if (from === this.#at.address) return this.#at
    const url = new URL(from)
    if (url.origin !== this.resource.vendor || !isConfidential(url)) return undefined
    const dialled = [this.resource, this.#at].find(({ address }) => address === url.href)
    if (dialled || !reply.redirected) return dialled
    // `fetch` does not show what a POST became on the way.
    const { method } = this.resource
    return method === 'GET' || method === 'HEAD' ? resourceAt(url, method) : undefined
  }
}

/** What only a 402 needs is loaded with the first one. */
const wire = lazy(() => import('./wire/index.js'))
const sse = lazy(() => import('./wire/sse/index.js'))

/** What a note beside a request does not take over: the caller's key names the request itself, and not this. */
const NOTE: HeaderChanges = { 'idempotency-key': undefined }

function headOf(reply: Response): Head {
  return { status: reply.status, header: (name) => reply.headers.get(name) ?? undefined }
}

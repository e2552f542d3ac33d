import { PaymentRefusedError } from '../errors/index.js'
import type { Instant } from '../money/index.js'
import type { Exchange, Metered, RefusalProblem, SendOptions } from '../pay/index.js'
import type { Credential, HttpResource, ReplyInfo, Resource } from '../protocol/index.js'
import { own } from '../util/objects.js'
import { bodyBytes } from './body.js'
import type { HttpCodecs, HttpPaymentHandler } from './handler.js'
import type { HeaderChanges } from './headers.js'
import type { HttpLimits } from './limits.js'
import { ELSEWHERE, isConfidential, resourceAt } from './resource.js'
import type { HttpTransport } from './transport.js'
import type { Answers } from './wire/index.js'

/** The settings of an HTTP exchange. */
export interface HttpExchangeOptions {
  readonly handler: Pick<HttpPaymentHandler, 'codecs' | 'pays' | 'replacesAuthorization'>
  readonly now: () => Instant
  readonly limits: HttpLimits
}

const IDEMPOTENT = /^(?:GET|HEAD|OPTIONS|TRACE|PUT|DELETE)$/

/** One HTTP call as an exchange, over any transport, whether or not the server asks for a payment. */
export class HttpExchange<Reply extends object> implements Exchange<Reply> {
  readonly resource: HttpResource
  readonly key?: string
  readonly #transport: HttpTransport<Reply>
  readonly #options: HttpExchangeOptions
  /** Replies to requests that Purser added: a credential, or a request beside the caller's own. */
  readonly #answers = new WeakMap<Reply, Answers>()
  #sent = false
  /** The resource that asked for a payment last. A credential goes to this address only. */
  #at: HttpResource
  #draining: Promise<unknown> | undefined
  #fingerprint: Promise<string> | undefined

  constructor(resource: HttpResource, transport: HttpTransport<Reply>, options: HttpExchangeOptions) {
    this.resource = resource
    this.#at = resource
    this.#transport = transport
    this.#options = options
    const key = transport.header('idempotency-key')
    if (key !== undefined) this.key = key
  }

  /** The caller's signal. */
  get signal(): AbortSignal | undefined {
    return this.#transport.signal
  }

  /** These methods mean the same if they come twice (RFC 9110, section 9.2.2). Other methods need a key. */
  get repeatable(): boolean {
    return this.key !== undefined || this.#transport.addsKey() || IDEMPOTENT.test(this.resource.method)
  }

  fingerprint(): Promise<string> {
    this.#fingerprint ??= this.#codecs().then(({ fingerprintOf }) =>
      fingerprintOf(this.resource, this.#transport.body),
    )
    return this.#fingerprint
  }

  async send(options: SendOptions): Promise<Reply> {
    if (options.credential !== undefined) return this.#sendPaid(options, options.credential)
    const again = this.#sent
    this.#sent = true
    const sending = this.#transport.send({ again, changes: this.#keyOf(options), signal: options.signal })
    const { forget } = this.#transport.body
    if (again || forget === undefined) return sending
    try {
      const reply = await sending
      if (!this.mayRequirePayment(reply)) forget()
      return reply
    } catch (error) {
      forget()
      throw error
    }
  }

  mayRequirePayment(reply: Reply): boolean {
    return this.#transport.statusOf(reply) === 402
  }

  async read(reply: Reply): Promise<ReplyInfo> {
    const transport = this.#transport
    // A browser shows nothing of a redirect that it did not follow.
    if (transport.isHiddenRedirect?.(reply) === true) return { kind: 'redirect' }
    const { readReply } = await this.#codecs()
    const url = transport.urlOf(reply) ?? this.#at.address
    const { now, limits, handler } = this.#options
    const reading = await readReply(transport.headOf(reply), {
      url,
      now,
      answers: this.#answers.get(reply),
      own: (name) => transport.header(name),
      pays: handler.pays,
      text: () => transport.textOf(reply, limits.read),
    })
    if (reading.kind !== 'payment-required') return reading
    const at = this.#payableAt(reply, url)
    if (at === undefined) return own({ ...reading, at: this.#at, offers: [], reasons: [ELSEWHERE] })
    this.#at = at
    return own({ ...reading, at })
  }

  async check(challenge: Credential['challenge'], at: Resource): Promise<void> {
    if (at.address !== this.#at.address) {
      throw new PaymentRefusedError('A credential goes to the address that asked for it, and nowhere else.')
    }
    const { body } = this.#transport
    this.#transport.check?.(this.#at)
    if (body.forget !== undefined) await body.again()
    const { checkCarrier } = await this.#codecs()
    await checkCarrier(challenge, {
      own: (name) => this.#transport.header(name),
      address: this.#at.address,
      replacesAuthorization: this.#options.handler.replacesAuthorization(at),
      body:
        challenge.digest !== undefined && body.exact
          ? await bodyBytes(body, this.#options.limits.keep)
          : undefined,
    })
  }

  discard(reply: Reply): void {
    this.#draining = this.#transport.drain(reply, this.#options.limits.read).catch(() => undefined)
  }

  /** Follows a redirect within the origin, if the transport follows redirects. Purser never pays for its target. */
  async follow(reply: Reply, to: string): Promise<Reply | undefined> {
    const target = URL.canParse(to) ? new URL(to) : undefined
    if (this.#transport.follow === undefined || target?.origin !== this.resource.vendor) return undefined
    const { becomesGet } = await this.#codecs()
    const becomes = becomesGet(this.#transport.statusOf(reply), this.resource.method) ? 'GET' : 'same'
    try {
      const followed = await this.#transport.follow(target.href, becomes)
      if (followed !== undefined) this.discard(reply)
      return followed
    } catch {
      // The redirect itself is an answer that was paid for, so the caller gets it.
      return undefined
    }
  }

  async sendAside(credential: Credential | undefined, signal?: AbortSignal): Promise<ReplyInfo> {
    const { method } = this.resource
    const asks = credential === undefined && (method === 'GET' || method === 'HEAD')
    const reply = await this.#transport.sendAside({
      at: this.#at,
      method: asks ? 'HEAD' : 'POST',
      // The caller's key names the caller's own request, and not this one.
      changes: { 'idempotency-key': undefined, ...(credential && (await this.#carry(credential))) },
      signal,
    })
    this.#answers.set(reply, credential?.challenge.echo.envelope ?? 'note')
    const reading = await this.read(reply)
    this.discard(reply)
    return reading
  }

  metered(reply: Reply): Promise<Metered<Reply> | undefined> {
    return this.#transport.metered(reply)
  }

  onBroken(reply: Reply, tell: () => void): void {
    this.#transport.onBroken?.(reply, tell)
  }

  async refuse(problem: RefusalProblem): Promise<Reply> {
    return this.#transport.replyOf((await this.#codecs()).refusalReply(problem))
  }

  #codecs(): Promise<HttpCodecs> {
    return this.#options.handler.codecs()
  }

  async #sendPaid(options: SendOptions, credential: Credential): Promise<Reply> {
    // A dropped 402 that is still being read occupies the connection that the paid request needs.
    await this.#draining
    const changes = { ...this.#keyOf(options), ...(await this.#carry(credential)) }
    const reply = await this.#transport.sendPaid({ at: this.#at, changes, signal: options.signal })
    this.#answers.set(reply, credential.challenge.echo.envelope)
    return reply
  }

  async #carry(credential: Credential): Promise<HeaderChanges> {
    return (await this.#codecs()).carry(credential, (name) => this.#transport.header(name))
  }

  /** The key of this payment, unless the caller's request carries one of its own. */
  #keyOf({ idempotencyKey }: SendOptions): HeaderChanges | undefined {
    const adds = idempotencyKey !== undefined && this.key === undefined && this.#transport.addsKey()
    return adds ? { 'idempotency-key': idempotencyKey } : undefined
  }

  /**
   * Returns the resource that sent a 402, if it may charge: it is on the dialled origin, and its connection protects
   * a credential.
   */
  #payableAt(reply: Reply, from: string): HttpResource | undefined {
    const { method } = this.resource
    const repeats = method !== 'GET' && method !== 'HEAD'
    // No transport shows whether a redirect kept a POST or made a GET of it. A POST that was answered is not sent again.
    if (repeats && this.#transport.wasRedirected(reply)) return undefined
    // These were checked when they were dialled or when they charged before.
    if (from === this.#at.address) return this.#at
    const url = new URL(from)
    if (url.origin !== this.resource.vendor || !isConfidential(url)) return undefined
    const known = [this.resource, this.#at].find(({ address }) => address === url.href)
    if (known !== undefined || !this.#transport.wasRedirected(reply)) return known
    return resourceAt(url, method)
  }
}

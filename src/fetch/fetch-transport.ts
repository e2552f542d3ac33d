import {
  type AsideRequest,
  type BodyFactory,
  type FetchInput,
  type Head,
  type HeaderChanges,
  type HttpLimits,
  type HttpPaymentHandler,
  type HttpTransport,
  type KeptBody,
  type OwnRequest,
  type PaidRequest,
  type RefusalReply,
  withoutFragment,
} from '../http/index.js'
import type { Metered } from '../pay/index.js'
import { type BodyLimits, drainBody, type HttpResource, readText } from '../protocol/index.js'
import { noStore } from './no-store.js'
import { type FetchLike, ReplayableRequest } from './request.js'

/** The settings of one call to `fetch`. */
export interface FetchTransportOptions {
  /** The fetch below, without wrappers of Purser. */
  readonly base: FetchLike
  readonly handler: Pick<HttpPaymentHandler, 'acceptPayment' | 'codecs' | 'sendsIdempotencyKey'>
  /** The address of the page in a browser. Requests to other origins then carry no header that CORS could refuse. */
  readonly page?: string | undefined
  readonly limits: HttpLimits
  /** Makes the body for each request, instead of a body in `init`. */
  readonly body?: BodyFactory | undefined
}

/** Sends the requests of one call by `fetch`. */
export class FetchTransport implements HttpTransport<Response> {
  readonly #resource: HttpResource
  readonly #options: FetchTransportOptions
  readonly #request: ReplayableRequest
  readonly #sameOrigin: boolean

  /** @throws TypeError if `fetch` would reject the call too, or if the body is of a kind that cannot be sent twice. */
  constructor(
    input: FetchInput,
    init: RequestInit | undefined,
    resource: HttpResource,
    options: FetchTransportOptions,
  ) {
    const { page, handler, limits, body } = options
    this.#resource = resource
    this.#options = options
    this.#sameOrigin = page === undefined || new URL(page).origin === resource.vendor
    this.#request = new ReplayableRequest(input, init, resource, {
      limits: limits.keep,
      body,
      acceptPayment: this.#sameOrigin ? handler.acceptPayment : undefined,
    })
  }

  get signal(): AbortSignal | undefined {
    return this.#request.signal
  }

  get body(): KeptBody {
    return this.#request.body
  }

  header(name: string): string | undefined {
    return this.#request.header(name)
  }

  /** In browsers a failed preflight would look like a payment in doubt, so the vendor must be known to allow the key. */
  addsKey(): boolean {
    return this.#sameOrigin || this.#options.handler.sendsIdempotencyKey(this.#resource)
  }

  async send({ again, changes, signal }: OwnRequest): Promise<Response> {
    const { base } = this.#options
    const options = this.#init(signal, changes)
    return again || this.body.made === true
      ? base(...(await this.#request.again(this.#resource.address, options)))
      : base(...this.#request.first(options))
  }

  async sendPaid({ at, changes, signal }: PaidRequest): Promise<Response> {
    const options = { ...this.#init(signal, changes), redirect: 'manual' as const, ...noStore() }
    const { base } = this.#options
    return base(...(await this.#request.again(at.address, options)))
  }

  async sendAside({ at, method, changes, signal }: AsideRequest): Promise<Response> {
    const options = { ...this.#init(signal, changes), redirect: 'manual' as const, integrity: '' }
    const { base } = this.#options
    return base(...this.#request.bare(at.address, method, options))
  }

  /** Only if the caller lets `fetch` follow redirects. */
  async follow(target: string, method: 'GET' | 'same'): Promise<Response | undefined> {
    if (this.#request.redirect !== 'follow') return undefined
    const { base } = this.#options
    return method === 'GET'
      ? base(...this.#request.bare(target, method))
      : base(...(await this.#request.again(target, noStore())))
  }

  statusOf(reply: Response): number {
    return reply.status
  }

  headOf(reply: Response): Head {
    return { status: reply.status, header: (name) => reply.headers.get(name) ?? undefined }
  }

  urlOf(reply: Response): string | undefined {
    // A reply that a program made has an empty URL.
    return withoutFragment(reply.url) || undefined
  }

  wasRedirected(reply: Response): boolean {
    return reply.redirected
  }

  isHiddenRedirect(reply: Response): boolean {
    return reply.type === 'opaqueredirect'
  }

  textOf(reply: Response, limits: BodyLimits): Promise<string | undefined> {
    return peekText(reply, limits)
  }

  drain(reply: Response, limits: BodyLimits): Promise<unknown> {
    return drain(reply, limits)
  }

  async metered(reply: Response): Promise<Metered<Response> | undefined> {
    const type = reply.headers.get('content-type') ?? ''
    if (!/^text\/event-stream\b/i.test(type)) return undefined
    const { meterReply } = await this.#options.handler.codecs()
    return meterReply(reply)
  }

  replyOf({ status, statusText, headers, body }: RefusalReply): Response {
    const reply = new Response(body, { status, statusText, headers })
    // A `Response` that a program makes has an empty URL, and SDKs log the URL of a failed request.
    return Object.defineProperty(reply, 'url', { value: this.#resource.address })
  }

  /** The changes to the caller's own request: none, for most requests. */
  #init(signal: AbortSignal | undefined, changes: HeaderChanges | undefined): RequestInit {
    const own = this.#request.signal
    const init: RequestInit = {}
    if (signal !== undefined && signal !== own) init.signal = own ? AbortSignal.any([own, signal]) : signal
    if (changes) init.headers = this.#request.headers(changes)
    return init
  }
}

/**
 * Reads the text of a reply from a clone, so that the reply stays readable. Undefined if the text is longer than the
 * limit (after decompression) or too late.
 */
async function peekText(reply: Response, limits: BodyLimits): Promise<string | undefined> {
  if (reply.body === null || reply.bodyUsed) return undefined
  // A clone is a tee, which would have to be read to its end or cancelled.
  if (Number(reply.headers.get('content-length') ?? 0) > limits.bytes) return undefined
  const said = await readText(reply.clone(), limits)
  return 'text' in said ? said.text : undefined
}

/**
 * Drops a reply. A short rest is read, because cancelling a body costs its connection; a long or slow rest is
 * cancelled.
 */
async function drain(reply: Response, limits: BodyLimits): Promise<void> {
  if (!reply.bodyUsed) await drainBody(reply, limits)
}

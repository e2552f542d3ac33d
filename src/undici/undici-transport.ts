import type { Dispatcher } from 'undici'
import { PaymentRefusedError } from '../errors/index.js'
import {
  type AsideRequest,
  type Head,
  type HeaderChanges,
  type HttpLimits,
  type HttpPaymentHandler,
  type HttpTransport,
  type KeptBody,
  keepBody,
  keepFactory,
  type OwnRequest,
  type PaidRequest,
  type RefusalReply,
} from '../http/index.js'
import { type FilterResult, LatestEvents, PaymentEventFilter } from '../http/wire/sse/index.js'
import type { Metered } from '../pay/index.js'
import type { BodyLimits, HttpResource } from '../protocol/index.js'
import { type DispatchOptions, dispatchRequest, type ResponseHeadListener } from './dispatch.js'
import { makerOf } from './replayable-body.js'
import { type Chunk, type PaymentEventFilterLike, UndiciReply } from './reply.js'
import {
  copyHeaders,
  header,
  isRepeated,
  type RequestHeaders,
  withHeader,
  withoutBody,
  withoutHeader,
} from './request.js'

/** The settings of one dispatch. */
export interface UndiciTransportOptions {
  readonly dispatch: Dispatcher.Dispatch
  readonly handler: Pick<HttpPaymentHandler, 'acceptPayment'>
  readonly limits: HttpLimits
  /** Hears when a request starts, for the caller's handler. */
  readonly listener: ResponseHeadListener
}

/** Sends the requests of one call by an undici dispatcher. */
export class UndiciTransport implements HttpTransport<UndiciReply> {
  readonly body: KeptBody<unknown>
  readonly #resource: HttpResource
  readonly #options: UndiciTransportOptions
  readonly #dispatch: DispatchOptions
  readonly #headers: RequestHeaders

  /** @throws TypeError for headers or a body that cannot be copied. */
  constructor(dispatch: Dispatcher.DispatchOptions, resource: HttpResource, options: UndiciTransportOptions) {
    this.#resource = resource
    this.#options = options
    this.#dispatch = { ...dispatch, body: undefined }
    const headers = copyHeaders(dispatch.headers)
    const { acceptPayment } = options.handler
    this.#headers =
      acceptPayment === '' || header(headers, 'accept-payment') !== undefined
        ? headers
        : withHeader(headers, 'accept-payment', acceptPayment)
    const { keep } = options.limits
    const make = makerOf(dispatch.body)
    this.body = make === undefined ? keepBody(dispatch.body, keep) : keepFactory(make, keep)
  }

  header(name: string): string | undefined {
    return header(this.#headers, name)
  }

  addsKey(): boolean {
    return true
  }

  async send({ again, changes, signal }: OwnRequest): Promise<UndiciReply> {
    const { dispatch, listener } = this.#options
    const body = again || this.body.made ? await this.body.again() : this.body.first
    const options = { ...this.#dispatch, headers: this.#changed(this.#headers, changes), body }
    return dispatchRequest(dispatch, options, signal, again ? undefined : listener)
  }

  async sendPaid({ at, changes, signal }: PaidRequest): Promise<UndiciReply> {
    const { dispatch, listener } = this.#options
    const options = {
      ...this.#aimedAt(at),
      headers: this.#uncached(this.#changed(this.#headers, changes)),
      body: await this.body.again(),
      // A redirecting interceptor below would carry the credential to another URL.
      maxRedirections: 0,
    }
    // If this is the first request of the call, the caller's handler has not been told of one before.
    return dispatchRequest(dispatch, options, signal, listener)
  }

  async sendAside({ at, method, changes, signal }: AsideRequest): Promise<UndiciReply> {
    const options = {
      ...this.#aimedAt(at),
      method,
      headers: this.#uncached(this.#changed(withoutBody(this.#headers), changes)),
      body: null,
      maxRedirections: 0,
    }
    return dispatchRequest(this.#options.dispatch, options, signal)
  }

  /**
   * Refuses two fields of one name, and a separate name for checking the certificate. Only undici can send these.
   *
   * @throws PaymentRefusedError
   */
  check({ address }: HttpResource): void {
    const servername: unknown = Reflect.get(this.#dispatch, 'servername')
    if (servername !== undefined && servername !== null && servername !== new URL(address).hostname)
      throw new PaymentRefusedError(
        'The request has a servername that is not the host of its URL. Take it away to pay for the request.',
      )
    if (isRepeated(this.#headers, 'idempotency-key'))
      throw new PaymentRefusedError(
        'The request has more than one Idempotency-Key. Give it one to pay for it.',
      )
  }

  statusOf(reply: UndiciReply): number {
    return reply.status
  }

  headOf({ status, headers }: UndiciReply): Head {
    return {
      status,
      header(name) {
        const value = headers[name]
        return Array.isArray(value) ? value.join(', ') : value
      },
    }
  }

  urlOf(reply: UndiciReply): string | undefined {
    return reply.landed?.href
  }

  wasRedirected(reply: UndiciReply): boolean {
    return reply.landed !== undefined
  }

  textOf(reply: UndiciReply, limits: BodyLimits): Promise<string | undefined> {
    return reply.text(limits)
  }

  drain(reply: UndiciReply, limits: BodyLimits): Promise<unknown> {
    return reply.drain(limits)
  }

  async metered(reply: UndiciReply): Promise<Metered<UndiciReply> | undefined> {
    return meterReply(reply)
  }

  onBroken(reply: UndiciReply, tell: () => void): void {
    reply.whenBroken(tell)
  }

  replyOf({ status, statusText, headers, body }: RefusalReply): UndiciReply {
    return UndiciReply.made({ status, message: statusText, headers: { ...headers } }, body)
  }

  #changed(headers: RequestHeaders, changes: HeaderChanges | undefined): RequestHeaders {
    return Object.entries(changes ?? {}).reduce(
      (all, [name, value]) => (value === undefined ? withoutHeader(all, name) : withHeader(all, name, value)),
      headers,
    )
  }

  /** A cache below must not keep a paid reply. */
  #uncached(headers: RequestHeaders): RequestHeaders {
    return header(headers, 'cache-control') === undefined
      ? withHeader(headers, 'cache-control', 'no-store')
      : headers
  }

  /** The dispatch, to the URL that the 402 came from. */
  #aimedAt(at: HttpResource): DispatchOptions {
    if (at === this.#resource) return this.#dispatch
    const { query: _, ...dispatch } = this.#dispatch
    const { pathname, search } = new URL(at.address)
    return { ...dispatch, path: pathname + search }
  }
}

/**
 * Filters an event stream while the caller's handler takes it. While the handler has paused, data waits at the
 * socket, so that Purser does not pay for unread data. Undefined if the reply is no event stream, or if it is
 * encoded: then decode it in an interceptor around this one, or use `fetch`.
 */
function meterReply(reply: UndiciReply): Metered<UndiciReply> | undefined {
  const { 'content-type': type, 'content-encoding': encoding } = reply.headers
  if (!/^text\/event-stream\b/i.test(String(type)) || encoding !== undefined) return undefined
  const latest = new LatestEvents()
  reply.through(filterInto(latest))
  return { reply, events: latest, end: latest.end }
}

function filterInto(latest: LatestEvents): PaymentEventFilterLike {
  const filter = new PaymentEventFilter()
  const passed = ({ pass, events }: FilterResult): Chunk[] => {
    for (const event of events) latest.tell(event)
    return pass.map(({ buffer, byteOffset, byteLength }) => Buffer.from(buffer, byteOffset, byteLength))
  }
  return {
    push: (chunk) => passed(filter.push(chunk)),
    end() {
      const rest = passed(filter.end())
      latest.stop('whole')
      return rest
    },
    fail: () => latest.stop('broken'),
  }
}

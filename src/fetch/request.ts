import {
  type BodyFactory,
  type FetchInput,
  type HeaderChanges,
  headerOf,
  isRequest,
  isStream,
  type KeepLimits,
  type KeptBody,
  type KeptHeaders,
  keepBody,
  keepFactory,
  keepRequestBody,
  snapshot,
  withHeaders,
  withoutBody,
} from '../http/index.js'
import type { HttpResource } from '../protocol/index.js'
import { isObjectPrototype } from '../util/objects.js'
import { noStore } from './no-store.js'

/** Any `fetch`. */
export type FetchLike = (input: FetchInput, init?: RequestInit) => Promise<Response>

/** What a `fetch` is called with. */
export type FetchArguments = readonly [input: FetchInput, init: RequestInit]

/**
 * What of an `init` counts even where it is not its own and enumerable: a `Request` handed in as `init`, or an object
 * with a prototype, is read by `fetch` by these names.
 */
const INIT_KEYS = [
  'method',
  'headers',
  'body',
  'mode',
  'credentials',
  'cache',
  'redirect',
  'referrer',
  'referrerPolicy',
  'integrity',
  'keepalive',
  'signal',
  'priority',
  'duplex',
  'dispatcher',
]

/**
 * A request that can be sent more than once: everything the caller could change, or that can be read only once, is
 * set aside before the first leg. The caller's objects are never written to.
 */
export class ReplayableRequest {
  readonly resource: HttpResource
  readonly #headers: KeptHeaders
  readonly #request: Request | undefined
  /** What else the caller said: no headers and no body. */
  readonly #init: RequestInit
  readonly #body: KeptBody

  /**
   * @param acceptPayment Sent as `Accept-Payment`, unless the caller sends one.
   * @throws TypeError where `fetch` would reject too: bad headers, a stream that was read, …; and for a body of a kind
   *   that nobody knows how to send twice.
   */
  constructor(
    input: FetchInput,
    init: RequestInit | undefined,
    resource: HttpResource,
    options: {
      readonly limits: KeepLimits
      readonly acceptPayment?: string | undefined
      /** Makes the body anew for each leg. */
      readonly body?: BodyFactory | undefined
    },
  ) {
    this.resource = resource
    this.#request = isRequest(input) ? input : undefined
    const { headers, body, ...rest } = copyInit(init)
    this.#init = rest
    this.#headers = snapshot(headers ?? this.#request?.headers, options.acceptPayment)
    if (options.body !== undefined) this.#body = keepFactory(options.body, options.limits)
    else
      this.#body =
        this.#request && isAbsent(body)
          ? keepRequestBody(this.#request, options.limits)
          : keepBody(body, options.limits)
  }

  /** The signal that the caller gave, by `init` or by the `Request`. */
  get signal(): AbortSignal | undefined {
    const { signal } = this.#init
    return signal === undefined ? this.#request?.signal : (signal ?? undefined)
  }

  /** How the caller wants redirects handled. */
  get redirect(): RequestRedirect {
    return this.#init.redirect ?? this.#request?.redirect ?? 'follow'
  }

  /** One header of the caller's. */
  header(name: string): string | undefined {
    return headerOf(this.#headers, name)
  }

  /** The caller's headers with these changes. */
  headers(changes: HeaderChanges): KeptHeaders {
    return withHeaders(this.#headers, changes)
  }

  /** The first leg: the caller's own call. A URL object could be changed before it is sent: its text cannot. */
  first(options?: RequestInit): FetchArguments {
    const init: RequestInit = { headers: this.#headers, ...this.#init, ...options }
    if (!isAbsent(this.#body.first)) init.body = this.#body.first
    return [this.#request ?? this.resource.address, init]
  }

  /**
   * A later leg: the same method, headers and body, to `address`.
   *
   * @throws PaymentError `not_replayable`
   */
  async again(address: string, options?: RequestInit): Promise<FetchArguments> {
    const moved = address !== this.resource.address
    // A Request knows only its own URL: for another one, what it says goes along as `init`.
    const { headers: _, body: __, ...own } = moved && this.#request ? copyInit(this.#request) : {}
    const init: RequestInit = { headers: this.#headers, ...own, ...this.#init, ...options }
    const body = await this.#body.again()
    if (!isAbsent(body)) init.body = body
    if (this.#body.made && isStream(body)) Reflect.set(init, 'duplex', 'half')
    return [moved ? address : (this.#request ?? address), init]
  }

  /** The same request without its body: what a redirect makes of it that turns the method into GET, or a note beside it. */
  bare(address: string, method: string, options?: RequestInit): FetchArguments {
    const { headers: _, body: __, ...own } = this.#request ? copyInit(this.#request) : {}
    const headers = withoutBody(options?.headers ?? this.#headers)
    return [address, { ...own, ...this.#init, ...options, method, headers, ...noStore() }]
  }

  /** What was set aside of its body. */
  get body(): KeptBody {
    return this.#body
  }
}

/** A copy of an `init`, without what is ours. */
function copyInit(init: object | undefined): RequestInit {
  if (init === undefined || init === null) return {}
  const copy: Record<string, unknown> = { ...init }
  const parent: unknown = Object.getPrototypeOf(init)
  if (parent !== null && !isObjectPrototype(parent)) {
    for (const key of INIT_KEYS) {
      const value: unknown = Reflect.get(init, key)
      // `navigate` is a browser's own word: no script may say it.
      if (value !== undefined && value !== 'navigate') copy[key] = value
    }
  }
  delete copy['payment']
  return copy
}

function isAbsent(body: unknown): body is null | undefined {
  return body === null || body === undefined
}

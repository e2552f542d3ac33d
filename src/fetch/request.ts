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

/** The arguments of a call to `fetch`. */
export type FetchArguments = readonly [input: FetchInput, init: RequestInit]

/**
 * The names that `fetch` reads from an `init`, also if they are inherited or not enumerable: a `Request` passed as
 * `init`, or an object with a prototype.
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
 * A request that can be sent more than once. It copies everything that the caller could change, or that can be read
 * only once, before the first request. It never changes the caller's objects.
 */
export class ReplayableRequest {
  readonly resource: HttpResource
  readonly #headers: KeptHeaders
  readonly #request: Request | undefined
  /** The rest of the `init`: no headers and no body. */
  readonly #init: RequestInit
  readonly #body: KeptBody

  /**
   * @param acceptPayment Sent as `Accept-Payment`, unless the caller sends one.
   * @throws TypeError if `fetch` would reject too (bad headers, a used stream, …), or if the body is of a kind that
   * cannot be sent twice.
   */
  constructor(
    input: FetchInput,
    init: RequestInit | undefined,
    resource: HttpResource,
    options: {
      readonly limits: KeepLimits
      readonly acceptPayment?: string | undefined
      /** Makes the body for each request. */
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

  /** The caller's signal, from `init` or from the `Request`. */
  get signal(): AbortSignal | undefined {
    const { signal } = this.#init
    return signal === undefined ? this.#request?.signal : (signal ?? undefined)
  }

  /** The caller's redirect mode. */
  get redirect(): RequestRedirect {
    return this.#init.redirect ?? this.#request?.redirect ?? 'follow'
  }

  /** Returns one header of the caller. */
  header(name: string): string | undefined {
    return headerOf(this.#headers, name)
  }

  /** Returns the caller's headers with these changes. */
  headers(changes: HeaderChanges): KeptHeaders {
    return withHeaders(this.#headers, changes)
  }

  /**
   * The arguments of the first request: the caller's own. The text of a URL object is used, because the object could
   * change.
   */
  first(options?: RequestInit): FetchArguments {
    const init: RequestInit = { headers: this.#headers, ...this.#init, ...options }
    if (!isAbsent(this.#body.first)) init.body = this.#body.first
    return [this.#request ?? this.resource.address, init]
  }

  /**
   * The arguments of a later request: the same method, headers and body, to `address`.
   *
   * @throws PaymentError `not_replayable`
   */
  async again(address: string, options?: RequestInit): Promise<FetchArguments> {
    const moved = address !== this.resource.address
    // A Request has only its own URL. For another URL, its other properties are passed as `init`.
    const { headers: _, body: __, ...own } = moved && this.#request ? copyInit(this.#request) : {}
    const init: RequestInit = { headers: this.#headers, ...own, ...this.#init, ...options }
    const body = await this.#body.again()
    if (!isAbsent(body)) init.body = body
    if (this.#body.made && isStream(body)) Reflect.set(init, 'duplex', 'half')
    return [moved ? address : (this.#request ?? address), init]
  }

  /**
   * The arguments of the same request without its body: after a redirect that turns the method into GET, or for a
   * separate request.
   */
  bare(address: string, method: string, options?: RequestInit): FetchArguments {
    const { headers: _, body: __, ...own } = this.#request ? copyInit(this.#request) : {}
    const headers = withoutBody(options?.headers ?? this.#headers)
    return [address, { ...own, ...this.#init, ...options, method, headers, ...noStore() }]
  }

  /** The stored part of its body. */
  get body(): KeptBody {
    return this.#body
  }
}

/** Copies an `init`, without Purser's own option. */
function copyInit(init: object | undefined): RequestInit {
  if (init === undefined || init === null) return {}
  const copy: Record<string, unknown> = { ...init }
  const parent: unknown = Object.getPrototypeOf(init)
  if (parent !== null && !isObjectPrototype(parent)) {
    for (const key of INIT_KEYS) {
      const value: unknown = Reflect.get(init, key)
      // Only browsers may use `navigate`; scripts may not.
      if (value !== undefined && value !== 'navigate') copy[key] = value
    }
  }
  delete copy['payment']
  return copy
}

function isAbsent(body: unknown): body is null | undefined {
  return body === null || body === undefined
}

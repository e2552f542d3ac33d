import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js'
import type { HttpResource } from '../protocol/index.js'
import { bodyBytes, bodyDigest, type KeepLimits, type KeptBody, keepBody, keepRequestBody } from './body.js'

/** Any `fetch`. */
export type FetchLike = (input: RequestInfo | URL, init?: RequestInit) => Promise<Response>

/** What a `fetch` is called with. */
export type FetchArguments = readonly [input: RequestInfo | URL, init: RequestInit]

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

/** Headers that describe a body: without one they go (Fetch, request-body-header names). */
const BODY_HEADERS = [
  'content-encoding',
  'content-language',
  'content-location',
  'content-type',
  'content-length',
]

const ACCEPT_PAYMENT = 'accept-payment'
const PLAIN_HTTP = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/

/** May a credential travel to this URL? https only; plain http on exactly `localhost`, 127/8 and `[::1]`. */
export function isConfidential(url: URL): boolean {
  return url.protocol === 'https:' || (url.protocol === 'http:' && PLAIN_HTTP.test(url.hostname))
}

/** A URL and a method, as what is bought there. The fragment never travels, so it is no part of it. */
export function resourceAt(url: URL, method: string): HttpResource {
  const hash = url.hash.length
  return {
    transport: 'http',
    vendor: url.origin,
    operation: `${method} ${url.pathname}`,
    address: hash === 0 ? url.href : url.href.slice(0, -hash),
    method,
    path: url.pathname,
  }
}

/**
 * What a call to `fetch` dials; undefined where nothing can ever be paid: no valid URL, a password in it, not
 * confidential. Then `fetch` itself says what is wrong, if anything is.
 *
 * @param page The address that relative URLs stand on, where there is one.
 */
export function dialled(
  input: RequestInfo | URL,
  init?: RequestInit,
  page?: string,
): HttpResource | undefined {
  const request = isRequest(input) ? input : undefined
  const method = String(init?.method ?? request?.method ?? 'GET').toUpperCase()
  return resourceOf(request ? request.url : String(input), method, page)
}

/** Agents call the same few addresses over and over: reading a URL costs more than all else that a free call costs. */
const known = new Map<string, HttpResource>()
const MOST_KNOWN = 256
const LONGEST_KNOWN = 2048

function resourceOf(address: string, method: string, page: string | undefined): HttpResource | undefined {
  const name = `${method} ${address} ${page}`
  const before = known.get(name)
  if (before) return before
  if (!URL.canParse(address, page)) return undefined
  const url = new URL(address, page)
  if (!isConfidential(url) || url.username !== '' || url.password !== '') return undefined
  const resource = Object.freeze(resourceAt(url, method))
  if (name.length > LONGEST_KNOWN) return resource
  if (known.size >= MOST_KNOWN) known.clear()
  known.set(name, resource)
  return resource
}

/** A `Request` of this runtime or of a `fetch` package beside it. */
export function isRequest(input: unknown): input is Request {
  return (
    typeof input === 'object' && input !== null && 'url' in input && 'headers' in input && 'clone' in input
  )
}

/**
 * A request that can be sent more than once: everything the caller could change, or that can be read only once, is
 * set aside before the first leg. The caller's objects are never written to.
 */
export class ReplayableRequest {
  readonly resource: HttpResource
  readonly #headers: Headers | Readonly<Record<string, string>>
  readonly #request: Request | undefined
  readonly #init: RequestInit
  readonly #body: KeptBody
  #fingerprint: Promise<string> | undefined

  /**
   * @param acceptPayment Sent as `Accept-Payment`, unless the caller sends one.
   * @throws TypeError where `fetch` would reject too: bad headers, a stream that was read, …; and for a body of a kind
   *   that nobody knows how to send twice.
   */
  constructor(
    input: RequestInfo | URL,
    init: RequestInit | undefined,
    resource: HttpResource,
    options: { readonly limits: KeepLimits; readonly acceptPayment?: string | undefined },
  ) {
    this.resource = resource
    this.#request = isRequest(input) ? input : undefined
    this.#init = copyInit(init)
    this.#headers = snapshot(this.#init.headers ?? this.#request?.headers, options.acceptPayment)
    const { body } = this.#init
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

  /** Does {@link forget} have anything to free? */
  get keepsBody(): boolean {
    return this.#body.forget !== undefined
  }

  /** One header of the caller's. */
  header(name: string): string | undefined {
    return headerOf(this.#headers, name)
  }

  /** The headers, to be changed: a copy. */
  headers(): Headers {
    return new Headers(this.#headers)
  }

  /** The first leg: the caller's own call. A URL object could be changed before it is sent: its text cannot. */
  first(options?: RequestInit): FetchArguments {
    const init: RequestInit = { ...this.#init, headers: this.#headers, ...options }
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
    const own = moved && this.#request ? copyInit(this.#request) : {}
    const { body: _, ...init } = { ...own, ...this.#init, headers: this.#headers, ...options }
    const body = await this.#body.again()
    return [moved ? address : (this.#request ?? address), isAbsent(body) ? init : { ...init, body }]
  }

  /** What a redirect makes of it that turns the method into GET. */
  asGet(address: string): FetchArguments {
    const own = this.#request ? copyInit(this.#request) : {}
    const { body: _, ...init } = { ...own, ...this.#init }
    const headers = this.headers()
    for (const name of BODY_HEADERS) headers.delete(name)
    return [address, { ...init, method: 'GET', headers, cache: 'no-store' }]
  }

  /** Method, address and body digest: the same for the same request in any process. */
  fingerprint(): Promise<string> {
    this.#fingerprint ??= fingerprintOf(this.resource, this.#body)
    return this.#fingerprint
  }

  /** The body as it goes over the wire; undefined for a form, which is encoded anew with every send. */
  async bytes(): Promise<Uint8Array<ArrayBuffer> | undefined> {
    return this.#body.exact ? bodyBytes(this.#body) : undefined
  }

  /** @throws PaymentError `not_replayable` */
  async assertReplayable(): Promise<void> {
    await this.#body.again()
  }

  /** There will be no other leg: what was kept of the body is freed. */
  forget(): void {
    this.#body.forget?.()
  }
}

/**
 * Headers as they are now, with `Accept-Payment` unless there is one. Plain objects stay plain: to make `Headers` of
 * them is `fetch`'s work, and would be done twice.
 */
function snapshot(
  headers: RequestInit['headers'],
  acceptPayment: string | undefined,
): Headers | Readonly<Record<string, string>> {
  const plain = headers === undefined || headers === null || isPlain(headers)
  const copy: Headers | Record<string, string> = plain ? { ...headers } : new Headers(headers)
  if (!acceptPayment || headerOf(copy, ACCEPT_PAYMENT) !== undefined) return copy
  if (copy instanceof Headers) copy.set(ACCEPT_PAYMENT, acceptPayment)
  else copy[ACCEPT_PAYMENT] = acceptPayment
  return copy
}

function headerOf(headers: Headers | Readonly<Record<string, string>>, name: string): string | undefined {
  if (headers instanceof Headers) return headers.get(name) ?? undefined
  for (const key in headers) {
    if (key.length === name.length && key.toLowerCase() === name) return String(headers[key])
  }
  return undefined
}

function isPlain(headers: HeadersInit): headers is Record<string, string> {
  const parent: unknown = Object.getPrototypeOf(headers)
  return parent === Object.prototype || parent === null
}

/** Method, address and body digest, hashed. */
export async function fingerprintOf(resource: HttpResource, body: KeptBody): Promise<string> {
  const digest = await bodyDigest(body)
  return bytesToHex(sha256(utf8ToBytes(`${resource.method}\n${resource.address}\n${digest}`)))
}

/** A copy of an `init`, without what is ours. */
function copyInit(init: object | undefined): RequestInit {
  if (init === undefined || init === null) return {}
  const copy: Record<string, unknown> = { ...init }
  const parent: unknown = Object.getPrototypeOf(init)
  if (parent !== Object.prototype && parent !== null) {
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

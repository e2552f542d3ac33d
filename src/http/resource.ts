import type { Reason } from '../errors/index.js'
import type { HttpResource } from '../protocol/index.js'

/** What `fetch` is called on. It is spelt out: `RequestInfo` is a name that only the DOM library has. */
export type FetchInput = string | URL | Request

/** Why a 402 from behind a redirect is not paid. */
export const ELSEWHERE: Reason = Object.freeze({
  rule: 'redirect',
  message:
    'The 402 came from behind a redirect. Purser pays only the origin that was called, over https, and after a redirect ' +
    'only GET and HEAD. Call the final address directly.',
})

/** Why a 402 is not paid if its request could not be copied. */
export const NOT_COPIED: Reason = Object.freeze({
  rule: 'request',
  message:
    'Purser could not copy this request, so it could not send it again with a payment. Give its headers as an object or ' +
    'a list of pairs, and its body as a text, bytes, a Blob, a FormData, URLSearchParams or a stream of bytes that was ' +
    'not read yet, or as a function that makes it: `init.payment.body` of fetch, `replayableBody` for undici.',
})

/** A reply's URL has no fragment (Fetch, `Response.url`); Bun leaves it on. */
export function withoutFragment(url: string): string {
  const hash = url.indexOf('#')
  return hash === -1 ? url : url.slice(0, hash)
}

const PLAIN_HTTP = /^((?:[a-z0-9_-]+\.)*localhost|127\.\d+\.\d+\.\d+|\[::1\])$/

/** May a credential travel to this URL? https only; plain http on `localhost` and below it, 127/8 and `[::1]` alone. */
export function isConfidential(url: URL): boolean {
  return url.protocol === 'https:' || (url.protocol === 'http:' && PLAIN_HTTP.test(url.hostname))
}

/** A URL and a method, as what is bought there. The fragment never travels, so it is no part of it. */
export function resourceAt(url: URL, method: string): HttpResource {
  const hash = url.hash.length
  const { pathname: path, origin: vendor } = url
  const address = hash === 0 ? url.href : url.href.slice(0, -hash)
  const resource = {
    transport: 'http',
    vendor,
    operation: `${method} ${path}`,
    address,
    method,
    path,
  } as const
  // Queries hold keys: events, refusals and requests for approval carry this, and loggers dump them.
  Object.defineProperty(resource, 'address', { enumerable: false })
  // Frozen: listeners and approvers see it before it is judged for the last time.
  return Object.freeze(resource)
}

/**
 * What a call to `fetch` dials; undefined where nothing can ever be paid: no valid URL, a password in it, not
 * confidential. Then `fetch` itself says what is wrong, if anything is.
 *
 * @param page The address that relative URLs stand on, where there is one.
 */
export function dialled(input: FetchInput, init?: RequestInit, page?: string): HttpResource | undefined {
  const request = isRequest(input) ? input : undefined
  const method = String(init?.method ?? request?.method ?? 'GET').toUpperCase()
  return resourceOf(request ? request.url : String(input), method, page)
}

/**
 * Agents call the same few addresses over and over: reading a URL costs more than all else that a free call costs. By
 * method and page first, so that the caller's own text is what is looked up, and no new one is made.
 */
const known = new Map<string, Map<string, HttpResource>>()
const MOST_PLACES = 16
const MOST_KNOWN = 256
const LONGEST_KNOWN = 2048

function resourceOf(address: string, method: string, page: string | undefined): HttpResource | undefined {
  const place = page === undefined ? method : `${method} ${page}`
  const before = known.get(place)?.get(address)
  if (before) return before
  if (!URL.canParse(address, page)) return undefined
  const url = new URL(address, page)
  if (!isConfidential(url) || url.username !== '' || url.password !== '') return undefined
  const resource = resourceAt(url, method)
  if (address.length + place.length <= LONGEST_KNOWN) remember(place, address, resource)
  return resource
}

function remember(place: string, address: string, resource: HttpResource): void {
  if (known.size >= MOST_PLACES) known.clear()
  const there = known.get(place) ?? new Map<string, HttpResource>()
  if (there.size >= MOST_KNOWN) there.clear()
  there.set(address, resource)
  known.set(place, there)
}

/** A `Request` of this runtime or of a `fetch` package beside it. */
export function isRequest(input: unknown): input is Request {
  return (
    typeof input === 'object' && input !== null && 'url' in input && 'headers' in input && 'clone' in input
  )
}

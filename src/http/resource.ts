import type { Reason } from '../errors/index.js'
import type { HttpResource } from '../protocol/index.js'

/** The first argument of `fetch`. It is written out because only the DOM library has `RequestInfo`. */
export type FetchInput = string | URL | Request

/** The reason for an unpaid 402 from behind a redirect. */
export const ELSEWHERE: Reason = Object.freeze({
  rule: 'redirect',
  message:
    'The 402 came from behind a redirect. Purser pays only the origin that was called, over https, and after a redirect ' +
    'only GET and HEAD. Call the final address directly.',
})

/** The reason for an unpaid 402 of a request that could not be copied. */
export const NOT_COPIED: Reason = Object.freeze({
  rule: 'request',
  message:
    'Purser could not copy this request, so it could not send it again with a payment. Give its headers as an object or ' +
    'a list of pairs, and its body as a text, bytes, a Blob, a FormData, URLSearchParams or a stream of bytes that was ' +
    'not read yet, or as a function that makes it: `init.payment.body` of fetch, `replayableBody` for undici.',
})

/** Removes the fragment from the URL of a reply. `Response.url` has none (Fetch), but Bun keeps it. */
export function withoutFragment(url: string): string {
  const hash = url.indexOf('#')
  return hash === -1 ? url : url.slice(0, hash)
}

const PLAIN_HTTP = /^((?:[a-z0-9_-]+\.)*localhost|127\.\d+\.\d+\.\d+|\[::1\])$/

/** Whether a credential may go to this URL: https, or http on `localhost`, its subdomains, 127/8 and `[::1]`. */
export function isConfidential(url: URL): boolean {
  return url.protocol === 'https:' || (url.protocol === 'http:' && PLAIN_HTTP.test(url.hostname))
}

/** Makes a resource of a URL and a method. The fragment is never sent, so it is no part of it. */
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
  // Queries contain keys. Events, refusals and requests for approval contain this object, and loggers print them.
  Object.defineProperty(resource, 'address', { enumerable: false })
  // Frozen: listeners and approvers see it before policy judges it for the last time.
  return Object.freeze(resource)
}

/**
 * Returns what a call to `fetch` dials. Undefined if it can never be paid: an invalid URL, a password in it, or no
 * confidential connection. Then `fetch` itself reports the error.
 *
 * @param page The address for relative URLs, if there is one.
 */
export function dialled(input: FetchInput, init?: RequestInit, page?: string): HttpResource | undefined {
  const request = isRequest(input) ? input : undefined
  const method = String(init?.method ?? request?.method ?? 'GET').toUpperCase()
  return resourceOf(request ? request.url : String(input), method, page)
}

/**
 * Programs call the same few addresses again and again, and parsing a URL is the largest cost of a free call. Keyed
 * by method and page first, so that the caller's own text is looked up without making a new one.
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

/** Whether it is a `Request` of this runtime or of a `fetch` package. */
export function isRequest(input: unknown): input is Request {
  return (
    typeof input === 'object' && input !== null && 'url' in input && 'headers' in input && 'clone' in input
  )
}

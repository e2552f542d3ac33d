import type { Dispatcher } from 'undici'
import { BODY_HEADERS, isConfidential, resourceAt } from '../http/index.js'
import type { HttpResource } from '../protocol/index.js'

/** Request headers in the form that every interceptor understands. */
export type RequestHeaders = Record<string, string | string[]>

/**
 * Returns what a dispatch dials. Undefined if it can never be paid.
 *
 * @param only The one origin that the dispatcher below dials, for every request.
 */
export function dialled(options: Dispatcher.DispatchOptions, only?: string): HttpResource | undefined {
  const { path, query, method, upgrade } = options
  const origin = options.origin ?? only
  if (only !== undefined && originOf(origin) !== only) return undefined
  if (origin === undefined || typeof path !== 'string' || upgrade || method === 'CONNECT') return undefined
  const base = originOf(origin)
  // Not resolved against the origin: `//elsewhere/` is a path here, and is sent as one.
  if (base === undefined || !path.startsWith('/') || !URL.canParse(base + path)) return undefined
  const url = new URL(base + path)
  // undici sends paths unchanged. If a URL would be written differently, policy would judge another path.
  if (!isConfidential(url) || url.pathname !== path.split(/[?#]/, 1)[0]) return undefined
  for (const [name, value] of Object.entries(query ?? {})) {
    for (const one of Array.isArray(value) ? value : [value]) url.searchParams.append(name, String(one))
  }
  return resourceAt(url, String(method).toUpperCase())
}

/** Undefined if it is not an origin. */
export function originOf(origin: unknown): string | undefined {
  return URL.canParse(String(origin)) ? new URL(String(origin)).origin : undefined
}

/**
 * Copies the headers of a dispatch.
 *
 * @throws TypeError if they are not headers.
 */
export function copyHeaders(headers: Dispatcher.DispatchOptions['headers']): RequestHeaders {
  // Without a prototype: `constructor` and `__proto__` are ordinary header names.
  const copy: RequestHeaders = Object.create(null)
  for (const [name, value] of pairsOf(headers)) {
    if (value === undefined || value === null) continue
    const key = findName(copy, name) ?? name
    const before = copy[key]
    const now = Array.isArray(value) ? value.map(String) : String(value)
    copy[key] = before === undefined ? now : [before, now].flat()
  }
  return copy
}

/** Returns one header, in any case of its name. */
export function header(headers: RequestHeaders, name: string): string | undefined {
  const key = findName(headers, name)
  const value = key === undefined ? undefined : headers[key]
  return Array.isArray(value) ? value.join(', ') : value
}

/** Whether this header would be sent as several fields. */
export function isRepeated(headers: RequestHeaders, name: string): boolean {
  const value = headers[findName(headers, name) ?? name]
  return Array.isArray(value) && value.length > 1
}

/** Returns the headers with this one as the only one of its name. */
export function withHeader(headers: RequestHeaders, name: string, value: string): RequestHeaders {
  const { [findName(headers, name) ?? name]: _, ...rest } = headers
  return { ...rest, [name]: value }
}

export function withoutHeader(headers: RequestHeaders, name: string): RequestHeaders {
  const { [findName(headers, name) ?? name]: _, ...rest } = headers
  return rest
}

/** Returns the headers for a request without a body. */
export function withoutBody(headers: RequestHeaders): RequestHeaders {
  return BODY_HEADERS.reduce(withoutHeader, headers)
}

function findName(headers: RequestHeaders, name: string): string | undefined {
  const wanted = name.toLowerCase()
  return Object.keys(headers).find((key) => key.toLowerCase() === wanted)
}

/** Reads headers that are an object, a flat list of names and values, or an iterable of pairs. */
function* pairsOf(headers: Dispatcher.DispatchOptions['headers']): Generator<readonly [string, unknown]> {
  if (headers === null || headers === undefined) return
  if (typeof headers !== 'object') throw new TypeError('Headers must be an object or a list.')
  if (Array.isArray(headers) && !Array.isArray(headers[0])) {
    for (let at = 0; at + 1 < headers.length; at += 2) yield [String(headers[at]), headers[at + 1]]
    return
  }
  const pairs: Iterable<unknown> = Symbol.iterator in headers ? headers : Object.entries(headers)
  for (const pair of pairs) {
    if (!Array.isArray(pair)) throw new TypeError('Headers must be pairs of a name and a value.')
    yield [String(pair[0]), pair[1]]
  }
}

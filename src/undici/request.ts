import type { Dispatcher } from 'undici'
import { BODY_HEADERS, isConfidential, resourceAt } from '../http/index.js'
import type { HttpResource } from '../protocol/index.js'

/** Request headers in the one form that every interceptor understands. */
export type RequestHeaders = Record<string, string | string[]>

/**
 * What a dispatch dials; undefined where nothing can ever be paid.
 *
 * @param only The one origin that the dispatcher beneath dials, whatever a request names.
 */
export function dialled(options: Dispatcher.DispatchOptions, only?: string): HttpResource | undefined {
  const { path, query, method, upgrade } = options
  const origin = options.origin ?? only
  if (only !== undefined && originOf(origin) !== only) return undefined
  if (origin === undefined || typeof path !== 'string' || upgrade || method === 'CONNECT') return undefined
  const base = originOf(origin)
  // Not resolved against the origin: `//elsewhere/` is a path here, and goes over the wire as one.
  if (base === undefined || !path.startsWith('/') || !URL.canParse(base + path)) return undefined
  const url = new URL(base + path)
  // undici sends paths as they are. One that a URL would spell differently is not the path that policy would judge.
  if (!isConfidential(url) || url.pathname !== path.split(/[?#]/, 1)[0]) return undefined
  for (const [name, value] of Object.entries(query ?? {})) {
    for (const one of Array.isArray(value) ? value : [value]) url.searchParams.append(name, String(one))
  }
  return resourceAt(url, String(method).toUpperCase())
}

/** Undefined for what is none. */
export function originOf(origin: unknown): string | undefined {
  return URL.canParse(String(origin)) ? new URL(String(origin)).origin : undefined
}

/**
 * A copy of a dispatch's headers.
 *
 * @throws TypeError if they are none.
 */
export function copyHeaders(headers: Dispatcher.DispatchOptions['headers']): RequestHeaders {
  // Without a prototype: `constructor` and `__proto__` are names of headers like any other.
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

/** One header, whatever its case. */
export function header(headers: RequestHeaders, name: string): string | undefined {
  const key = findName(headers, name)
  const value = key === undefined ? undefined : headers[key]
  return Array.isArray(value) ? value.join(', ') : value
}

/** Would this header be sent as several fields? */
export function isRepeated(headers: RequestHeaders, name: string): boolean {
  const value = headers[findName(headers, name) ?? name]
  return Array.isArray(value) && value.length > 1
}

/** The headers with this one as the only one of its name. */
export function withHeader(headers: RequestHeaders, name: string, value: string): RequestHeaders {
  const { [findName(headers, name) ?? name]: _, ...rest } = headers
  return { ...rest, [name]: value }
}

export function withoutHeader(headers: RequestHeaders, name: string): RequestHeaders {
  const { [findName(headers, name) ?? name]: _, ...rest } = headers
  return rest
}

/** The headers for a request that has no body. */
export function withoutBody(headers: RequestHeaders): RequestHeaders {
  return BODY_HEADERS.reduce(withoutHeader, headers)
}

function findName(headers: RequestHeaders, name: string): string | undefined {
  const wanted = name.toLowerCase()
  return Object.keys(headers).find((key) => key.toLowerCase() === wanted)
}

/** Headers come as an object, as a flat list of names and values, or as anything that iterates pairs. */
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

import { isObjectPrototype } from '../util/objects.js'
/** Copied headers, which nothing changes. */
export type KeptHeaders = Headers | Readonly<Record<string, string>>

const ACCEPT_PAYMENT = 'accept-payment'

/** Headers that describe a body. A request without a body loses them (Fetch, request-body-header names). */
export const BODY_HEADERS: readonly string[] = [
  'content-encoding',
  'content-language',
  'content-location',
  'content-type',
  'content-length',
]

/** Copies headers for a request without its body. */
export function withoutBody(headers: HeadersInit | KeptHeaders): Headers {
  const copy = new Headers(headers)
  for (const name of BODY_HEADERS) copy.delete(name)
  return copy
}

/**
 * Copies headers as they are now, and adds `Accept-Payment` if it is missing. Plain objects stay plain, because
 * `fetch` makes `Headers` of them anyway.
 */
export function snapshot(headers: RequestInit['headers'], acceptPayment: string | undefined): KeptHeaders {
  const plain = headers === undefined || headers === null || isPlain(headers)
  if (plain) {
    if (!acceptPayment || headerOf(headers ?? {}, ACCEPT_PAYMENT) !== undefined) return { ...headers }
    // In this order: to add a property to the copy of an object costs V8 ten times as much.
    return { [ACCEPT_PAYMENT]: acceptPayment, ...headers }
  }
  const copy = new Headers(headers)
  if (acceptPayment && !copy.has(ACCEPT_PAYMENT)) copy.set(ACCEPT_PAYMENT, acceptPayment)
  return copy
}

/** Headers to set, by lower-case name. Undefined removes one. */
export type HeaderChanges = Readonly<Record<string, string | undefined>>

/** Copies headers with these changes, for any case of the earlier names. Plain objects stay plain here too. */
export function withHeaders(headers: KeptHeaders, changes: HeaderChanges): KeptHeaders {
  const copy: Headers | Record<string, string> =
    headers instanceof Headers ? new Headers(headers) : { ...headers }
  if (!(copy instanceof Headers))
    for (const name in copy) if (Object.hasOwn(changes, name.toLowerCase())) delete copy[name]
  for (const [name, value] of Object.entries(changes)) {
    if (!(copy instanceof Headers)) {
      if (value !== undefined) copy[name] = value
    } else if (value === undefined) copy.delete(name)
    else copy.set(name, value)
  }
  return copy
}

/** Returns one header, for any case of its name. */
export function headerOf(headers: KeptHeaders, name: string): string | undefined {
  if (headers instanceof Headers) return headers.get(name) ?? undefined
  for (const key in headers) {
    if (key.length === name.length && key.toLowerCase() === name) return String(headers[key])
  }
  return undefined
}

function isPlain(headers: HeadersInit): headers is Record<string, string> {
  const parent: unknown = Object.getPrototypeOf(headers)
  return parent === null || isObjectPrototype(parent)
}

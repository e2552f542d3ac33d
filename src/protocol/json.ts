import { decodeBase64url } from './base64url.js'
import { ProtocolError } from './protocol-error.js'
import type { Json, JsonObject } from './types.js'

/** How much JSON from a server is read at all. */
export interface JsonLimits {
  /** Characters of text. */
  readonly length: number
  /** Objects and arrays inside each other; the outermost counts as one. */
  readonly depth: number
}

/** Deep enough for every method's request, shallow enough for any recursive reader. */
export const JSON_LIMITS: JsonLimits = Object.freeze({ length: 64 * 1024, depth: 16 })

// `ignoreBOM` keeps a byte order mark in the text, where JSON.parse refuses it.
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * A JSON object from untrusted text, frozen to its depths.
 *
 * A key `__proto__` is refused rather than carried: it is harmless here and a trap for whoever copies the object.
 * Any other inherited name (`constructor`, …) is an ordinary own property.
 *
 * @throws ProtocolError `json_too_large`, `bad_json`, `not_an_object`, `json_too_deep` or `unsafe_key`.
 */
export function parseJsonObject(text: string, limits: JsonLimits = JSON_LIMITS): JsonObject {
  if (text.length > limits.length)
    throw new ProtocolError('json_too_large', `The JSON is longer than ${limits.length} characters`)
  const value = parseJson(text)
  if (!isObject(value)) throw new ProtocolError('not_an_object', 'The JSON is not an object')
  seal(value, limits.depth)
  return value
}

/**
 * {@link parseJsonObject} behind strict base64url.
 *
 * @throws ProtocolError as there, or `bad_base64url`, `bad_utf8`.
 */
export function decodeJsonObject(encoded: string, limits: JsonLimits = JSON_LIMITS): JsonObject {
  const bytes = decodeBase64url(encoded)
  if (bytes === undefined) throw new ProtocolError('bad_base64url', 'Not base64url without padding')
  return parseJsonObject(decodeUtf8(bytes), limits)
}

function decodeUtf8(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes)
  } catch {
    // The decoder has one way to fail, and its message says no more than this code.
    throw new ProtocolError('bad_utf8', 'Not UTF-8')
  }
}

function parseJson(text: string): Json {
  try {
    const value: Json = JSON.parse(text)
    return value
  } catch {
    // The parser's message quotes the text, so it is not kept as a cause.
    throw new ProtocolError('bad_json', 'Not JSON')
  }
}

function isObject(value: Json): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function seal(value: Json, depth: number): void {
  if (typeof value !== 'object' || value === null) return
  if (depth === 0) throw new ProtocolError('json_too_deep', 'The JSON is nested too deeply')
  if (Object.hasOwn(value, '__proto__')) throw new ProtocolError('unsafe_key', 'The JSON has a key __proto__')
  for (const item of Object.values(value)) seal(item, depth - 1)
  // What the server left out is absent, whatever somebody put on Object.prototype.
  if (!Array.isArray(value)) Object.setPrototypeOf(value, null)
  Object.freeze(value)
}

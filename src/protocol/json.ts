import { clean } from '../errors/index.js'
import { isObject } from '../util/objects.js'
import { decodeBase64url } from './base64url.js'
import { ProtocolError } from './protocol-error.js'
import type { Json, JsonObject } from './types.js'

/** Limits for parsing JSON from a server. */
export interface JsonLimits {
  /** The maximum of characters. */
  readonly length: number
  /** The maximum nesting of objects and arrays. The outermost counts as one. */
  readonly depth: number
}

/** Deep enough for every method's request, shallow enough for any recursive reader. */
export const JSON_LIMITS: JsonLimits = Object.freeze({ length: 64 * 1024, depth: 16 })

// `ignoreBOM` keeps a byte order mark in the text, and JSON.parse then refuses it.
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * Parses a JSON object from untrusted text and freezes it deeply.
 *
 * A key `__proto__` is refused: it is harmless in this object, but dangerous to code that copies the object. Any other
 * inherited name (`constructor`, …) becomes an ordinary own property.
 *
 * @throws ProtocolError `json_too_large`, `bad_json`, `not_an_object`, `json_too_deep` or `unsafe_key`.
 * @example
 * ```ts
 * parseJsonObject('{"amount":"10000"}')['amount'] // '10000'
 * ```
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
 * Reads a message that Purser does not depend on: a receipt or a problem.
 *
 * @returns Undefined if the message is malformed.
 */
export function readLeniently<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch (error) {
    if (error instanceof ProtocolError) return undefined
    throw error
  }
}

/** Reads a text of the server and cleans it. Undefined for any other value. */
export function cleanTextAt(message: JsonObject, name: string): string | undefined {
  const value = message[name]
  return typeof value === 'string' ? clean(value) : undefined
}

/**
 * Copies a JSON object that a transport has parsed already, with the checks of {@link parseJsonObject}. The copy shares
 * nothing with the original, so a later change of the original changes nothing.
 *
 * @throws ProtocolError as there.
 */
export function copyJsonObject(value: unknown, limits: JsonLimits = JSON_LIMITS): JsonObject {
  let text: unknown
  try {
    text = JSON.stringify(value)
  } catch {
    // Circles, BigInts and values that are nested too deeply for the stack are not JSON.
  }
  if (typeof text !== 'string') throw new ProtocolError('bad_json', 'Not JSON')
  return parseJsonObject(text, limits)
}

/**
 * Decodes strict base64url and parses it with {@link parseJsonObject}.
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
    // The decoder can fail in one way only, and its message adds nothing to this code.
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

function seal(value: Json, depth: number): void {
  if (typeof value !== 'object' || value === null) return
  if (depth === 0) throw new ProtocolError('json_too_deep', 'The JSON is nested too deeply')
  if (Object.hasOwn(value, '__proto__')) throw new ProtocolError('unsafe_key', 'The JSON has a key __proto__')
  for (const item of Object.values(value)) seal(item, depth - 1)
  // A key that the server left out reads as absent, even if Object.prototype is polluted.
  if (!Array.isArray(value)) Object.setPrototypeOf(value, null)
  Object.freeze(value)
}

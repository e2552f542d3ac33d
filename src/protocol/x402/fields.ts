import { clean } from '../../errors/index.js'
import { ProtocolError, type ProtocolErrorCode } from '../protocol-error.js'
import type { Json, JsonObject } from '../types.js'

export function refuse(code: ProtocolErrorCode, message: string): never {
  throw new ProtocolError(code, message)
}

/** An object; undefined for anything else, an explicit null included. */
export function objectAt(parent: JsonObject, name: string): JsonObject | undefined {
  const value = own(parent, name)
  return isObject(value) ? value : undefined
}

/** A list; undefined for anything else, an explicit null included. */
export function listAt(parent: JsonObject, name: string): readonly Json[] | undefined {
  const value = own(parent, name)
  return isList(value) ? value : undefined
}

/** A text with something in it; undefined for anything else. */
export function textAt(parent: JsonObject, name: string): string | undefined {
  const value = own(parent, name)
  return typeof value === 'string' && value !== '' ? value : undefined
}

/** The server's words, cleaned; undefined where nothing is left of them. */
export function wordsAt(parent: JsonObject | undefined, name: string): string | undefined {
  const words = clean((parent && textAt(parent, name)) ?? '')
  return words === '' ? undefined : words
}

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !isList(value)
}

function isList(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value)
}

/** Only what the server wrote: `constructor` and its like are inherited by every object. */
function own(parent: JsonObject, name: string): Json | undefined {
  return Object.hasOwn(parent, name) ? parent[name] : undefined
}

import { clean } from '../../errors/index.js'
import { isList, isObject } from '../../util/objects.js'
import { ProtocolError, type ProtocolErrorCode } from '../protocol-error.js'
import type { Json, JsonObject } from '../types.js'

export function refuse(code: ProtocolErrorCode, message: string): never {
  throw new ProtocolError(code, message)
}

/** Reads an object; undefined for any other value, including null. */
export function objectAt(parent: JsonObject, name: string): JsonObject | undefined {
  const value = own(parent, name)
  return isObject(value) ? value : undefined
}

/** Reads a list; undefined for any other value, including null. */
export function listAt(parent: JsonObject, name: string): readonly Json[] | undefined {
  const value = own(parent, name)
  return isList(value) ? value : undefined
}

/** Reads a non-empty text; undefined for any other value. */
export function textAt(parent: JsonObject, name: string): string | undefined {
  const value = own(parent, name)
  return typeof value === 'string' && value !== '' ? value : undefined
}

/** Reads a text of the server and cleans it; undefined if nothing is left. */
export function wordsAt(parent: JsonObject | undefined, name: string): string | undefined {
  const words = clean((parent && textAt(parent, name)) ?? '')
  return words === '' ? undefined : words
}

/** Reads own properties only: every object inherits `constructor` and others. */
function own(parent: JsonObject, name: string): Json | undefined {
  return Object.hasOwn(parent, name) ? parent[name] : undefined
}

import { clean } from '../../errors/index.js'
import { isList, isObject } from '../../util/objects.js'
import type { Json, JsonObject } from '../types.js'

/**
 * Returns an object, or an empty one. Real documents differ from every specification, so a value of the wrong type
 * counts as absent.
 */
export function objectOf(value: Json | undefined): JsonObject {
  return isObject(value) ? value : {}
}

export function listOf(value: Json | undefined): readonly Json[] {
  return isList(value) ? value : []
}

export function textOf(value: Json | undefined, most: number): string | undefined {
  return typeof value === 'string' && value !== '' && value.length <= most ? value : undefined
}

/** Returns a name used by a payment network, cleaned, because it may be shown to people. */
export function nameOf(value: Json | undefined): string | undefined {
  return typeof value === 'string' && /^[!-~]{1,100}$/.test(value) ? value : undefined
}

export function wordsOf(value: Json | undefined): string | undefined {
  const words = typeof value === 'string' ? clean(value) : ''
  return words === '' ? undefined : words
}

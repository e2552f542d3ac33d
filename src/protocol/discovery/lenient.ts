import { clean } from '../../errors/index.js'
import { isObject } from '../../util/objects.js'
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

/** Returns a text unchanged if it is not longer than the limit. */
export function textOf(value: Json | undefined, most: number): string | undefined {
  return typeof value === 'string' && value !== '' && value.length <= most ? value : undefined
}

/** Returns a name used by a payment network, cleaned, because it may be shown to people. */
export function nameOf(value: Json | undefined): string | undefined {
  return typeof value === 'string' && /^[!-~]{1,100}$/.test(value) ? value : undefined
}

/** Returns a cleaned text for people. */
export function wordsOf(value: Json | undefined): string | undefined {
  const words = typeof value === 'string' ? clean(value) : ''
  return words === '' ? undefined : words
}

/** Parses an integer in decimal text, as a challenge has it; at most an EVM word. */
export function amountOf(value: Json | undefined): bigint | undefined {
  if (typeof value !== 'string' || !/^(0|[1-9][0-9]{0,77})$/.test(value)) return undefined
  const amount = BigInt(value)
  return amount < 2n ** 256n ? amount : undefined
}

function isList(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value)
}

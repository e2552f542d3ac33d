import { clean } from '../../errors/index.js'
import type { Json, JsonObject } from '../types.js'

/** Documents in the wild differ from every specification: what has the wrong type is as good as absent. */
export function objectOf(value: Json | undefined): JsonObject {
  return typeof value === 'object' && value !== null && !isList(value) ? value : {}
}

export function listOf(value: Json | undefined): readonly Json[] {
  return isList(value) ? value : []
}

/** Text as it came, if it is short enough to be what it is meant to be. */
export function textOf(value: Json | undefined, most: number): string | undefined {
  return typeof value === 'string' && value !== '' && value.length <= most ? value : undefined
}

/** A name of something on a rail, which may turn up in what people are told. */
export function nameOf(value: Json | undefined): string | undefined {
  return typeof value === 'string' && /^[!-~]{1,100}$/.test(value) ? value : undefined
}

/** Text for people. */
export function wordsOf(value: Json | undefined): string | undefined {
  const words = typeof value === 'string' ? clean(value) : ''
  return words === '' ? undefined : words
}

/** An integer in decimal text, as a challenge has it; no larger than an EVM word. */
export function amountOf(value: Json | undefined): bigint | undefined {
  if (typeof value !== 'string' || !/^(0|[1-9][0-9]{0,77})$/.test(value)) return undefined
  const amount = BigInt(value)
  return amount < 2n ** 256n ? amount : undefined
}

function isList(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value)
}

import type { Json } from '../../protocol/index.js'
import { type Hex, lower } from '../chain/index.js'

const MAX_AMOUNT = 2n ** 256n - 1n

/**
 * Reads a base-10 integer above zero in a string: no sign, exponent, fraction, separator or leading zero; at most an
 * EVM word.
 */
export function readAmount(value: Json | undefined): bigint | undefined {
  if (typeof value !== 'string' || !/^[1-9][0-9]{0,77}$/.test(value)) return undefined
  const amount = BigInt(value)
  return amount <= MAX_AMOUNT ? amount : undefined
}

/** Reads an address in lower case. The zero address is refused. */
export function readAddress(value: Json | undefined): Hex | undefined {
  if (typeof value !== 'string' || !/^0x[0-9a-fA-F]{40}$/.test(value)) return undefined
  return /^0x0{40}$/.test(value) ? undefined : lower(value)
}

/** Reads the number of a chain in the namespace `eip155` (CAIP-2). */
export function readChain(network: string | undefined): number | undefined {
  const [, digits] = /^eip155:([1-9][0-9]{0,15})$/.exec(network ?? '') ?? []
  return digits === undefined ? undefined : Number(digits)
}

export function textOf(value: Json | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined
}

/** Servers in other languages write null for absent fields. */
export function isAbsent(value: Json | undefined): value is null | undefined {
  return value === undefined || value === null
}

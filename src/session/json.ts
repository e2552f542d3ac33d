import type { Json, JsonObject } from '../protocol/index.js'
import type { Hex } from '../wallet/tempo/index.js'

/** Reads an address in lower case; undefined for any other value and for the zero address. */
export function readAddress(value: Json | undefined): Hex | undefined {
  const address = readHex(value, 20)
  return address === undefined || address === NOBODY ? undefined : address
}

/** The zero address, in fields where an address is optional. */
export const NOBODY: Hex = `0x${'0'.repeat(40)}`

/** Reads hexadecimal text in lower case; if a length is given, exactly that many bytes. */
export function readHex(value: Json | undefined, bytes?: number): Hex | undefined {
  if (typeof value !== 'string' || !/^0x[0-9a-fA-F]*$/.test(value)) return undefined
  if (bytes !== undefined && value.length !== 2 + 2 * bytes) return undefined
  return `0x${value.slice(2).toLowerCase()}`
}

/** Reads a base-10 integer in a string: no sign, exponent, fraction, separator or leading zero. */
export function readAmount(value: Json | undefined): bigint | undefined {
  return typeof value === 'string' && /^(?:0|[1-9][0-9]{0,38})$/.test(value) ? BigInt(value) : undefined
}

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

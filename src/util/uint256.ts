const MAX = 2n ** 256n - 1n

/**
 * Reads a base-10 integer in a string: no sign, exponent, fraction, separator or leading zero; at most an EVM word.
 * Undefined for any other value.
 */
export function readUint256(value: unknown): bigint | undefined {
  if (typeof value !== 'string' || !/^(?:0|[1-9][0-9]{0,77})$/.test(value)) return undefined
  const number = BigInt(value)
  return number <= MAX ? number : undefined
}

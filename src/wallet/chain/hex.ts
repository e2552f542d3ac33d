/** Hexadecimal text. */
export type Hex = `0x${string}`

/** Lower-cases a text, as addresses and hashes are compared. */
export function lower(text: string): Hex {
  return `0x${text.slice(2).toLowerCase()}`
}

/** Reads an address in lower case. Undefined for any other value, and for the zero address. */
export function readAddress(value: unknown): Hex | undefined {
  if (typeof value !== 'string' || !/^0x[0-9a-fA-F]{40}$/.test(value)) return undefined
  return /^0x0{40}$/.test(value) ? undefined : lower(value)
}

/**
 * Normalizes the last byte of a secp256k1 signature to 27 or 28, as contracts require and as nodes do before they hash
 * it. Some signers write 0 or 1.
 */
export function withRecovery(signature: Hex): Hex {
  if (signature.length !== 132) return signature
  const last = signature.slice(130)
  if (last !== '00' && last !== '01') return signature
  return `0x${signature.slice(2, 130)}${last === '00' ? '1b' : '1c'}`
}

/** Pads a value to the 32-byte word of a topic or an argument. */
export function word(value: Hex | bigint): Hex {
  const digits = typeof value === 'bigint' ? value.toString(16) : value.slice(2).toLowerCase()
  return `0x${digits.padStart(64, '0')}`
}

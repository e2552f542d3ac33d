/** Hexadecimal text. */
export type Hex = `0x${string}`

/** Lower-cases a text, as addresses and hashes are compared. */
export function lower(text: string): Hex {
  return `0x${text.slice(2).toLowerCase()}`
}

/** Pads a value to the 32-byte word of a topic or an argument. */
export function word(value: Hex | bigint): Hex {
  const digits = typeof value === 'bigint' ? value.toString(16) : value.slice(2).toLowerCase()
  return `0x${digits.padStart(64, '0')}`
}

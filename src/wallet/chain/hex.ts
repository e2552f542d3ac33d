/** Hexadecimal text. */
export type Hex = `0x${string}`

/** Lower-cases a text, as addresses and hashes are compared. */
export function lower(text: string): Hex {
  return `0x${text.slice(2).toLowerCase()}`
}

/** Pads a value to the 32-byte word of a topic or an argument. */
export function word(value: Hex | bigint): Hex {
  return `0x${BigInt(value).toString(16).padStart(64, '0')}`
}

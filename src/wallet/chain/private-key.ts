import type { Hex } from './hex.js'

/** The order of the secp256k1 group. A private key is a number from 1 to below it. */
const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n

/**
 * Parses a private key from its stored text, such as an environment variable: 64 hexadecimal digits, with or without
 * `0x`, and with surrounding white space.
 *
 * @param text - The text. Undefined (an environment variable that is not set) is refused.
 * @returns The key in the form that viem's `privateKeyToAccount` takes.
 * @throws TypeError if the text is not a private key. The error says what is wrong and never quotes the text, which may
 *   be a key.
 * @example
 * ```ts
 * import { parsePrivateKey, tempo } from 'purser/wallet/tempo'
 * import { privateKeyToAccount } from 'viem/accounts'
 *
 * const wallet = tempo({ account: privateKeyToAccount(parsePrivateKey(process.env.TEMPO_KEY)) })
 * ```
 */
export function parsePrivateKey(text: string | undefined): Hex {
  if (text === undefined || (typeof text === 'string' && text.trim() === ''))
    throw new TypeError(
      'There is no private key to read: is the environment variable that should hold it set?',
    )
  const digits = typeof text === 'string' ? /^\s*(?:0x)?([0-9a-f]{64})\s*$/i.exec(text)?.[1] : undefined
  if (digits === undefined)
    throw new TypeError(
      `A private key has 64 hexadecimal digits, with 0x before them or not. This is ${what(text)}.`,
    )
  const number = BigInt(`0x${digits}`)
  if (number === 0n || number >= ORDER)
    throw new TypeError('This is not a private key: as a number it is zero or too large. Create a new one.')
  return `0x${digits}`
}

/** Describes a text that is not a key, without quoting it. */
function what(text: unknown): string {
  if (typeof text !== 'string') return `not a string but ${text === null ? 'null' : `a ${typeof text}`}`
  const trimmed = text.trim()
  if (/^(?:0x)?[0-9a-f]{40}$/i.test(trimmed)) return 'as long as an address'
  if (trimmed.split(/\s+/).length >= 12)
    return 'several words: a phrase is read by mnemonicToAccount of viem/accounts'
  return `a text of ${trimmed.length} characters`
}

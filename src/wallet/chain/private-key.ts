import type { Hex } from './hex.js'

/** The order of the group of secp256k1: a private key is a number from 1 to below it. */
const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n

/**
 * Reads a private key from where keys are kept, such as an environment variable: 64 hexadecimal digits, with or without
 * `0x`, and with white space around them.
 *
 * @param text - The text. Undefined, as a variable that is not set, is refused.
 * @returns The key as viem's `privateKeyToAccount` takes it.
 * @throws TypeError for anything else. It says what is wrong and never quotes the text, which may be a key.
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
    throw new TypeError('This is no private key: as a number it is zero or too large. Make a new one.')
  return `0x${digits}`
}

/** What a text is instead of a key, without a word of it. */
function what(text: unknown): string {
  if (typeof text !== 'string') return `no text but ${text === null ? 'null' : `a ${typeof text}`}`
  const trimmed = text.trim()
  if (/^(?:0x)?[0-9a-f]{40}$/i.test(trimmed)) return 'as long as an address'
  if (trimmed.split(/\s+/).length >= 12)
    return 'several words: a phrase is read by mnemonicToAccount of viem/accounts'
  return `a text of ${trimmed.length} characters`
}

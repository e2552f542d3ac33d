import { secp256k1 } from '@noble/curves/secp256k1'
import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, concatBytes, hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js'

const ALPHABET = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l'
/** 512 bits of signature and eight of recovery id, five bits per character. */
const SIGNATURE_LETTERS = 104
const CHECKSUM_LETTERS = 6

/**
 * Returns the key that signed an invoice: the key of its `n` field if that key signed, otherwise the recovered key. The
 * text was decoded before, so its characters and its checksum are valid. Undefined if the signature is invalid.
 */
export function signerOf(invoice: string, signature: string, named: string | undefined): string | undefined {
  try {
    const hash = sha256(signedPart(invoice))
    const compact = hexToBytes(signature.slice(0, 128))
    // BOLT 11: with `n`, the signature must be of the low-S kind, and no key is recovered.
    if (named !== undefined) return secp256k1.verify(compact, hash, hexToBytes(named)) ? named : undefined
    const recovery = Number.parseInt(signature.slice(128), 16)
    const key = secp256k1.Signature.fromCompact(compact).addRecoveryBit(recovery).recoverPublicKey(hash)
    return bytesToHex(key.toRawBytes(true))
  } catch {
    return undefined
  }
}

/** BOLT 11: the human-readable part in UTF-8, and the data up to the signature as bytes, padded with zero bits. */
function signedPart(invoice: string): Uint8Array {
  const at = invoice.lastIndexOf('1')
  const data = invoice.slice(at + 1, -(SIGNATURE_LETTERS + CHECKSUM_LETTERS))
  return concatBytes(utf8ToBytes(invoice.slice(0, at)), bytesOf(data))
}

function bytesOf(letters: string): Uint8Array {
  const bytes: number[] = []
  let bits = 0
  let value = 0
  for (const letter of letters) {
    value = ((value << 5) | ALPHABET.indexOf(letter)) & 0xfff
    bits += 5
    if (bits < 8) continue
    bits -= 8
    bytes.push((value >> bits) & 0xff)
  }
  if (bits > 0) bytes.push((value << (8 - bits)) & 0xff)
  return Uint8Array.from(bytes)
}

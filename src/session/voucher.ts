import { hexToBytes, keccak256, recoverAddress, stringToBytes } from 'viem/utils'
import type { Hex } from '../wallet/tempo/index.js'
import type { Protocol } from './challenge.js'
import { channelIdOf, type Identity, word } from './identity.js'

const hashOf = (text: string): Hex => keccak256(stringToBytes(text))

const DOMAIN = hashOf('EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)')
const VERSION = hashOf('1')
/** draft-tempo-session-00, "Type Definitions" and "Domain Separator". */
const NAMES: Readonly<Record<Protocol, Hex>> = {
  v1: hashOf('Tempo Stream Channel'),
  v2: hashOf('TIP20 Channel Reserve'),
}
const TYPES: Readonly<Record<Protocol, Hex>> = {
  v1: hashOf('Voucher(bytes32 channelId,uint128 cumulativeAmount)'),
  v2: hashOf('Voucher(bytes32 channelId,uint96 cumulativeAmount)'),
}

/** The hash input of a voucher, with the positions of the total and of the struct's hash. */
interface Frame {
  readonly struct: Uint8Array
  readonly total: DataView
  readonly message: Uint8Array
}

/** A cache: all constant parts of a voucher are laid out once, which leaves two hashes per voucher. */
const frames = new WeakMap<Identity, Frame>()

function frameOf(identity: Identity): Frame {
  const known = frames.get(identity)
  if (known !== undefined) return known
  const { protocol, chainId, escrow } = identity
  const words = [word(NAMES[protocol]), word(VERSION), word(chainId.toString(16)), word(escrow)]
  const struct = hexToBytes(`${TYPES[protocol]}${channelIdOf(identity).slice(2)}${word('')}`)
  const domain = keccak256(`${DOMAIN}${words.join('')}`)
  const message = hexToBytes(`0x1901${domain.slice(2)}${word('')}`)
  // A total has at most 128 bits: the upper half of its word stays zero.
  const frame = { struct, total: new DataView(struct.buffer, struct.byteOffset + 80, 16), message }
  frames.set(identity, frame)
  return frame
}

/** Returns the hash that the voucher key signs for a running total on this channel (EIP-712). */
export function voucherHash(identity: Identity, total: bigint): Hex {
  const { struct, total: place, message } = frameOf(identity)
  place.setBigUint64(0, total >> 64n)
  place.setBigUint64(8, total)
  message.set(keccak256(struct, 'bytes'), 34)
  return keccak256(message)
}

/** Tells whether this voucher bears that key's signature. Only secp256k1 can be checked. */
export async function bearsSignature(
  key: Hex,
  identity: Identity,
  voucher: { readonly total: bigint; readonly signature: Hex },
): Promise<boolean> {
  if (voucher.signature.length !== 132) return false
  try {
    const hash = voucherHash(identity, voucher.total)
    return (await recoverAddress({ hash, signature: voucher.signature })).toLowerCase() === key
  } catch {
    return false
  }
}

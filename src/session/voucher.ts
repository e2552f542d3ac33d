import { concatHex, keccak256, recoverAddress, stringToBytes } from 'viem/utils'
import type { Hex } from '../wallet/tempo/index.js'
import type { Protocol } from './challenge.js'
import { type Identity, word } from './identity.js'

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

/** All that does not change from voucher to voucher is hashed once: what is left is two hashes. */
const separators = new WeakMap<Identity, string>()

function separatorOf(identity: Identity): string {
  const known = separators.get(identity)
  if (known !== undefined) return known
  const { protocol, chainId, escrow } = identity
  const words = [word(NAMES[protocol]), word(VERSION), word(chainId.toString(16)), word(escrow)]
  const separator = keccak256(`${DOMAIN}${words.join('')}`).slice(2)
  separators.set(identity, separator)
  return separator
}

/** What the voucher key signs for a running total (EIP-712). */
export function voucherHash(identity: Identity, channelId: Hex, total: bigint): Hex {
  const struct = keccak256(`${TYPES[identity.protocol]}${channelId.slice(2)}${word(total.toString(16))}`)
  return keccak256(`0x1901${separatorOf(identity)}${struct.slice(2)}`)
}

/** Escrows want a recovery id of 27 or 28 (draft-tempo-session-00, "Signing Procedure"). */
export function canonical(signature: Hex): Hex {
  if (signature.length !== 132) return signature
  const last = signature.slice(130)
  if (last !== '00' && last !== '01') return signature
  return concatHex([`0x${signature.slice(2, 130)}`, last === '00' ? '0x1b' : '0x1c'])
}

/** Does this voucher bear that key's signature? Only secp256k1 can be told. */
export async function bearsSignature(
  key: Hex,
  identity: Identity,
  channelId: Hex,
  voucher: { readonly total: bigint; readonly signature: Hex },
): Promise<boolean> {
  if (voucher.signature.length !== 132) return false
  try {
    const hash = voucherHash(identity, channelId, voucher.total)
    return (await recoverAddress({ hash, signature: voucher.signature })).toLowerCase() === key
  } catch {
    return false
  }
}

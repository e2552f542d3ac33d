import { getAddress } from 'viem/utils'
import type { Hex } from '../chain/index.js'

/** Returns an address in EIP-55 spelling. */
export function checksum(address: Hex): Hex {
  return getAddress(address)
}

/** Normalizes the last byte of a signature to 27 or 28, as contracts require; some signers write 0 or 1. */
export function withRecovery(signature: Hex): Hex {
  if (signature.length !== 132) return signature
  const last = signature.slice(130)
  if (last !== '00' && last !== '01') return signature
  return `0x${signature.slice(2, 130)}${last === '00' ? '1b' : '1c'}`
}

import { getAddress } from 'viem/utils'
import type { Hex } from '../chain/index.js'

/** An address as EIP-55 spells it. */
export function checksum(address: Hex): Hex {
  return getAddress(address)
}

/** Contracts want 27 or 28 at the end of a signature; some signers say 0 or 1. */
export function withRecovery(signature: Hex): Hex {
  if (signature.length !== 132) return signature
  const last = signature.slice(130)
  if (last !== '00' && last !== '01') return signature
  return `0x${signature.slice(2, 130)}${last === '00' ? '1b' : '1c'}`
}

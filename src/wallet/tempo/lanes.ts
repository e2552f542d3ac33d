import { keccak256, stringToBytes } from 'viem/utils'
import type { Hex } from './charge.js'

/**
 * Names the lanes of one account on one chain for one ledger. Two ledgers never share a lane, so one cannot use a nonce
 * that the other has granted.
 */
export function laneNames(ledger: string, chainId: number, account: Hex, count: number): readonly string[] {
  const prefix = `tempo:${chainId}:${account}:${ledger}`
  const names: string[] = []
  for (let index = 0; index < count; index++) names.push(`${prefix}:${index}`)
  return names
}

/**
 * Derives the 2D nonce key of a lane: 192 bits of a hash. It is never the protocol's own key (0) or the expiring key
 * (2^256 - 1), and no reserved key starts with 64 zero bits.
 */
export function nonceKeyOf(lane: string): bigint {
  const known = keys.get(lane)
  if (known !== undefined) return known
  const hash = BigInt(keccak256(stringToBytes(lane)).slice(0, 50))
  const key = hash === 0n ? 1n : hash
  if (keys.size >= MOST_KEYS) keys.clear()
  keys.set(lane, key)
  return key
}

/** A cache: a wallet has a handful of lanes and uses them all the time. */
const keys = new Map<string, bigint>()
const MOST_KEYS = 1_024

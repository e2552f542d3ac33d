import { bytesToHex, keccak256, stringToBytes } from 'viem/utils'
import { failed } from '../chain/index.js'
import type { Hex } from './charge.js'

/** A source of random bytes. */
export type Random = (length: number) => Uint8Array

const first = (text: string, length: number): Uint8Array =>
  keccak256(stringToBytes(text), 'bytes').subarray(0, length)

const TAG = first('mpp', 4)
const VERSION = 1

/** The limit of cached fingerprints. A vendor uses the same realm for all its challenges. */
const MOST_REALMS = 256

/**
 * Creates the attribution memos that servers require on the primary transfer: tag, version, the server's fingerprint
 * (10 bytes), the client's (10), and a binding to the challenge (7). The client's part is random per credential unless
 * a client id is set, so that two credentials on the chain can always be told apart.
 */
export function memoMaker(random: Random, clientId?: string): (realm: string, challengeId: string) => Hex {
  const realms = new Map<string, Uint8Array>()
  const client = clientId === undefined ? undefined : first(clientId, 10)
  const fingerprint = (realm: string): Uint8Array => {
    const known = realms.get(realm)
    if (known !== undefined) return known
    if (realms.size >= MOST_REALMS) realms.clear()
    const made = first(realm, 10)
    realms.set(realm, made)
    return made
  }
  return (realm, challengeId) => {
    const memo = new Uint8Array(32)
    memo.set(TAG, 0)
    memo[4] = VERSION
    memo.set(fingerprint(realm), 5)
    memo.set(client ?? tenOf(random), 15)
    memo.set(first(challengeId, 7), 25)
    return bytesToHex(memo)
  }
}

/** @throws PaymentError if there are fewer bytes than requested: two payments must never share a memo. */
function tenOf(random: Random): Uint8Array {
  const bytes = random(10)
  if (bytes.length !== 10) throw failed('The source of randomness returned too few bytes')
  return bytes
}

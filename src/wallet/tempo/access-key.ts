import { concatHex, keccak256 } from 'viem/utils'
import type { Hex } from './charge.js'
import { canonical } from './envelope.js'

/** The type of a signature by which an access key acts for an account (TIP-1011, version 2). */
const KEYCHAIN_TYPE = '0x04'

/**
 * Signs with an access key for its account. The key signs a hash that names the account, so the signature is valid for
 * no other account; the envelope names the account.
 */
export async function signFor(account: Hex, hash: Hex, sign: (hash: Hex) => Promise<Hex>): Promise<Hex> {
  const signature = await sign(keccak256(concatHex([KEYCHAIN_TYPE, hash, account])))
  return concatHex([KEYCHAIN_TYPE, account, canonical(signature)])
}

import { concatHex, keccak256 } from 'viem/utils'
import type { Hex } from './charge.js'
import { canonical } from './envelope.js'

/** The kind of signature that an access key makes for an account (TIP-1011, version 2). */
const KEYCHAIN_TYPE = '0x04'

/**
 * A signature of an access key for its account: the key signs a hash that names the account, so that it is good for no
 * other, and the envelope says whose key it is.
 */
export async function signFor(account: Hex, hash: Hex, sign: (hash: Hex) => Promise<Hex>): Promise<Hex> {
  const signature = await sign(keccak256(concatHex([KEYCHAIN_TYPE, hash, account])))
  return concatHex([KEYCHAIN_TYPE, account, canonical(signature)])
}

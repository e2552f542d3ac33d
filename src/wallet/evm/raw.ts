import { keccak256, serializeTransaction } from 'viem/utils'
import { type Call, failed, type Hex, sign, withRecovery } from '../chain/index.js'
import type { EvmSigner } from './account.js'

/** A contract call in a transaction of type 2. */
interface CallTransaction extends Call {
  readonly chainId: number
  readonly nonce: bigint
  readonly gas: bigint
  /** The highest price of a unit of gas, and the tip within it, in wei. */
  readonly most: bigint
  readonly tip: bigint
}

export async function signCall(
  { chainId, to, data, nonce, gas, most, tip }: CallTransaction,
  signer: Pick<EvmSigner, 'sign'>,
  signal?: AbortSignal,
): Promise<Hex> {
  if (nonce > BigInt(Number.MAX_SAFE_INTEGER)) throw failed('The account has no nonce left')
  const transaction = {
    type: 'eip1559',
    chainId,
    nonce: Number(nonce),
    gas,
    maxFeePerGas: most,
    maxPriorityFeePerGas: tip,
    to,
    data,
  } as const
  const hash = keccak256(serializeTransaction(transaction))
  return serializeTransaction(transaction, partsOf(withRecovery(await sign(hash, signer, signal))))
}

function partsOf(signature: Hex): { r: Hex; s: Hex; yParity: number } {
  const digits = signature.slice(2)
  return {
    r: `0x${digits.slice(0, 64)}`,
    s: `0x${digits.slice(64, 128)}`,
    yParity: digits.slice(128) === '1c' ? 1 : 0,
  }
}

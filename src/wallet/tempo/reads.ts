import { concatHex, encodeFunctionData, keccak256, numberToHex, parseAbi } from 'viem/utils'
import {
  answered,
  decodeUint,
  type Hex,
  hex,
  type Node,
  numeral,
  quantity,
  readContract,
  record,
} from '../chain/index.js'

/** The precompile that stores 2D nonces and the hashes of expiring ones (TIP-1009). */
export const NONCE_MANAGER: Hex = '0x4e4f4e4345000000000000000000000000000000'
/** The slot of its mapping of seen hashes, in Solidity's layout. */
const SEEN_SLOT = 1
const ABI = parseAbi(['function getNonce(address account, uint256 nonceKey) view returns (uint64)'])

export interface Included {
  readonly hash: string
  readonly from: string
  readonly validBefore: number | undefined
  readonly inputs: readonly string[]
}

export async function readTransactions(node: Node, at: bigint): Promise<readonly Included[]> {
  const method = 'eth_getBlockByNumber'
  const { transactions } = record(await node.call(method, [numeral(at), true]), method)
  if (!Array.isArray(transactions)) throw answered(method)
  return transactions.map((each: unknown) => {
    const { hash, from, validBefore, calls } = record(each, method)
    return {
      hash: hex(hash, method),
      from: hex(from, method),
      validBefore: typeof validBefore === 'string' ? Number(quantity(validBefore, method)) : undefined,
      inputs: Array.isArray(calls) ? calls.map((call: unknown) => String(record(call, method)['input'])) : [],
    }
  })
}

/** Reads the nonce of a lane in the state after exactly that block. */
export async function readLaneNonce(node: Node, account: Hex, nonceKey: Hex, block: Hex): Promise<bigint> {
  const args = [account, BigInt(nonceKey)] as const
  const data = encodeFunctionData({ abi: ABI, functionName: 'getNonce', args })
  return readContract([node], { to: NONCE_MANAGER, data }, decodeUint, { at: { blockHash: block } })
}

/** Reads whether an expiring transaction had been included, in the state after exactly that block. */
export async function readSeen(node: Node, seen: Hex, block: Hex): Promise<boolean> {
  const slot = keccak256(concatHex([seen, numberToHex(SEEN_SLOT, { size: 32 })]))
  const method = 'eth_getStorageAt'
  return quantity(await node.call(method, [NONCE_MANAGER, slot, { blockHash: block }]), method) !== 0n
}

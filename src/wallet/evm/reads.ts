import { encodeFunctionData, parseAbi } from 'viem/utils'
import {
  allowanceCall,
  answered,
  type Call,
  decodeUint,
  type Hex,
  hex,
  type Node,
  numeral,
  quantity,
  readContract,
  record,
  type StateAt,
} from '../chain/index.js'
import { PERMIT2 } from './typed.js'

const ABI = parseAbi([
  'function authorizationState(address authorizer, bytes32 nonce) view returns (bool)',
  'function nonceBitmap(address owner, uint256 word) view returns (uint256)',
])

/** Encodes the question whether a nonce of EIP-3009 was used or cancelled. */
export function authorizationStateCall(token: Hex, authorizer: Hex, nonce: Hex): Call {
  const args = [authorizer, nonce] as const
  return { to: token, data: encodeFunctionData({ abi: ABI, functionName: 'authorizationState', args }) }
}

/** Reads whether this nonce was used or cancelled, in the state after that block. */
export async function readUsed(node: Node, token: Hex, from: Hex, nonce: Hex, at: StateAt): Promise<boolean> {
  return (await readContract([node], authorizationStateCall(token, from, nonce), decodeUint, { at })) !== 0n
}

/** Reads whether this Permit2 nonce was used or invalidated, in the state after that block. */
export async function readPermitUsed(node: Node, owner: Hex, nonce: bigint, at: StateAt): Promise<boolean> {
  const args = [owner, nonce >> 8n] as const
  const data = encodeFunctionData({ abi: ABI, functionName: 'nonceBitmap', args })
  const bits = await readContract([node], { to: PERMIT2, data }, decodeUint, { at })
  return ((bits >> (nonce & 0xffn)) & 1n) === 1n
}

export function readAllowance(node: Node, token: Hex, owner: Hex, signal?: AbortSignal): Promise<bigint> {
  return readContract([node], allowanceCall(token, owner, PERMIT2), decodeUint, { signal })
}

export async function readCoin(node: Node, account: Hex, signal?: AbortSignal): Promise<bigint> {
  const method = 'eth_getBalance'
  return quantity(await node.call(method, [account, 'latest'], signal), method)
}

/** Reads the number of the account's transactions in blocks, in the state after that block. */
export async function readCount(node: Node, account: Hex, at: StateAt | 'pending' | bigint): Promise<bigint> {
  const method = 'eth_getTransactionCount'
  return quantity(await node.call(method, [account, typeof at === 'bigint' ? numeral(at) : at]), method)
}

export interface Sent {
  readonly hash: Hex
  readonly from: Hex
  readonly to: Hex | undefined
  readonly nonce: bigint
  readonly input: Hex
}

/** Undefined if the node knows no such transaction. */
export async function readTransaction(node: Node, hash: string): Promise<Sent | undefined> {
  const method = 'eth_getTransactionByHash'
  const transaction = await node.call(method, [hash])
  return transaction === null ? undefined : sentOf(transaction, method)
}

export async function readTransactions(node: Node, at: bigint): Promise<readonly Sent[]> {
  const method = 'eth_getBlockByNumber'
  const { transactions } = record(await node.call(method, [numeral(at), true]), method)
  if (!Array.isArray(transactions)) throw answered(method)
  return transactions.map((each: unknown) => sentOf(each, method))
}

function sentOf(transaction: unknown, method: string): Sent {
  const { hash, from, to, nonce, input } = record(transaction, method)
  return {
    hash: hex(hash, method),
    from: hex(from, method),
    to: to === null || to === undefined ? undefined : hex(to, method),
    nonce: quantity(nonce, method),
    input: hex(input, method),
  }
}

/** Reads the gas price for the near future: twice the base fee, plus the tip that the node suggests. */
export async function readPrice(node: Node, signal?: AbortSignal): Promise<{ most: bigint; tip: bigint }> {
  const method = 'eth_getBlockByNumber'
  const [block, suggested] = await Promise.all([
    node.call(method, ['latest', false], signal),
    node.call('eth_maxPriorityFeePerGas', [], signal),
  ])
  const base = quantity(record(block, method)['baseFeePerGas'], method)
  const tip = quantity(suggested, 'eth_maxPriorityFeePerGas')
  return { most: rounded(2n * base + tip), tip }
}

/** Rounds up to three significant bits, so that the price changes only if the chain's price changes clearly. */
function rounded(price: bigint): bigint {
  const step = 1n << BigInt(Math.max(0, price.toString(2).length - 3))
  return ((price + step - 1n) / step) * step
}

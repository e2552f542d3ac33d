import { concatHex, keccak256, numberToHex } from 'viem/utils'
import { PaymentError } from '../../errors/index.js'
import type { Hex } from './charge.js'
import type { Node } from './rpc.js'

/** A block, as far as proofs need it. */
export interface Block {
  readonly number: bigint
  readonly hash: Hex
  /** Seconds. */
  readonly timestamp: number
}

export interface Log {
  readonly address: string
  readonly topics: readonly string[]
  readonly data: string
  readonly transactionHash: string
}

export interface ChainReceipt {
  readonly ok: boolean
  readonly blockNumber: bigint
  readonly blockHash: string
  readonly logs: readonly Log[]
  readonly gasUsed: bigint
  readonly gasPrice: bigint
}

/** The precompile that keeps 2D nonces and the hashes of expiring ones (TIP-1009). */
export const NONCE_MANAGER = '0x4e4f4e4345000000000000000000000000000000'
/** Its mapping of seen hashes, by Solidity's layout. */
const SEEN_SLOT = 1
/** `getNonce(address,uint256)` */
const GET_NONCE = '0x89535803'

const answered = (method: string): PaymentError =>
  new PaymentError('wallet_unavailable', 'untouched', `The chain's node answered ${method} in no known form`)

/** Undefined: there is no such block. */
export async function readBlock(node: Node, at: bigint | 'latest' | 'finalized'): Promise<Block | undefined> {
  const method = 'eth_getBlockByNumber'
  const block = await node.call(method, [typeof at === 'bigint' ? numberToHex(at) : at, false])
  if (block === null) return undefined
  const { number, hash, timestamp } = record(block, method)
  return {
    number: quantity(number, method),
    hash: hex(hash, method),
    timestamp: Number(quantity(timestamp, method)),
  }
}

/** Undefined: the node knows of no such transaction in any block. */
export async function readReceipt(node: Node, hash: string): Promise<ChainReceipt | undefined> {
  const method = 'eth_getTransactionReceipt'
  const receipt = await node.call(method, [hash])
  if (receipt === null) return undefined
  const { status, blockNumber, blockHash, logs, gasUsed, effectiveGasPrice } = record(receipt, method)
  return {
    ok: quantity(status, method) === 1n,
    blockNumber: quantity(blockNumber, method),
    blockHash: hex(blockHash, method),
    logs: readLogList(logs, method),
    gasUsed: quantity(gasUsed, method),
    gasPrice: quantity(effectiveGasPrice, method),
  }
}

/** A transaction in a block, as far as it tells whose it is. */
export interface Included {
  readonly hash: string
  readonly from: string
  readonly validBefore: number | undefined
  readonly inputs: readonly string[]
}

/** Every Tempo transaction of one block. */
export async function readTransactions(node: Node, at: bigint): Promise<readonly Included[]> {
  const method = 'eth_getBlockByNumber'
  const { transactions } = record(await node.call(method, [numberToHex(at), true]), method)
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

export async function readLogs(
  node: Node,
  filter: {
    readonly address: string
    readonly topics: readonly string[]
    readonly from: bigint
    readonly to: bigint
  },
): Promise<readonly Log[]> {
  const method = 'eth_getLogs'
  const { address, topics, from, to } = filter
  if (to < from) return []
  const params = [{ address, topics, fromBlock: numberToHex(from), toBlock: numberToHex(to) }]
  return readLogList(await node.call(method, params), method)
}

/** The nonce of a lane, in the state after exactly that block. */
export async function readLaneNonce(node: Node, account: Hex, nonceKey: Hex, block: Hex): Promise<bigint> {
  const data = concatHex([GET_NONCE, word(account), word(nonceKey)])
  const method = 'eth_call'
  return quantity(await node.call(method, [{ to: NONCE_MANAGER, data }, { blockHash: block }]), method)
}

/** Had an expiring transaction been included, in the state after exactly that block? */
export async function readSeen(node: Node, seen: Hex, block: Hex): Promise<boolean> {
  const slot = keccak256(concatHex([seen, numberToHex(SEEN_SLOT, { size: 32 })]))
  const method = 'eth_getStorageAt'
  return quantity(await node.call(method, [NONCE_MANAGER, slot, { blockHash: block }]), method) !== 0n
}

/**
 * The first block at or after a moment, not later than `newest`, which is one. Steps back in doubling strides and then
 * halves the last: a recovery is soon after the payment, or has time.
 */
export async function firstBlockAt(node: Node, timestamp: number, newest: Block): Promise<Block> {
  let high = newest
  let low = -1n
  for (let stride = 16n; high.number > 0n; stride *= 2n) {
    const at = high.number > stride ? high.number - stride : 0n
    const block = await blockAt(node, at)
    if (block.timestamp < timestamp) {
      low = at
      break
    }
    high = block
  }
  while (high.number - low > 1n) {
    const middle = await blockAt(node, (high.number + low) / 2n)
    if (middle.timestamp < timestamp) low = middle.number
    else high = middle
  }
  return high
}

export async function blockAt(node: Node, number: bigint): Promise<Block> {
  const block = await readBlock(node, number)
  if (block === undefined) throw answered('eth_getBlockByNumber')
  return block
}

/** A value as the 32-byte word of a topic or an argument. */
export function word(value: Hex | bigint): Hex {
  return numberToHex(BigInt(value), { size: 32 })
}

function readLogList(logs: unknown, method: string): readonly Log[] {
  if (!Array.isArray(logs)) throw answered(method)
  return logs.map((log: unknown) => {
    const { address, topics, data, transactionHash } = record(log, method)
    if (!Array.isArray(topics)) throw answered(method)
    return {
      address: hex(address, method),
      topics: topics.map((topic: unknown) => hex(topic, method)),
      data: hex(data, method),
      transactionHash: hex(transactionHash, method),
    }
  })
}

function record(value: unknown, method: string): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) throw answered(method)
  return { ...value }
}

function hex(value: unknown, method: string): Hex {
  if (typeof value !== 'string' || !/^0x[0-9a-fA-F]*$/.test(value)) throw answered(method)
  return `0x${value.slice(2).toLowerCase()}`
}

function quantity(value: unknown, method: string): bigint {
  const text = hex(value, method)
  if (text === '0x') throw answered(method)
  return BigInt(text)
}

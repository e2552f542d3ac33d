import { PaymentError } from '../../errors/index.js'
import { type Hex, lower } from './hex.js'
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
  /** What a rollup took beside the gas, for its data on the chain below. */
  readonly dataFee: bigint
}

/** What logs are searched by; `null` in a topic's place is any. */
export interface LogFilter {
  readonly address: string
  readonly topics: readonly (string | null)[]
  readonly from: bigint
  readonly to: bigint
}

/** The failure of a node whose answer has no known form. */
export const answered = (method: string): PaymentError =>
  new PaymentError('wallet_unavailable', 'untouched', `The chain's node answered ${method} in no known form`)

/** The chain that a node is of. */
export async function readChainId(node: Node): Promise<number> {
  const method = 'eth_chainId'
  return Number(quantity(await node.call(method, []), method))
}

/** Undefined: there is no such block. */
export async function readBlock(node: Node, at: bigint | 'latest' | 'finalized'): Promise<Block | undefined> {
  const method = 'eth_getBlockByNumber'
  const block = await node.call(method, [typeof at === 'bigint' ? numeral(at) : at, false])
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
  const { status, blockNumber, blockHash, logs, gasUsed, effectiveGasPrice, l1Fee } = record(receipt, method)
  return {
    ok: quantity(status, method) === 1n,
    blockNumber: quantity(blockNumber, method),
    blockHash: hex(blockHash, method),
    logs: readLogList(logs, method),
    gasUsed: quantity(gasUsed, method),
    gasPrice: quantity(effectiveGasPrice, method),
    dataFee: l1Fee === undefined || l1Fee === null ? 0n : quantity(l1Fee, method),
  }
}

export async function readLogs(
  node: Node,
  { address, topics, from, to }: LogFilter,
): Promise<readonly Log[]> {
  const method = 'eth_getLogs'
  if (to < from) return []
  const params = [{ address, topics, fromBlock: numeral(from), toBlock: numeral(to) }]
  return readLogList(await node.call(method, params), method)
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
  // A search that went by another block than it asked for would never end.
  if (block?.number !== number) throw answered('eth_getBlockByNumber')
  return block
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

/** A number as nodes take it. */
export function numeral(value: bigint): Hex {
  return `0x${value.toString(16)}`
}

export function record(value: unknown, method: string): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) throw answered(method)
  return { ...value }
}

export function hex(value: unknown, method: string): Hex {
  if (typeof value !== 'string' || !/^0x[0-9a-fA-F]*$/.test(value)) throw answered(method)
  return lower(value)
}

export function quantity(value: unknown, method: string): bigint {
  const text = hex(value, method)
  if (text === '0x') throw answered(method)
  return BigInt(text)
}

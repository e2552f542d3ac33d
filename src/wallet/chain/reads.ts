import { PaymentError } from '../../errors/index.js'
import { type Hex, lower } from './hex.js'
import type { Node } from './rpc.js'

/** The fields of a block that proofs need. */
export interface Block {
  readonly number: bigint
  readonly hash: Hex
  /** In seconds. */
  readonly timestamp: number
}

export interface Log {
  readonly address: Hex
  readonly topics: readonly Hex[]
  readonly data: Hex
  readonly transactionHash: Hex
}

export interface ChainReceipt {
  readonly ok: boolean
  readonly blockNumber: bigint
  readonly blockHash: string
  readonly logs: readonly Log[]
  readonly gasUsed: bigint
  readonly gasPrice: bigint
  /** The fee that a rollup took in addition to the gas, for its data on the parent chain. */
  readonly dataFee: bigint
}

/** The filter of a log search. A topic of `null` matches any value. */
export interface LogFilter {
  readonly address: string
  readonly topics: readonly (string | null)[]
  readonly from: bigint
  readonly to: bigint
}

/** Creates the error for a node whose answer has an unknown form. */
export const answered = (method: string): PaymentError =>
  new PaymentError(
    'wallet_unavailable',
    'untouched',
    `The chain's node answered ${method} in an unknown form`,
  )

export async function readChainId(node: Node): Promise<number> {
  const method = 'eth_chainId'
  return Number(quantity(await node.call(method, []), method))
}

/** Undefined if there is no such block. */
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

/** Undefined if the node knows no block with this transaction. */
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
 * Finds the first block at or after a moment, at most `newest`, which must be at or after it. The search goes back in
 * doubling steps and then bisects the last one, because a recovery usually follows soon after the payment.
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
  // If a node returned other blocks than requested, the search would never end.
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

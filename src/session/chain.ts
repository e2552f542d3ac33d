import { decodeAbiParameters, decodeFunctionResult, encodeFunctionData } from 'viem/utils'
import type { Hex } from '../wallet/tempo/index.js'
import {
  type Block,
  blockAt,
  type Call,
  firstBlockAt,
  type Node,
  readBlock,
  readContract,
  readLogs,
  readReceipt,
  readSeen,
  readTransactions,
  type StateAt,
  TRANSFER_EVENT,
} from '../wallet/tempo/shared.js'
import { ESCROW_ABI, RESERVE_ABI } from './calls.js'
import { channelIdOf, type Identity, word } from './identity.js'
import { NOBODY } from './json.js'

/** A channel as the chain records it. */
export interface OnChain {
  readonly deposit: bigint
  /** The amount that the payee has taken so far. */
  readonly captured: bigint
  /** The time of the payer's close request, in seconds; 0 if there is none. */
  readonly closeRequestedAt: number
  /** `none`: the chain has no such channel. The reserve of v2 deletes closed channels. */
  readonly state: 'none' | 'open' | 'closed'
}

/** `ChannelClosed(bytes32,address,address,uint96,uint96)` of the reserve. */
const CLOSED = '0x5613aed96d5bf39f928408dbe1d4143490b9bb5957eac2dd8e69b5dc4b2206e6'

/** The time in seconds after a close request until the payer may withdraw (draft-tempo-session-00, "Forced Close"). */
export const GRACE_SECONDS = 900

/** Reads the state of a channel from the first node that answers. */
export function readChannel(
  nodes: readonly Node[],
  identity: Identity,
  at: StateAt = 'latest',
): Promise<OnChain> {
  const { escrow: to, protocol } = identity
  const args = [channelIdOf(identity)] as const
  const options = { message: 'The escrow answered in an unknown form', at }
  return protocol === 'v1'
    ? readContract(
        nodes,
        { to, data: encodeFunctionData({ abi: ESCROW_ABI, functionName: 'getChannel', args }) },
        readV1,
        options,
      )
    : readContract(
        nodes,
        { to, data: encodeFunctionData({ abi: RESERVE_ABI, functionName: 'getChannelState', args }) },
        readV2,
        options,
      )
}

function readV1(data: Hex): OnChain {
  const channel = decodeFunctionResult({ abi: ESCROW_ABI, functionName: 'getChannel', data })
  const { finalized, closeRequestedAt, payer, deposit, settled: captured } = channel
  const state = payer === NOBODY ? 'none' : finalized ? 'closed' : 'open'
  return { deposit, captured, closeRequestedAt: Number(closeRequestedAt), state }
}

function readV2(data: Hex): OnChain {
  const channel = decodeFunctionResult({ abi: RESERVE_ABI, functionName: 'getChannelState', data })
  const { settled: captured, deposit, closeRequestedAt } = channel
  return { deposit, captured, closeRequestedAt, state: deposit === 0n ? 'none' : 'open' }
}

/**
 * Finds the amount that the payee took from a channel that the reserve has deleted. The record of its close shows it;
 * the rest went back to the payer in the same transaction. Undefined if no such close was found, which proves nothing.
 */
export async function readClosed(
  node: Node,
  identity: Identity,
  openedAt: number,
): Promise<bigint | undefined> {
  const newest = await readBlock(node, 'latest')
  if (newest === undefined) return undefined
  const start = await firstBlockAt(node, openedAt, newest)
  const { escrow: address, payer } = identity
  const topics = [CLOSED, channelIdOf(identity)]
  const logs = await readLogs(node, { address, topics, from: start.number, to: newest.number })
  const closed = logs.find(
    (log) => log.address === address && topics.every((topic, index) => log.topics[index] === topic),
  )
  if (closed === undefined) return undefined
  const amounts = amountsOf(closed.data)
  const receipt = await readReceipt(node, closed.transactionHash)
  if (amounts === undefined || receipt === undefined) return undefined
  const [captured, refunded] = amounts
  const [from, to] = [address, payer].map((party) => `0x${word(party)}`)
  const back = receipt.logs.filter(
    (log) =>
      log.address === identity.token &&
      log.topics[0] === TRANSFER_EVENT &&
      log.topics[1] === from &&
      log.topics[2] === to,
  )
  const fits = refunded === 0n || back.some(({ data }) => BigInt(data) === refunded)
  return receipt.ok && fits ? captured : undefined
}

/** An expiring transaction: its seen hash, and the second from which no block can include it. */
export interface Expiring {
  readonly seen: Hex
  readonly validBefore: number
}

/** The fields of an expiring transaction in a block. Its hash is unknown if a sponsor signed after the payer. */
export interface Look {
  readonly payer: Hex
  readonly calls: readonly Call[]
  readonly hash?: Hex | undefined
}

/**
 * Finds out whether a transaction was included, and whether it failed. `open` means that it can still be included. The
 * deciding state is that of the last block that could include it; because that block is final, the receipt is final
 * too.
 */
export async function fateOf(
  node: Node,
  { seen, validBefore }: Expiring,
  look: Look,
): Promise<'included' | 'failed' | 'void' | 'open'> {
  const final = await readBlock(node, 'finalized')
  if (final === undefined || final.timestamp < validBefore) return 'open'
  const past = await firstBlockAt(node, validBefore, final)
  const last = await blockAt(node, past.number - 1n)
  if (!(await readSeen(node, seen, last.hash))) return 'void'
  const hash = look.hash ?? (await hashIn(node, { validBefore, last }, look))
  const receipt = hash === undefined ? undefined : await readReceipt(node, hash)
  return receipt?.ok === false ? 'failed' : 'included'
}

/** Scans the blocks that could include a failed transaction, because it left no other trace. */
async function hashIn(
  node: Node,
  { validBefore, last }: { readonly validBefore: number; readonly last: Block },
  { payer, calls }: Look,
): Promise<string | undefined> {
  const start = await firstBlockAt(node, validBefore - EXPIRING_SECONDS, last)
  for (let at = last.number; at >= start.number; at--) {
    const found = (await readTransactions(node, at)).find(
      ({ from, validBefore: until, inputs }) =>
        from === payer &&
        until === validBefore &&
        inputs.length === calls.length &&
        calls.every(({ data }, index) => inputs[index]?.toLowerCase() === data),
    )
    if (found !== undefined) return found.hash
  }
  return undefined
}

/** The time in seconds before expiry from which the protocol accepts an expiring transaction (TIP-1009). */
export const EXPIRING_SECONDS = 30

const CLOSED_DATA = [{ type: 'uint96' }, { type: 'uint96' }] as const

/** Returns the amounts in the record of a close: captured and refunded. Undefined if it cannot be decoded. */
function amountsOf(data: Hex): readonly [bigint, bigint] | undefined {
  try {
    return decodeAbiParameters(CLOSED_DATA, data)
  } catch {
    return undefined
  }
}

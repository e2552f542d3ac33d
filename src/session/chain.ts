import { PaymentError } from '../errors/index.js'
import type { Hex } from '../wallet/tempo/index.js'
import {
  ask,
  type Block,
  blockAt,
  firstBlockAt,
  type Node,
  readBlock,
  readLogs,
  readReceipt,
  readSeen,
  readTransactions,
} from '../wallet/tempo/shared.js'
import type { Call } from './calls.js'
import { channelIdOf, type Identity, word } from './identity.js'

/** A channel as the chain has it. */
export interface OnChain {
  readonly deposit: bigint
  /** What the payee has taken so far. */
  readonly captured: bigint
  /** When the payer asked for a close, in seconds; 0: never. */
  readonly closeRequestedAt: number
  /** `none`: the chain knows of no such channel. The reserve of v2 forgets those that are closed. */
  readonly state: 'none' | 'open' | 'closed'
}

/** `getChannel(bytes32)` of v1 and `getChannelState(bytes32)` of v2. */
const READ = { v1: '831c2b82', v2: 'd18da8b1' } as const
/** `ChannelClosed(bytes32,address,address,uint96,uint96)` of the reserve. */
const CLOSED = '0x5613aed96d5bf39f928408dbe1d4143490b9bb5957eac2dd8e69b5dc4b2206e6'

/** `Transfer(address,address,uint256)` of a token. */
const TRANSFER = '0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef'

/** The payer may withdraw that long after asking for a close, in seconds (draft-tempo-session-00, "Forced Close"). */
export const GRACE_SECONDS = 900

/** The state of a channel, by the first node that answers. */
export async function readChannel(
  nodes: readonly Node[],
  identity: Identity,
  at: 'latest' | { readonly blockHash: Hex } = 'latest',
): Promise<OnChain> {
  const data = `0x${READ[identity.protocol]}${channelIdOf(identity).slice(2)}`
  const words = wordsOf(await ask(nodes, 'eth_call', [{ to: identity.escrow, data }, at]))
  return identity.protocol === 'v1' ? readV1(words) : readV2(words)
}

function readV1(words: readonly bigint[]): OnChain {
  const [finalized, requested, payer, , , , deposit, captured] = words
  if (finalized === undefined || requested === undefined || deposit === undefined || captured === undefined)
    throw answered()
  const state = payer === 0n ? 'none' : finalized === 0n ? 'open' : 'closed'
  return { deposit, captured, closeRequestedAt: Number(requested), state }
}

function readV2(words: readonly bigint[]): OnChain {
  const [captured, deposit, requested] = words
  if (captured === undefined || deposit === undefined || requested === undefined) throw answered()
  return { deposit, captured, closeRequestedAt: Number(requested), state: deposit === 0n ? 'none' : 'open' }
}

/**
 * What the payee got of a channel that the reserve has forgotten: by the record of its close, where the rest went back to
 * the payer in the same transaction. Undefined: no such close was found, which proves nothing.
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
  const [captured, refunded] = wordsOf(closed.data)
  const receipt = await readReceipt(node, closed.transactionHash)
  if (captured === undefined || refunded === undefined || receipt === undefined) return undefined
  const [from, to] = [address, payer].map((party) => `0x${word(party)}`)
  const back = receipt.logs.filter(
    (log) =>
      log.address === identity.token &&
      log.topics[0] === TRANSFER &&
      log.topics[1] === from &&
      log.topics[2] === to,
  )
  const fits = refunded === 0n || back.some(({ data }) => BigInt(data) === refunded)
  return receipt.ok && fits ? captured : undefined
}

/** A transaction that runs out: its seen hash, and the second from which no block can include it. */
export interface Expiring {
  readonly seen: Hex
  readonly validBefore: number
}

/** What an expiring transaction looks like in a block. Its hash is not known where a sponsor signed after us. */
export interface Look {
  readonly payer: Hex
  readonly calls: readonly Call[]
  readonly hash?: Hex | undefined
}

/**
 * Was it included, and did it fail? `open`: it still can be. The state that counts is that of the last block that could
 * include it; and since that one is final, so is the receipt.
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
  const hash = look.hash ?? (await hashIn(node, validBefore, last, look))
  const receipt = hash === undefined ? undefined : await readReceipt(node, hash)
  return receipt?.ok === false ? 'failed' : 'included'
}

/** One that failed left nothing else: it is found in the blocks that could include it. */
async function hashIn(
  node: Node,
  validBefore: number,
  last: Block,
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

/** The protocol takes expiring transactions at most this long before they run out (TIP-1009), in seconds. */
export const EXPIRING_SECONDS = 30

function wordsOf(value: unknown): readonly bigint[] {
  if (typeof value !== 'string' || !/^0x(?:[0-9a-fA-F]{64})*$/.test(value)) throw answered()
  return (value.slice(2).match(/.{64}/g) ?? []).map((each) => BigInt(`0x${each}`))
}

function answered(): PaymentError {
  return new PaymentError('wallet_unavailable', 'untouched', 'The escrow answered in no known form')
}

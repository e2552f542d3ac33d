import type { Evidence, Verdict } from '../../ledger/index.js'
import type { Amount, Instant } from '../../money/index.js'
import type { Node } from '../chain/index.js'
import * as Reads from '../chain/index.js'
import type { Hex } from './charge.js'
import { FINALITY_MS, readDetail, type TransactionDetail } from './evidence.js'
import { feeAmount } from './gas.js'
import { readKey } from './keychain.js'
import type { Config } from './options.js'
import * as Seen from './reads.js'

/** `TransferWithMemo(address,address,uint256,bytes32)`, `NonceIncremented(address,uint256,uint64)` */
const TRANSFER_WITH_MEMO = '0x57bc7354aa85aed339e000bccffabbc529466af35f0772c8f8ee1145927de7f0'
const NONCE_INCREMENTED = '0x42d98041765078b1557c6a9fe7e4a27230ca413fc141df57d89acd6cc68ffb45'

/** The time in seconds before expiry from which the protocol accepts an expiring transaction (TIP-1009). */
const EXPIRING_WINDOW = 30

/**
 * Finds out what happened to a credential, from the chain alone. It is settled if the chain has a transfer with its
 * memo, amounts and payees. It is void if one final block proves that no inclusion can follow. The local clock and a
 * search without a result do not prove that. A settlement shown by any node counts; void needs every node that answers.
 */
export async function inspectCharge(evidence: Evidence, config: Config): Promise<Verdict> {
  const detail = readDetail(evidence.detail)
  if (detail === undefined) return { state: 'unknown', reason: 'This evidence is not of a Tempo charge' }
  if (detail.form === 'proof') return { state: 'void', reason: 'A proof of identity moves no money' }
  const nodes = config.nodes(detail.chainId)
  if (nodes === undefined)
    return { state: 'unknown', reason: `This wallet has no node for eip155:${detail.chainId}` }
  return Reads.askNodes(nodes, detail.chainId, (node) => viewOf(node, detail, config.now()))
}

async function viewOf(node: Node, detail: TransactionDetail, now: Instant): Promise<Verdict> {
  const found = detail.hash === undefined ? await search(node, detail) : { hash: detail.hash }
  const receipt = found && (await Reads.readReceipt(node, found.hash))
  if (found && receipt) return await fromReceipt(node, detail, found.hash, receipt, now)
  return await fromState(node, detail, now)
}

/** Evaluates a transaction that is in a block. */
async function fromReceipt(
  node: Node,
  detail: TransactionDetail,
  hash: string,
  receipt: Reads.ChainReceipt,
  now: Instant,
): Promise<Verdict> {
  const lane = detail.lane === undefined ? {} : { lane: BigInt(detail.nonce) + 1n }
  const fee = feeIn(receipt, detail)
  if (receipt.ok) {
    if (!paysAll(receipt.logs, detail))
      return {
        state: 'unknown',
        reason: 'The transaction succeeded without the transfers it was signed for',
      }
    return { state: 'settled', reference: hash, ...fee, ...lane }
  }
  // It failed: only the fee was charged. That is certain once its block is final.
  const final = await Reads.readBlock(node, 'finalized')
  const buried = final !== undefined && final.number >= receipt.blockNumber
  if (!buried || (await Reads.blockAt(node, receipt.blockNumber)).hash !== receipt.blockHash)
    return pending(now, 'The transaction failed, in a block that is not final yet')
  return {
    state: 'void',
    reason: 'The transaction failed on the chain; only its fee was taken',
    ...fee,
    ...lane,
  }
}

/** Handles a transaction that was not found. That alone proves nothing; the state of one final block must. */
async function fromState(node: Node, detail: TransactionDetail, now: Instant): Promise<Verdict> {
  const final = await Reads.readBlock(node, 'finalized')
  if (final === undefined || final.timestamp < detail.validBefore) {
    const over = final && (await withItsKey(node, detail, final))
    if (over !== undefined) return over
    const recheckAt = Math.max(detail.validBefore * 1000 + FINALITY_MS, now + FINALITY_MS)
    return { state: 'pending', recheckAt, reason: 'It can still be included' }
  }
  return detail.seen === undefined
    ? fromLane(node, detail, final, now)
    : fromExpiringNonce(node, detail, detail.seen, final, now)
}

/**
 * Checks the access key. A revoked key stays revoked, and its signatures can no longer be included. If a final block
 * shows the key as revoked and the nonce as unused, the payment is void before its expiry.
 */
async function withItsKey(
  node: Node,
  { key, sender, seen, nonceKey, nonce }: TransactionDetail,
  final: Reads.Block,
): Promise<Verdict | undefined> {
  if (key === undefined) return undefined
  const { state } = await readKey([node], sender, key, { at: { blockHash: final.hash } })
  if (state !== 'revoked') return undefined
  const verdict = { state: 'void', reason: 'Its access key was revoked before it was included' } as const
  if (seen !== undefined) return (await Seen.readSeen(node, seen, final.hash)) ? undefined : verdict
  const lane = await Seen.readLaneNonce(node, sender, nonceKey, final.hash)
  return lane <= BigInt(nonce) ? { ...verdict, lane } : undefined
}

/**
 * Checks a lane. Its nonce only grows, so any final block past `validBefore` is enough. If the nonce has grown, another
 * transaction must be shown to have used it: two transactions can never both use one nonce.
 */
async function fromLane(
  node: Node,
  detail: TransactionDetail,
  final: Reads.Block,
  now: Instant,
): Promise<Verdict> {
  const ours = BigInt(detail.nonce)
  const lane = await Seen.readLaneNonce(node, detail.sender, detail.nonceKey, final.hash)
  if (lane <= ours) return { state: 'void', reason: 'It expired without being included', lane }
  const start = await Reads.firstBlockAt(node, detail.validBefore - TAKER_WINDOW, final)
  const moves = await Reads.readLogs(node, {
    address: Seen.NONCE_MANAGER,
    topics: [NONCE_INCREMENTED, Reads.word(detail.sender), Reads.word(detail.nonceKey)],
    from: start.number,
    to: final.number,
  })
  const taker = moves.find((log) => BigInt(log.data) === ours + 1n)
  if (taker !== undefined && taker.transactionHash !== detail.hash)
    return { state: 'void', reason: 'Another transaction used its nonce', lane }
  return taker === undefined
    ? { state: 'unknown', reason: 'Its nonce was used, and the node does not show by which transaction' }
    : pending(now, 'It was included, and the node does not show its receipt yet')
}

/**
 * The time in seconds before the expiry in which the search looks for the transaction that used a nonce. A search alone
 * proves no void.
 */
const TAKER_WINDOW = 3_600

/**
 * Checks an expiring nonce. The chain deletes seen hashes some time after they expire. So the deciding state is that of
 * the last block that could have included the transaction: it contains every inclusion, and no hash is deleted yet.
 */
async function fromExpiringNonce(
  node: Node,
  detail: TransactionDetail,
  seen: Hex,
  final: Reads.Block,
  now: Instant,
): Promise<Verdict> {
  const past = await Reads.firstBlockAt(node, detail.validBefore, final)
  const last = await Reads.blockAt(node, past.number - 1n)
  if (!(await Seen.readSeen(node, seen, last.hash)))
    return { state: 'void', reason: 'It expired without being included' }
  const hash = detail.hash ?? (await scan(node, detail, last))
  const receipt = hash === undefined ? undefined : await Reads.readReceipt(node, hash)
  if (hash !== undefined && receipt !== undefined) return fromReceipt(node, detail, hash, receipt, now)
  return pending(now, 'It was included, and the node does not show its receipt yet')
}

/** Scans the blocks that could have included a sponsored transaction. A failed one left no transfer. */
async function scan(node: Node, detail: TransactionDetail, last: Reads.Block): Promise<string | undefined> {
  const start = await Reads.firstBlockAt(node, detail.validBefore - EXPIRING_WINDOW, last)
  const memo = detail.memo.slice(2)
  for (let at = last.number; at >= start.number; at--) {
    const found = (await Seen.readTransactions(node, at)).find(
      ({ from, validBefore, inputs }) =>
        from === detail.sender &&
        validBefore === detail.validBefore &&
        inputs.some((input) => input.endsWith(memo)),
    )
    if (found !== undefined) return found.hash
  }
  return undefined
}

/** Searches a sponsored transaction by its transfers, because a sponsor's signature changes the hash. */
async function search(node: Node, detail: TransactionDetail): Promise<{ hash: string } | undefined> {
  const latest = await Reads.readBlock(node, 'latest')
  const [primary] = detail.transfers
  if (latest === undefined || primary === undefined) return undefined
  const start = await Reads.firstBlockAt(node, detail.validBefore - EXPIRING_WINDOW, latest)
  const end = await Reads.firstBlockAt(node, detail.validBefore, latest)
  const logs = await Reads.readLogs(node, {
    address: detail.token,
    topics: [TRANSFER_WITH_MEMO, Reads.word(detail.sender), Reads.word(primary.to), detail.memo],
    from: start.number,
    to: end.number,
  })
  const hit = logs.find((log) => BigInt(log.data) === BigInt(primary.amount))
  return hit && { hash: hit.transactionHash }
}

/** Pure. Tells whether every payee has a separate transfer, and the first payee one with the payment's memo. */
function paysAll(logs: readonly Reads.Log[], detail: TransactionDetail): boolean {
  const from = Reads.word(detail.sender)
  const used = new Set<Reads.Log>()
  const take = (
    kind: string,
    { to, amount }: TransactionDetail['transfers'][number],
    memo?: string,
  ): boolean => {
    const log = logs.find(
      (each) =>
        !used.has(each) &&
        each.address === detail.token &&
        each.topics[0] === kind &&
        each.topics[1] === from &&
        each.topics[2] === Reads.word(to) &&
        (memo === undefined || each.topics[3] === memo) &&
        BigInt(each.data) === BigInt(amount),
    )
    if (log !== undefined) used.add(log)
    return log !== undefined
  }
  const [primary] = detail.transfers
  return (
    primary !== undefined &&
    take(TRANSFER_WITH_MEMO, primary, detail.memo) &&
    detail.transfers.every((transfer) => take(Reads.TRANSFER_EVENT, transfer))
  )
}

/** Returns the fee that the payer paid; nothing if a sponsor paid. */
function feeIn(receipt: Reads.ChainReceipt, { feeCurrency }: TransactionDetail): { fee?: Amount } {
  if (feeCurrency === undefined) return {}
  return { fee: feeAmount(receipt.gasUsed, receipt.gasPrice, feeCurrency) }
}

function pending(now: Instant, reason: string): Verdict {
  return { state: 'pending', recheckAt: now + FINALITY_MS, reason }
}

import type { Verdict } from '../../ledger/index.js'
import { amount, type Instant } from '../../money/index.js'
import { type Block, blockAt, type ChainReceipt, type Node, readBlock, readReceipt } from '../chain/index.js'
import type { TransactionDetail } from './evidence.js'
import { isFinal, isTransfer } from './proof.js'
import { readCount, readTransactions } from './reads.js'

const LEAST_WAIT_MS = 15_000
const MOST_WAIT_MS = 10 * 60_000

/** Returns one node's view of a transfer by the wallet's own transaction. */
export async function transactionView(node: Node, detail: TransactionDetail, now: Instant): Promise<Verdict> {
  const receipt = await readReceipt(node, detail.hash)
  const final = await readBlock(node, 'finalized')
  if (receipt !== undefined) return fromReceipt(node, detail, receipt, final, now)
  const nonce = BigInt(detail.nonce)
  // It has no expiry; only another transaction with the same nonce makes it void.
  if (final === undefined || (await readCount(node, detail.sender, { blockHash: final.hash })) <= nonce)
    return pending(
      detail,
      now,
      'It can still be included: only another transaction with its nonce rules it out',
    )
  const taker = await takerOf(node, detail, final)
  if (taker === undefined)
    return { state: 'unknown', reason: 'Its nonce was used, and the node does not show by which transaction' }
  if (taker === detail.hash)
    return pending(detail, now, 'It was included, and the node does not show its receipt yet')
  return { state: 'void', reason: 'Another transaction used its nonce', lane: nonce + 1n }
}

async function fromReceipt(
  node: Node,
  detail: TransactionDetail,
  receipt: ChainReceipt,
  final: Block | undefined,
  now: Instant,
): Promise<Verdict> {
  const lane = BigInt(detail.nonce) + 1n
  const fee = amount(receipt.gasUsed * receipt.gasPrice + receipt.dataFee, detail.coin)
  if (receipt.ok) {
    const paid = receipt.logs.some(
      (log) => isTransfer(log, detail) && BigInt(log.data) === BigInt(detail.amount),
    )
    return paid
      ? { state: 'settled', reference: detail.hash, fee, lane }
      : { state: 'unknown', reason: 'The transaction succeeded without the transfer it was signed for' }
  }
  // It failed: only the fee was charged. That is certain once its block is final.
  const buried = isFinal(final, receipt.blockNumber)
  if (!buried || (await blockAt(node, receipt.blockNumber)).hash !== receipt.blockHash)
    return pending(detail, now, 'The transaction failed, in a block that is not final yet')
  return {
    state: 'void',
    reason: 'The transaction failed on the chain; only its fee was taken',
    fee,
    lane,
  }
}

/**
 * Finds the transaction that used the nonce: it is in the first block after which the account's count exceeds the
 * nonce.
 */
async function takerOf(node: Node, detail: TransactionDetail, final: Block): Promise<string | undefined> {
  const nonce = BigInt(detail.nonce)
  let low = BigInt(detail.after)
  let high = final.number
  while (high - low > 1n) {
    const middle = (high + low) / 2n
    if ((await readCount(node, detail.sender, middle)) > nonce) high = middle
    else low = middle
  }
  const all = await readTransactions(node, high)
  return all.find((each) => each.from === detail.sender && each.nonce === nonce)?.hash
}

/** Schedules the next check: the longer the payment has been open, the later. */
function pending({ signedAt }: TransactionDetail, now: Instant, reason: string): Verdict {
  const wait = Math.min(Math.max(now - signedAt, LEAST_WAIT_MS), MOST_WAIT_MS)
  return { state: 'pending', recheckAt: now + wait, reason }
}

import type { Verdict } from '../../ledger/index.js'
import type { Instant } from '../../money/index.js'
import {
  type Hex,
  type Log,
  type Node,
  readBlock,
  readReceipt,
  TRANSFER_EVENT,
  word,
} from '../chain/index.js'
import type { AuthorizationDetail } from './evidence.js'
import { isFinal, isTransfer, logsWithin, pendingUntil } from './proof.js'
import { readUsed } from './reads.js'

/** `AuthorizationUsed(address,bytes32)`, `AuthorizationCanceled(address,bytes32)` */
const USED: Hex = '0x98de503528ee59b575ef0c0a2576a82497bfc029a5685b209e9ec333479b10a5'
const CANCELED: Hex = '0x1cdd46ff242716cdaa72d159d339a485b3438398348d68f09d7c8c0a59353d81'

export async function authorizationView(
  node: Node,
  detail: AuthorizationDetail,
  now: Instant,
): Promise<Verdict> {
  const { token, sender, nonce, validBefore } = detail
  const final = await readBlock(node, 'finalized')
  const past = final !== undefined && final.timestamp >= validBefore ? final : undefined
  if (await readUsed(node, token, sender, nonce, 'latest')) return used(node, detail, past?.number, now)
  if (past === undefined) return pendingUntil(validBefore, final, now)
  // The deciding state is that of the final block itself: `latest` may be behind it on another machine.
  if (await readUsed(node, token, sender, nonce, { blockHash: past.hash }))
    return used(node, detail, past.number, now)
  return { state: 'void', reason: 'It expired without being settled' }
}

/**
 * Finds the use in the token's log. A used nonce alone does not prove a payment: it may have been cancelled, or used by
 * a later credential.
 */
async function used(
  node: Node,
  detail: AuthorizationDetail,
  past: bigint | undefined,
  now: Instant,
): Promise<Verdict> {
  const { token, sender, nonce, validBefore } = detail
  const topics = [word(sender), nonce]
  const when = { signedAt: detail.signedAt, end: validBefore }
  const [log] = await logsWithin(node, { address: token, topics: [USED, ...topics] }, when)
  const taker = log ?? (await cancellation(node, detail, topics))
  const receipt = taker && (await readReceipt(node, taker.transactionHash))
  if (taker === undefined || receipt === undefined)
    return past === undefined
      ? pendingUntil(
          validBefore,
          undefined,
          now,
          'Its nonce was used, and the node does not show by which transaction',
        )
      : { state: 'unknown', reason: 'Its nonce was used, and the node does not show by which transaction' }
  if (log !== undefined && paid(receipt.logs, detail))
    return { state: 'settled', reference: taker.transactionHash }
  const final = await readBlock(node, 'finalized')
  if (!isFinal(final, receipt.blockNumber))
    return pendingUntil(
      validBefore,
      final,
      now,
      'Its nonce was used for something else, in a block that is not final yet',
    )
  return {
    state: 'void',
    reason: log === undefined ? 'It was cancelled' : 'Another credential used its nonce',
  }
}

/**
 * Checks for the signed transfer. A token that keeps a part of each transfer writes several transfers with the same
 * sum. If other payments of the same payer are among them, this payment is counted too high at worst.
 */
function paid(logs: readonly Log[], detail: AuthorizationDetail): boolean {
  const { token, sender } = detail
  const left = logs
    .filter(
      ({ address, topics }) =>
        address === token && topics[0] === TRANSFER_EVENT && topics[1] === word(sender),
    )
    .reduce((sum, { data }) => sum + BigInt(data), 0n)
  return left >= BigInt(detail.amount) && logs.some((log) => isTransfer(log, detail))
}

/** Finds a cancellation. The owner may cancel at any time, also after the expiry. */
async function cancellation(
  node: Node,
  { token, signedAt }: AuthorizationDetail,
  topics: readonly string[],
): Promise<Log | undefined> {
  const when = { signedAt, end: Number.POSITIVE_INFINITY }
  const [log] = await logsWithin(node, { address: token, topics: [CANCELED, ...topics] }, when)
  return log
}

import { PaymentError } from '../../errors/index.js'
import type { Instant } from '../../money/index.js'
import { sleep } from '../../util/timers.js'
import { notSentError } from '../shared.js'
import type { Hex } from './hex.js'
import { ask, hasReachedNobody, type Node } from './rpc.js'

const PAUSE_MS = 250

/**
 * Broadcasts a transaction and waits until a block contains it, because servers check only once. A failure leaves the
 * payment in doubt, because a node may have passed the transaction on. If no node could be reached, nothing was sent.
 */
export async function broadcast(
  nodes: readonly Node[],
  signed: Hex,
  { hash, validBefore }: { readonly hash?: Hex | undefined; readonly validBefore: number },
  config: { now(): Instant },
): Promise<void> {
  await sendToAny(nodes, signed)
  while (config.now() < validBefore * 1000) {
    const receipt = await receiptOf(nodes, hash)
    if (receipt === 'success') return
    if (receipt === 'failed') break
    await sleep(PAUSE_MS)
  }
  throw new PaymentError('wallet_failed', 'unknown', 'The chain did not confirm the payment')
}

/** @throws PaymentError `wallet_unavailable` if no node could be reached, which proves that nothing was sent. */
async function sendToAny(nodes: readonly Node[], signed: Hex): Promise<void> {
  let reached = nodes.length === 0
  for (const node of nodes) {
    try {
      await node.call('eth_sendRawTransaction', [signed])
      return
    } catch (error) {
      // A node that returns an error may still have passed the transaction on, or may know it already. Only the chain
      // can tell.
      reached ||= !hasReachedNobody(error)
    }
  }
  if (!reached)
    throw notSentError(
      'No node of the chain could be reached, so the payment was not sent. Check the `rpc` option of the wallet.',
    )
}

async function receiptOf(
  nodes: readonly Node[],
  hash: Hex | undefined,
): Promise<'success' | 'failed' | undefined> {
  try {
    const receipt = await ask(nodes, 'eth_getTransactionReceipt', [hash])
    if (typeof receipt !== 'object' || receipt === null || !('status' in receipt)) return undefined
    return receipt.status === '0x1' ? 'success' : 'failed'
  } catch {
    return undefined
  }
}

import { PaymentError } from '../../errors/index.js'
import type { Instant } from '../../money/index.js'
import type { Hex } from './hex.js'
import { ask, type Node } from './rpc.js'

const PAUSE_MS = 250

/**
 * Broadcasts a transaction and waits until a block has it, since servers look only once. Every failure here is a
 * doubt: the nodes may have passed it on.
 */
export async function broadcast(
  nodes: readonly Node[],
  signed: Hex,
  { hash, validBefore }: { readonly hash?: Hex | undefined; readonly validBefore: number },
  config: { now(): Instant },
): Promise<void> {
  try {
    await ask(nodes, 'eth_sendRawTransaction', [signed])
  } catch {
    // A node that refuses may still have passed it on, or know it from another: only the chain can tell.
  }
  while (config.now() < validBefore * 1000) {
    const receipt = await receiptOf(nodes, hash)
    if (receipt === 'success') return
    if (receipt === 'failed') break
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS))
  }
  throw new PaymentError('wallet_failed', 'unknown', 'The chain did not confirm the payment')
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

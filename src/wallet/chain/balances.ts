import type { Instant } from '../../money/index.js'
import { cachedReads } from './cached-reads.js'
import { balanceCall } from './contracts.js'
import type { Hex } from './hex.js'
import { ask, type Node } from './rpc.js'

export interface Balances {
  /** Returns the cached balance; the first call reads it. Undefined if no node answered. */
  known(chainId: number, token: Hex, now: Instant): Promise<bigint | undefined>
  /** Reads the balance from the chain. */
  read(chainId: number, token: Hex, now: Instant): Promise<bigint | undefined>
  /** Subtracts the amount of a signed payment. */
  took(chainId: number, token: Hex, value: bigint): void
}

/** The time limit of a first read, in milliseconds. A first read delays a payment, so a slow node is not waited for. */
export const PATIENCE_MS = 2_500

/** Caches the balances of one account. Stale balances are refreshed in parallel to a payment and never delay it. */
export function balanceCache(
  account: Hex,
  nodesOf: (chainId: number) => readonly Node[] | undefined,
): Balances {
  const cache = cachedReads((chainId, token) => readBalance(nodesOf(chainId) ?? [], token, account))
  return {
    known: cache.known,
    read: cache.read,
    took: (chainId, token, value) =>
      cache.change(chainId, token, (held) => (held > value ? held - value : 0n)),
  }
}

/** Never rejects: if a balance cannot be read, the payment continues without it. */
async function readBalance(nodes: readonly Node[], token: Hex, account: Hex): Promise<bigint | undefined> {
  const params = [balanceCall(token, account), 'latest']
  try {
    const result = await ask(nodes, 'eth_call', params, AbortSignal.timeout(PATIENCE_MS))
    return typeof result === 'string' && /^0x[0-9a-fA-F]{1,64}$/.test(result) ? BigInt(result) : undefined
  } catch {
    return undefined
  }
}

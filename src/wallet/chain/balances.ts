import type { Instant } from '../../money/index.js'
import { cachedReads } from './cached-reads.js'
import type { Hex } from './hex.js'
import { ask, type Node } from './rpc.js'

/** What the account holds, as far as is known without waiting. */
export interface Balances {
  /** The cached balance; read once where nothing is known yet. Undefined: no node answered, so nobody knows. */
  known(chainId: number, token: Hex, now: Instant): Promise<bigint | undefined>
  /** Reads it now. */
  read(chainId: number, token: Hex, now: Instant): Promise<bigint | undefined>
  /** A signed payment will take this much. */
  took(chainId: number, token: Hex, value: bigint): void
}

/** A first reading holds up a payment; a node that is this slow is not waited for. */
export const PATIENCE_MS = 2_500

/** Balances of one account. Stale ones are refreshed beside the payment, never before it. */
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

/** Never rejects: a balance that cannot be read is unknown, and the payment goes on without it. */
async function readBalance(nodes: readonly Node[], token: Hex, account: Hex): Promise<bigint | undefined> {
  const data = `0x70a08231${account.slice(2).padStart(64, '0')}`
  try {
    const result = await ask(
      nodes,
      'eth_call',
      [{ to: token, data }, 'latest'],
      AbortSignal.timeout(PATIENCE_MS),
    )
    return typeof result === 'string' && /^0x[0-9a-fA-F]{1,64}$/.test(result) ? BigInt(result) : undefined
  } catch {
    return undefined
  }
}

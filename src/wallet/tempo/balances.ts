import type { Instant } from '../../money/index.js'
import type { Hex } from './charge.js'
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

interface Entry {
  value: bigint | undefined
  at: Instant
  reading?: Promise<bigint | undefined>
}

/** Older than this, a balance is read again in the background, and the old one used meanwhile. */
const FRESH_MS = 15_000
/** A first reading holds up a payment; a node that is this slow is not waited for. */
const PATIENCE_MS = 2_500

/** Balances of one account. Stale ones are refreshed beside the payment, never before it. */
export function balanceCache(
  account: Hex,
  nodesOf: (chainId: number) => readonly Node[] | undefined,
): Balances {
  const entries = new Map<string, Entry>()
  const entryOf = (chainId: number, token: Hex): Entry => {
    const key = `${chainId}:${token}`
    const entry = entries.get(key) ?? { value: undefined, at: Number.NEGATIVE_INFINITY }
    entries.set(key, entry)
    return entry
  }
  const read: Balances['read'] = (chainId, token, now) => {
    const entry = entryOf(chainId, token)
    entry.reading ??= readBalance(nodesOf(chainId) ?? [], token, account).then((value) => {
      delete entry.reading
      // An unanswered reading counts as one, so that a node that is down is not asked on every payment.
      entry.at = now
      if (value !== undefined) entry.value = value
      return value
    })
    return entry.reading
  }
  return {
    read,
    async known(chainId, token, now) {
      const entry = entryOf(chainId, token)
      if (now - entry.at < FRESH_MS) return entry.value
      const reading = read(chainId, token, now)
      return entry.value ?? reading
    },
    took(chainId, token, value) {
      const entry = entryOf(chainId, token)
      if (entry.value !== undefined) entry.value = entry.value > value ? entry.value - value : 0n
    },
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

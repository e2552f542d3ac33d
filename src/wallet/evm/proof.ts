import type { Verdict } from '../../ledger/index.js'
import type { Instant } from '../../money/index.js'
import {
  type Block,
  firstBlockAt,
  type Hex,
  type Log,
  type Node,
  readBlock,
  readLogs,
  word,
} from '../chain/index.js'

/** `Transfer(address,address,uint256)` */
export const TRANSFER: Hex = '0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef'

const LEAST_WAIT_MS = 3_000
const MOST_WAIT_MS = 10 * 60_000
/** While it lives it may be settled at any time, and nobody says so. */
const ALIVE_MS = 10_000

/** Still open; to be looked at again when it may have been settled, or when a block past its end can be final. */
export function pendingUntil(
  end: number,
  final: Block | undefined,
  now: Instant,
  reason = 'It can still be settled',
): Verdict {
  const alive = end * 1000 - now
  if (alive > 0)
    return { state: 'pending', recheckAt: now + Math.min(alive + LEAST_WAIT_MS, ALIVE_MS), reason }
  // How far the final block is behind the end says how long it takes it to get there.
  const behind = final === undefined ? 0 : (end - final.timestamp) * 1000
  const wait = Math.min(Math.max(behind, LEAST_WAIT_MS), MOST_WAIT_MS)
  return { state: 'pending', recheckAt: now + wait, reason }
}

/** Clocks are wrong by minutes: a search that missed its hit would cost a proof. */
const MARGIN_S = 600
/** What public nodes search at once. */
const MOST_BLOCKS = 2_000n
/** More than the fastest chain has blocks in a day. A node that says it has more is not asked for ever. */
const MOST_SEARCHES = 250

/**
 * Logs between the signature and the end of a credential, which is in seconds. That there are none proves nothing: nodes
 * hide and forget them, and the search has an end.
 */
export async function logsWithin(
  node: Node,
  what: { readonly address: Hex; readonly topics: readonly (string | null)[] },
  when: { readonly signedAt: Instant; readonly end: number },
): Promise<readonly Log[]> {
  const latest = await readBlock(node, 'latest')
  if (latest === undefined) return []
  const start = await firstBlockAt(node, Math.floor(when.signedAt / 1000) - MARGIN_S, latest)
  const end = await firstBlockAt(node, when.end, latest)
  const found: Log[] = []
  let from = start.number
  for (let searches = 0; from <= end.number && searches < MOST_SEARCHES; searches++) {
    const last = from + MOST_BLOCKS - 1n
    const to = last < end.number ? last : end.number
    found.push(...(await readLogs(node, { ...what, from, to })))
    from = to + 1n
  }
  return found
}

/** Is this the transfer that was signed for, by the token's own record? */
export function isTransfer(
  log: Log,
  { token, sender, to }: { readonly token: Hex; readonly sender: Hex; readonly to: Hex },
): boolean {
  const [kind, from, payee] = log.topics
  return log.address === token && kind === TRANSFER && from === word(sender) && payee === word(to)
}

/** Is a block final that has, or follows, this one? */
export function isFinal(final: Block | undefined, blockNumber: bigint): boolean {
  return final !== undefined && final.number >= blockNumber
}

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
  TRANSFER_EVENT,
  word,
} from '../chain/index.js'

const LEAST_WAIT_MS = 3_000
const MOST_WAIT_MS = 10 * 60_000
/** The interval between checks of a live credential in milliseconds: it may be settled at any time, without notice. */
const ALIVE_MS = 10_000

/**
 * Creates a pending verdict. The next check is due when the credential may have been settled, or when a block past its
 * expiry can be final.
 */
export function pendingUntil(
  end: number,
  final: Block | undefined,
  now: Instant,
  reason = 'It can still be settled',
): Verdict {
  const alive = end * 1000 - now
  if (alive > 0)
    return { state: 'pending', recheckAt: now + Math.min(alive + LEAST_WAIT_MS, ALIVE_MS), reason }
  // The distance of the final block from the expiry shows how long it takes until that block is final.
  const behind = final === undefined ? 0 : (end - final.timestamp) * 1000
  const wait = Math.min(Math.max(behind, LEAST_WAIT_MS), MOST_WAIT_MS)
  return { state: 'pending', recheckAt: now + wait, reason }
}

/** Clocks are wrong by minutes, and a search that misses its log would cost a proof. */
const MARGIN_S = 600
/** The block range that public nodes search at once. */
const MOST_BLOCKS = 2_000n
/**
 * The limit of searches: more than the fastest chain needs for a day. It bounds the work if a node reports more blocks.
 */
const MOST_SEARCHES = 250

/**
 * Finds logs between the signature and the expiry of a credential, in seconds. An empty result proves nothing: nodes
 * hide and delete logs, and the search is limited.
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

export function isTransfer(
  log: Log,
  { token, sender, to }: { readonly token: Hex; readonly sender: Hex; readonly to: Hex },
): boolean {
  const [kind, from, payee] = log.topics
  return log.address === token && kind === TRANSFER_EVENT && from === word(sender) && payee === word(to)
}

export function isFinal(final: Block | undefined, blockNumber: bigint): boolean {
  return final !== undefined && final.number >= blockNumber
}

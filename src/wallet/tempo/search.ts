import { PaymentError } from '../../errors/index.js'
import { type Log, type Node, readBlock, readLogs } from '../chain/index.js'
import type { Hex } from './charge.js'

/** A log search: events of one contract from a block to the latest. */
export interface Search {
  readonly address: Hex
  readonly topics: readonly Hex[]
  readonly since: bigint
}

const MOST_REQUESTS = 128

/**
 * Finds all events from a block on, the oldest first. Nodes limit the range of one search, each differently, so a
 * refused search is split in halves, up to a limit.
 *
 * @throws PaymentError `wallet_unavailable` if no node returns all of them.
 */
export async function searchLogs(nodes: readonly Node[], search: Search): Promise<readonly Log[]> {
  const { since: from, ...filter } = search
  let failure: unknown = new PaymentError('wallet_unavailable', 'untouched', 'No node has a block yet')
  for (const node of nodes) {
    try {
      const latest = await readBlock(node, 'latest')
      if (latest !== undefined)
        return await searchRange(node, { ...filter, from, to: latest.number }, { left: MOST_REQUESTS })
    } catch (error) {
      failure = error
    }
  }
  throw failure
}

type Stretch = Parameters<typeof readLogs>[1]

async function searchRange(
  node: Node,
  stretch: Stretch,
  requests: { left: number },
): Promise<readonly Log[]> {
  const { from, to } = stretch
  requests.left--
  try {
    return await readLogs(node, stretch)
  } catch (error) {
    if (requests.left <= 0 || to <= from) throw error
  }
  const middle = (from + to) / 2n
  const older = await searchRange(node, { ...stretch, to: middle }, requests)
  return [...older, ...(await searchRange(node, { ...stretch, from: middle + 1n }, requests))]
}

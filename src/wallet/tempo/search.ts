import { PaymentError } from '../../errors/index.js'
import { type Log, type Node, readBlock, readLogs } from '../chain/index.js'
import type { Hex } from './charge.js'

/** What is looked for: events of one contract from a block on, the newest included. */
export interface Search {
  readonly address: Hex
  readonly topics: readonly Hex[]
  readonly since: bigint
}

/** One search is cut into at most this many. */
const MOST_REQUESTS = 128

/**
 * Every event from a block on, the oldest first. Nodes limit how far one search reaches, and each by a number of its own:
 * a search that is refused is halved, within reason.
 *
 * @throws PaymentError `wallet_unavailable` if no node shows all of them.
 */
export async function searchLogs(nodes: readonly Node[], search: Search): Promise<readonly Log[]> {
  const { since: from, ...filter } = search
  let failure: unknown = new PaymentError('wallet_unavailable', 'untouched', 'No node has a block yet')
  for (const node of nodes) {
    try {
      const latest = await readBlock(node, 'latest')
      if (latest !== undefined)
        return await within(node, { ...filter, from, to: latest.number }, { left: MOST_REQUESTS })
    } catch (error) {
      failure = error
    }
  }
  throw failure
}

type Stretch = Parameters<typeof readLogs>[1]

async function within(node: Node, stretch: Stretch, requests: { left: number }): Promise<readonly Log[]> {
  const { from, to } = stretch
  requests.left--
  try {
    return await readLogs(node, stretch)
  } catch (error) {
    if (requests.left <= 0 || to <= from) throw error
  }
  const middle = (from + to) / 2n
  const older = await within(node, { ...stretch, to: middle }, requests)
  return [...older, ...(await within(node, { ...stretch, from: middle + 1n }, requests))]
}

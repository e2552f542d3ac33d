import type { NodeFault } from '../port.js'
import { chainCheck } from './chain-check.js'
import { type Node, node } from './rpc.js'

/** Nodes by chain id. */
export type Nodes = (chainId: number) => readonly Node[] | undefined

/** The nodes of a wallet. */
export interface NodeBook {
  /** Unchecked nodes, for data that proves itself: a receipt, or a view that is checked against the chain id. */
  readonly nodes: Nodes
  /**
   * The same nodes, for data that must be trusted, and for broadcasts. Each node is asked for its chain id first, once.
   */
  readonly checkedNodes: Nodes
  /** Returns the faults of nodes; each fault is returned once. */
  readonly nodeFaults: () => readonly NodeFault[]
}

/** URLs of nodes by chain id. */
export type NodeUrls = Readonly<Record<number, string | readonly string[]>>

/** @throws TypeError if an entry is not the URL of a node. */
export function nodesOf(known: NodeUrls, own: NodeUrls = {}, fetch: typeof globalThis.fetch): NodeBook {
  const nodes = new Map<number, readonly Node[]>()
  const checkedNodes = new Map<number, readonly Node[]>()
  const { checked, faults } = chainCheck()
  for (const [id, urls] of Object.entries({ ...known, ...own })) {
    const list = typeof urls === 'string' ? [urls] : urls
    if (!Array.isArray(list) || list.length === 0 || !list.every(isHttp))
      throw new TypeError(`rpc[${id}] must be an http(s) URL or a list of them`)
    const chainId = checkChainId(Number(id))
    const made = list.map((url) => node(url, fetch))
    nodes.set(chainId, made)
    checkedNodes.set(
      chainId,
      made.map((each) => checked(each, chainId)),
    )
  }
  return {
    nodes: (id) => nodes.get(id),
    checkedNodes: (id) => checkedNodes.get(id),
    nodeFaults: faults,
  }
}

function isHttp(url: unknown): boolean {
  return typeof url === 'string' && URL.canParse(url) && /^https?:$/.test(new URL(url).protocol)
}

/** @throws TypeError if the number is not a chain id. */
export function checkChainId(id: number): number {
  if (!Number.isSafeInteger(id) || id <= 0) throw new TypeError('A chain id must be a positive integer')
  return id
}

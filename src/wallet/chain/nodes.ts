import type { NodeFault, ServerTime } from '../port.js'
import { chainCheck } from './chain-check.js'
import { type Node, node } from './rpc.js'

export type Nodes = (chainId: number) => readonly Node[] | undefined

export interface NodeBook {
  /** Unchecked nodes, for data that proves itself: a receipt, or a view that is checked against the chain id. */
  readonly nodes: Nodes
  /**
   * The same nodes, for data that must be trusted, and for broadcasts. Each node is asked for its chain id first, once.
   */
  readonly checkedNodes: Nodes
  /** Returns the faults of nodes; each fault is returned once. */
  readonly nodeFaults: () => readonly NodeFault[]
  /** Returns the recent statements of the nodes about the time. */
  readonly serverTimes: () => readonly ServerTime[]
}

export type NodeUrls = Readonly<Record<number, string | readonly string[]>>

/** @throws TypeError if an entry is not the URL of a node. */
export function nodesOf(known: NodeUrls, own: NodeUrls = {}, fetch = globalThis.fetch): NodeBook {
  const clock = serverClock(fetch)
  const nodes = new Map<number, readonly Node[]>()
  const checkedNodes = new Map<number, readonly Node[]>()
  const { checked, faults } = chainCheck()
  for (const [id, urls] of Object.entries({ ...known, ...own })) {
    const list = typeof urls === 'string' ? [urls] : urls
    if (!Array.isArray(list) || list.length === 0 || !list.every(isHttp))
      throw new TypeError(`rpc[${id}] must be an http(s) URL or a list of them`)
    const chainId = checkChainId(Number(id))
    const made = list.map((url) => node(url, clock.fetch))
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
    serverTimes: clock.times,
  }
}

/** Remembers the latest `Date` of each server that a `fetch` reaches by https. */
function serverClock(fetch: typeof globalThis.fetch): {
  readonly fetch: typeof globalThis.fetch
  readonly times: () => readonly ServerTime[]
} {
  const heard = new Map<string, ServerTime>()
  return {
    times: () => [...heard.values()],
    async fetch(input, init) {
      const reply = await fetch(input, init)
      const at = Date.parse(reply.headers?.get('date') ?? '')
      const url = new URL(input instanceof Request ? input.url : input)
      if (url.protocol === 'https:' && !Number.isNaN(at))
        heard.set(url.hostname, { host: url.hostname, at, since: performance.now() })
      return reply
    },
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

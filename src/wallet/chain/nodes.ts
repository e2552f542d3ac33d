import { type Node, node } from './rpc.js'

/** Nodes by chain id. */
export type Nodes = (chainId: number) => readonly Node[] | undefined

/** URLs of nodes by chain id. */
export type NodeUrls = Readonly<Record<number, string | readonly string[]>>

/** @throws TypeError for what is no node. */
export function nodesOf(known: NodeUrls, own: NodeUrls = {}, fetch: typeof globalThis.fetch): Nodes {
  const nodes = new Map<number, readonly Node[]>()
  for (const [id, urls] of Object.entries({ ...known, ...own })) {
    const list = typeof urls === 'string' ? [urls] : urls
    if (!Array.isArray(list) || list.length === 0 || !list.every(isHttp))
      throw new TypeError(`rpc[${id}] must be an http(s) URL or a list of them`)
    nodes.set(
      checkChainId(Number(id)),
      list.map((url) => node(url, fetch)),
    )
  }
  return (id) => nodes.get(id)
}

function isHttp(url: unknown): boolean {
  return typeof url === 'string' && URL.canParse(url) && /^https?:$/.test(new URL(url).protocol)
}

/** @throws TypeError for what is no chain id. */
export function checkChainId(id: number): number {
  if (!Number.isSafeInteger(id) || id <= 0) throw new TypeError('A chain id must be a positive integer')
  return id
}

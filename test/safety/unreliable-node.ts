import type { Chain } from '../chain/chain.js'
import { type Front, startFront } from '../live/front.js'
import { record } from '../live/world.js'

/** A node in front of the real one: honest, behind by some blocks for ever, or denying that anything ever happened. */
export interface UnreliableNode extends Pick<Front, 'origin' | 'close'> {
  /** From now on it shows the chain as it is now. */
  lag(): Promise<void>
  /** From now on nothing was ever included, and everything is final and long past. */
  deny(): void
  honest(): void
}

const A_DAY = 86_400
const NOTHING = `0x${'0'.repeat(64)}`

export async function startUnreliableNode(chain: Chain): Promise<UnreliableNode> {
  let message: 'truth' | 'old' | 'nothing' = 'truth'
  let stuck = { latest: '0x0', finalized: '0x0' }
  const numberOf = async (tag: string): Promise<string> =>
    String(record(await chain.rpc('eth_getBlockByNumber', [tag, false]))['number'])
  const old = (method: string, [first, ...rest]: readonly unknown[]): Promise<unknown> => {
    const at = first === 'latest' ? stuck.latest : first === 'finalized' ? stuck.finalized : first
    return method === 'eth_getTransactionReceipt'
      ? Promise.resolve(null)
      : chain.rpc(method, [method === 'eth_getBlockByNumber' ? at : first, ...rest])
  }
  const nothing = async (method: string, params: readonly unknown[]): Promise<unknown> => {
    if (method === 'eth_getTransactionReceipt') return null
    if (method === 'eth_getLogs') return []
    if (method === 'eth_getStorageAt' || method === 'eth_call') return NOTHING
    const block = record(await chain.rpc(method, params))
    const late = `0x${(Number(block['timestamp']) + A_DAY).toString(16)}`
    return method === 'eth_getBlockByNumber' && params[0] === 'finalized'
      ? { ...block, timestamp: late }
      : block
  }
  const front = await startFront(chain.url, async ({ text, forward }) => {
    const { id, method, params } = record(JSON.parse(text))
    // Whatever it says of the chain, it says of this one.
    if (message === 'truth' || method === 'eth_chainId') return forward()
    const answer = message === 'old' ? old : nothing
    const result = await answer(String(method), Array.isArray(params) ? params : [])
    return Response.json({ jsonrpc: '2.0', id, result })
  })
  return {
    origin: front.origin,
    close: front.close,
    async lag() {
      stuck = { latest: await numberOf('latest'), finalized: await numberOf('finalized') }
      message = 'old'
    },
    deny() {
      message = 'nothing'
    },
    honest() {
      message = 'truth'
    },
  }
}

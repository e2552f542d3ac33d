import { CHAIN_ID } from './server.js'

/** What a node of the chain says. Whoever holds it changes it as the test goes on. */
export interface StubNode {
  readonly fetch: typeof globalThis.fetch
  /** What the account holds, in the token's own decimals. */
  balance: bigint
  /** Final blocks are from a time when every payment has run out, and none was ever included. */
  past: boolean
  /** The next nonce of every lane, in final state. */
  laneNonce: bigint
  down: boolean
}

/** A node that knows blocks and balances, and of no transaction. */
export function stubNode(): StubNode {
  const node: StubNode = {
    balance: 10n ** 15n,
    past: false,
    laneNonce: 0n,
    down: false,
    fetch: async (_, init) => {
      if (node.down) throw new TypeError('fetch failed')
      const { id, method, params } = JSON.parse(String(init?.body))
      return Response.json({ jsonrpc: '2.0', id, result: answer(node, method, params) })
    },
  }
  return node
}

function answer(node: StubNode, method: string, params: readonly unknown[]): unknown {
  switch (method) {
    case 'eth_chainId':
      return hex(BigInt(CHAIN_ID))
    case 'eth_call':
      return word(JSON.stringify(params).includes('0x89535803') ? node.laneNonce : node.balance)
    case 'eth_getBlockByNumber':
      return blockAt(params[0], node.past)
    case 'eth_getLogs':
      return []
    case 'eth_getTransactionReceipt':
      return null
    default:
      return '0x0'
  }
}

/** One block a second, up to now; `past`: up to an hour from now. */
function blockAt(at: unknown, past: boolean): unknown {
  const newest = BigInt(Math.floor(Date.now() / 1000) + (past ? 3_600 : 0))
  const number = typeof at === 'string' && at.startsWith('0x') ? BigInt(at) : newest
  return { number: hex(number), hash: word(number), timestamp: hex(number), transactions: [] }
}

const hex = (value: bigint): string => `0x${value.toString(16)}`
const word = (value: bigint): string => `0x${value.toString(16).padStart(64, '0')}`

import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { keccak256 } from 'viem'
import { BOMB } from './floods.js'
import { CENT, CHAIN_ID, TOKEN } from './offers.js'
import { EVM_CHAIN_ID } from './x402-offers.js'

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
  /** What it says of its chain, if not the truth. */
  chain?: string
  /** It shows a cent of the token that is paid with, and plenty of every other one. */
  poor: boolean
  /** What was broadcast. It counts as included at once. */
  readonly sent: readonly `0x${string}`[]
}

/** A node that knows blocks and balances, and of no transaction. */
export function stubNode(): StubNode {
  const sent: `0x${string}`[] = []
  const node: StubNode = {
    sent,
    balance: 10n ** 15n,
    past: false,
    laneNonce: 0n,
    down: false,
    poor: false,
    fetch: async (input, init) => {
      if (node.down) throw new TypeError('fetch failed')
      const { id, method, params } = JSON.parse(String(init?.body))
      const result =
        method === 'eth_chainId'
          ? (node.chain ?? hex(chainAt(String(input))))
          : answer(node, sent, method, params)
      return Response.json({ jsonrpc: '2.0', id, result })
    },
  }
  return node
}

function answer(node: StubNode, sent: `0x${string}`[], method: string, params: readonly unknown[]): unknown {
  switch (method) {
    case 'eth_call': {
      const call = JSON.stringify(params)
      return channelIn(call) ?? word(called(node, call))
    }
    case 'eth_getBlockByNumber':
      return blockAt(params[0], node.past)
    case 'eth_getLogs':
      return []
    case 'eth_getTransactionReceipt':
      return receiptOf(sent.find((raw) => keccak256(raw) === params[0]))
    case 'eth_sendRawTransaction':
    case 'eth_sendRawTransactionSync': {
      const raw = String(params[0]) as `0x${string}`
      sent.push(raw)
      return method === 'eth_sendRawTransaction' ? keccak256(raw) : receiptOf(raw)
    }
    case 'eth_fillTransaction':
      return { raw: '0x', tx: { ...Object(params[0]), ...FILLED } }
    default:
      return '0x0'
  }
}

/** One node for both chains: they share everything but the id, and are told apart by the path. */
export const EVM_PATH = '/evm'

function chainAt(address: string): bigint {
  return BigInt(address.endsWith(EVM_PATH) ? EVM_CHAIN_ID : CHAIN_ID)
}

/** Every channel is open, with a dollar in it, of which nothing was taken: as version 2 says it, and version 1. */
function channelIn(call: string): string | undefined {
  const [nothing, dollar] = [0n, 1_000_000n]
  if (call.includes('0xd18da8b1')) return words([nothing, dollar, nothing])
  const somebody = 1n
  if (call.includes('0x831c2b82'))
    return words([nothing, nothing, ...Array.from({ length: 4 }, () => somebody), dollar, nothing])
  return undefined
}

function words(values: readonly bigint[]): string {
  return `0x${values.map((value) => word(value).slice(2)).join('')}`
}

/** Lane nonces of Tempo, used nonces of EIP-3009 and of Permit2 (none), and what is held or may be taken. */
function called({ laneNonce, balance, poor }: StubNode, call: string): bigint {
  if (call.includes('0x89535803')) return laneNonce
  if (poor && call.includes(TOKEN)) return CENT
  return /0xe94a0102|0x4fe02b44/.test(call) ? 0n : balance
}

/** What a node fills into a transaction that is not complete. */
const FILLED = {
  gas: '0xbf680',
  maxFeePerGas: '0x4a817c800',
  maxPriorityFeePerGas: '0x0',
  nonce: '0x0',
  chainId: hex(BigInt(CHAIN_ID)),
}

/** Included in the newest block, without a word of what it did. */
function receiptOf(raw: `0x${string}` | undefined): unknown {
  if (raw === undefined) return null
  const block = { blockNumber: '0x1', blockHash: word(1n), transactionIndex: '0x0' }
  const rest = { logs: [], logsBloom: word(0n), gasUsed: '0x1', cumulativeGasUsed: '0x1', type: '0x76' }
  return { transactionHash: keccak256(raw), status: '0x1', effectiveGasPrice: '0x1', ...block, ...rest }
}

/** One block a second, up to now; `past`: up to an hour from now. */
function blockAt(at: unknown, past: boolean): unknown {
  const newest = BigInt(Math.floor(Date.now() / 1000) + (past ? 3_600 : 0))
  const number = typeof at === 'string' && at.startsWith('0x') ? BigInt(at) : newest
  return { number: hex(number), hash: word(number), timestamp: hex(number), transactions: [] }
}

function hex(value: bigint): string {
  return `0x${value.toString(16)}`
}

function word(value: bigint): string {
  return `0x${value.toString(16).padStart(64, '0')}`
}

/**
 * How a node can mean harm. `endless` and `bomb` exhaust whoever asks. `other-chain` is of another chain, and `no-chain` says
 * no id: both show a rich account, and final blocks in which nothing was ever paid. `no-fee-in-own-token` shows an account
 * that holds a cent of the token it pays with, and plenty of every other one.
 */
export type NodeFault = 'endless' | 'bomb' | 'other-chain' | 'no-chain' | 'no-fee-in-own-token'

const FAULTS: Readonly<Partial<Record<NodeFault, (response: ServerResponse) => void>>> = {
  endless(response) {
    response.write('{"jsonrpc":"2.0","id":1,"result":"0x')
    const more = (): void => {
      if (response.destroyed) return
      if (response.write('0'.repeat(16_384))) setImmediate(more)
      else response.once('drain', more)
    }
    more()
  },
  bomb: (response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end(BOMB),
}

/** The same node on a socket, for clients that are given nothing but its address. */
export async function listeningNode(fault?: NodeFault): Promise<{
  readonly node: StubNode
  readonly url: string
  /** What the sockets took of its words, in bytes. */
  readonly taken: number
  close(): Promise<void>
}> {
  const node = stubNode()
  const lies = fault === 'other-chain' || fault === 'no-chain'
  node.past = lies
  if (lies) node.chain = fault === 'no-chain' ? '0x' : '0x1'
  node.poor = fault === 'no-fee-in-own-token'
  const sockets = new Set<Socket>()
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const answer = fault && FAULTS[fault]
    if (answer !== undefined) return answer(response)
    const reply = await node.fetch(`http://127.0.0.1${request.url}`, {
      method: 'POST',
      body: Buffer.concat(chunks).toString(),
    })
    response.writeHead(200, { 'content-type': 'application/json' }).end(await reply.text())
  })
  server.on('connection', (socket) => sockets.add(socket))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    node,
    url: `http://127.0.0.1:${port}/`,
    get taken() {
      return takenBy(sockets)
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/** What these sockets took, in bytes. */
export function takenBy(sockets: Iterable<Socket>): number {
  return [...sockets].reduce(
    (sum, { bytesWritten, writableLength }) => sum + bytesWritten - writableLength,
    0,
  )
}

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type JsonRpcOptions, jsonRpc, type RpcRequest, type RpcResponse } from '../../src/mcp/index.js'
import { makeBuyer } from '../evm/buyer.js'
import { type EvmChain, startEvmChain } from '../evm/chain.js'
import { dualServer } from '../mcp/dual-wrapper.js'
import { rawServer, rawTools, rootServer, serveRaw } from '../mcp/raw-server.js'
import { connect } from '../mcp/sdk-clients.js'
import { type HttpServer, serveEach } from '../mcp/sdk-http.js'
import { only, startWorld, type World } from './world.js'

// The other two ways in which mppx charges over JSON-RPC: its wrapper for MPP and x402 together, and its transport for raw messages.

const servers: HttpServer[] = []
afterAll(() => Promise.all(servers.map((server) => server.close())))

function opened(server: HttpServer): URL {
  servers.push(server)
  return server.url
}

describe('the wrapper for MPP and x402', () => {
  let chain: EvmChain
  beforeAll(async () => {
    chain = await startEvmChain()
  })
  afterAll(() => chain?.stop())

  test.each([
    ['evm/charge', '1.x'],
    ['evm/charge', '2.x'],
    ['x402/exact', '1.x'],
    ['x402/exact', '2.x'],
  ] as const)('is paid by %s from a client of %s, and chain and ledger agree', async (kind, line) => {
    const url = opened(await serveEach(await dualServer(chain)))
    await using buyer = await makeBuyer(chain, { origins: ['mcp:shop'], prefer: [kind] })
    const client = await connect(line, url, buyer.purser)
    const found = await client.callTool('search')
    expect(found).toMatchObject({ content: [{ text: 'one result' }] })
    expect(only(await buyer.payments())).toMatchObject({
      state: 'settled',
      delivered: true,
      proof: 'receipt',
      terms: { kind },
    })
    expect([await buyer.left(), await buyer.booked(), buyer.signatures()]).toEqual([10_000n, 10_000n, 1])
    await client.close()
  })
})

describe('the transport for raw messages', () => {
  const PRICE = 10_000n
  let world: World
  beforeAll(async () => {
    world = await startWorld()
  })
  afterAll(() => world?.stop())

  const buyerOf = (origin: string) => world.buyer({ origins: [origin] })

  /** One payment of the price, delivered, and the same sum on the chain and in the ledger. */
  async function paidOnce(buyer: Awaited<ReturnType<typeof buyerOf>>): Promise<void> {
    expect(only(await buyer.payments())).toMatchObject({
      state: 'settled',
      delivered: true,
      proof: 'receipt',
    })
    // The receipt does not name the fee: the chain does.
    await buyer.purser.recover({ reconcile: true })
    const left = await buyer.left()
    expect(left).toBeGreaterThanOrEqual(PRICE)
    expect([await buyer.booked(), buyer.signatures()]).toEqual([left, 1])
  }

  test.each(['1.x', '2.x'] as const)('is paid by a client of %s', async (line) => {
    const tools = rawTools(
      rawServer(world.chain, () => ({ content: [{ type: 'text', text: 'one result' }] })),
    )
    const url = opened(await serveRaw(tools))
    const buyer = await buyerOf('mcp:shop')
    const client = await connect(line, url, buyer.purser)
    expect(await client.callTool('search')).toMatchObject({ content: [{ text: 'one result' }] })
    await paidOnce(buyer)
    await client.close()
  })

  async function post(url: URL, request: RpcRequest): Promise<RpcResponse> {
    const headers = { 'content-type': 'application/json' }
    const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(request) })
    return JSON.parse(await response.text())
  }

  const BLOCK = { jsonrpc: '2.0', id: 1, method: 'eth_getBlockByNumber', params: ['latest', false] } as const
  const TOOL = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'search' } } as const
  const SEARCH = { jsonrpc: '2.0', id: 1, method: 'search', params: { query: 'tea' } } as const

  test.each<[string, RpcRequest, Partial<JsonRpcOptions>, boolean]>([
    ['with a _meta at the root', BLOCK, {}, true],
    ['for a method of MCP, with a _meta in the params', TOOL, {}, false],
    ['for any method, with a _meta in the params', SEARCH, { meta: 'params' }, false],
  ])('is paid by jsonRpc %s', async (_, request, options, root) => {
    const paid = rawServer(world.chain, () => ({ value: '0x1' }))
    const url = opened(await serveRaw(root ? rootServer(paid) : paid))
    const buyer = await buyerOf('jsonrpc:node')
    const call = jsonRpc((message) => post(url, message), buyer.purser, { server: 'node', ...options })
    const reply = await call(request)
    expect(root ? reply : reply.result).toMatchObject(root ? { result: '0x1' } : { value: '0x1' })
    expect(buyer.purser.paymentFor(reply)).toMatchObject({ state: 'settled', delivered: true })
    await paidOnce(buyer)
  })
})

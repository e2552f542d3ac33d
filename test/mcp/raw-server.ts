import { text } from 'node:stream/consumers'
import { Mppx, Store, Transport, tempo } from 'mppx/server'
import type { RpcRequest, RpcResponse } from '../../src/mcp/index.js'
import { ACCOUNTS, addressOf, alphaUSD, type Chain, clientFor } from '../chain/chain.js'
import { at, RECEIPT } from './kit.js'
import { type HttpServer, listen } from './sdk-http.js'

/** Answers JSON-RPC messages without an MCP SDK. */
export type RawServer = (request: RpcRequest) => Promise<RpcResponse>

/** Charges 0.01 AlphaUSD for every request, by mppx's transport for raw messages. It reads `params._meta` alone. */
export function rawServer(
  chain: Pick<Chain, 'url' | 'id'>,
  result: (request: RpcRequest) => object,
): RawServer {
  const client = clientFor(chain.url, ACCOUNTS.faucet, chain.id)
  const method = tempo.charge({
    currency: addressOf(alphaUSD),
    recipient: ACCOUNTS.payee.address,
    chainId: chain.id,
    getClient: () => client,
    store: Store.memory(),
    waitForConfirmation: true,
  })
  const mppx = Mppx.create({
    methods: [method],
    secretKey: 'a secret of this test server, 32 bytes or more',
    realm: 'node.test',
    transport: Transport.mcp(),
  })
  return async (request) => {
    const expires = new Date(Date.now() + 60_000).toISOString()
    const charged = await Reflect.apply(mppx.charge({ amount: '0.01', expires }), undefined, [request])
    if (charged.status === 402) return charged.challenge
    return charged.withReceipt({ jsonrpc: '2.0', id: request.id, result: result(request) })
  }
}

/**
 * The same for a server that keeps to draft-payment-transport-mcp: it reads `_meta` at the root too, and writes the receipt
 * where it read the credential.
 */
export function rootServer(server: RawServer): RawServer {
  return async ({ _meta, ...request }) => {
    if (_meta === undefined) return server(request)
    const answer = await server({ ...request, params: { _meta } })
    const receipt = at(answer.result, '_meta', RECEIPT)
    if (receipt === undefined) return answer
    return { ...answer, result: at(answer.result, 'value'), _meta: { [RECEIPT]: receipt } }
  }
}

/** The free messages of MCP, and paid tools, for the clients of an SDK. */
export function rawTools(server: RawServer): RawServer {
  return async (request) => {
    const { id, method } = request
    if (method === 'tools/call') return server(request)
    if (method !== 'initialize')
      return { jsonrpc: '2.0', id, error: { code: -32601, message: 'Method not found' } }
    const protocolVersion = at(request, 'params', 'protocolVersion')
    const serverInfo = { name: 'raw', version: '1' }
    return { jsonrpc: '2.0', id, result: { protocolVersion, capabilities: { tools: {} }, serverInfo } }
  }
}

/** Serves JSON-RPC over HTTP: one message, one answer. */
export function serveRaw(answer: RawServer): Promise<HttpServer> {
  return listen(async (incoming, response) => {
    const message = JSON.parse((await text(incoming)) || '{}')
    if (message.id === undefined) return response.writeHead(incoming.method === 'POST' ? 202 : 405).end()
    const body = JSON.stringify(await answer(message))
    return response.writeHead(200, { 'content-type': 'application/json' }).end(body)
  })
}

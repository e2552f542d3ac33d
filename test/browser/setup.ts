import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { TestProject } from 'vitest/node'
import { startChain } from '../chain/chain.js'
import { startPaidApi } from '../chain/server.js'

/** What a page needs to buy something: another origin that sells, a chain, and a key with money on it. */
export interface Shop {
  readonly origin: string
  readonly rpc: string
  readonly key: `0x${string}`
  /** CAIP-2. */
  readonly network: string
}

declare module 'vitest' {
  export interface ProvidedContext {
    shop: Shop
  }
}

/** Starts a local chain and, in front of an unmodified paid API, a server that lets pages of other origins in. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const chain = await startChain()
  const api = await startPaidApi({ chain })
  const { key } = await chain.account(1_000_000n)
  const server = createServer((request, response) => void forward(api.origin, request, response))
  const origin = await listen(server)
  project.provide('shop', { origin, rpc: chain.url, key, network: `eip155:${chain.id}` })
  return async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
    await api.close()
    await chain.stop()
  }
}

/** CORS as a shop would set it that knows nothing of Idempotency-Key: a preflight that names it fails. */
const CORS = {
  'access-control-allow-origin': '*',
  'access-control-allow-headers': 'authorization, content-type',
  'access-control-expose-headers': 'www-authenticate, payment-receipt',
}

async function forward(to: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (request.method === 'OPTIONS') {
    response.writeHead(204, CORS).end()
    return
  }
  const { authorization } = request.headers
  const answer = await fetch(`${to}${request.url}`, {
    headers: authorization === undefined ? {} : { authorization },
  })
  response
    .writeHead(answer.status, { ...Object.fromEntries(answer.headers), ...CORS })
    .end(await answer.text())
}

function listen(server: Server): Promise<string> {
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      resolve(`http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`)
    })
  })
}

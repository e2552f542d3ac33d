import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { onTestFinished } from 'vitest'
import { createPurser, type Purser, type PurserOptions } from '../../src/index.js'
import { type Ledger, memoryLedger } from '../../src/ledger/index.js'
import { slowWallet } from '../client/shop.js'

export const ORIGIN = 'https://shop.example'
const request = Buffer.from('{}').toString('base64url')
const receipt = Buffer.from(JSON.stringify({ method: 'slow', status: 'success' })).toString('base64url')

/** A purser whose payments need a person. Only the shop is played; every other address is dialled. */
export function askingPurser(more: Partial<PurserOptions> = {}, words = 'A cup of tea'): Purser {
  const ledger: Ledger = memoryLedger()
  const purser = createPurser({
    wallets: [slowWallet(() => Promise.reject(new Error('no proof')))],
    policy: {
      perPayment: '1 USD',
      budgets: [{ limit: '9 USD', per: 'day' }],
      vendors: [{ origin: ORIGIN }],
      ask: [{ above: '0.01' }],
    },
    ledger,
    agent: 'researcher',
    fetch: async (input, init) => {
      const asked = new Request(input, init)
      if (!asked.url.startsWith(ORIGIN)) return fetch(input, init)
      if (asked.headers.has('authorization'))
        return new Response('tea', { headers: { 'payment-receipt': receipt } })
      const challenge = `Payment id="1", realm="shop", method="slow", intent="charge", description="${words}", request="${request}"`
      return new Response(null, { status: 402, headers: { 'www-authenticate': challenge } })
    },
    ...more,
  })
  onTestFinished(() => purser.close())
  return purser
}

/** A request that a receiver got. */
export interface Got {
  readonly path: string
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

/** A server on a real socket that keeps what it gets. */
export interface Receiver {
  readonly url: string
  readonly got: Got[]
  /** Waits until it has got so many requests. */
  reach(count: number): Promise<readonly Got[]>
}

export type Reply = (got: Got, response: ServerResponse, count: number) => void

export async function receiver(reply: Reply = (_, response) => response.end()): Promise<Receiver> {
  const got: Got[] = []
  const server = createServer(async (incoming, response) => {
    let body = ''
    for await (const chunk of incoming) body += String(chunk)
    const one = { path: incoming.url ?? '', headers: incoming.headers, body }
    got.push(one)
    reply(one, response, got.length)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  return {
    url: `http://127.0.0.1:${port}`,
    got,
    async reach(count) {
      while (got.length < count) await new Promise((resolve) => setTimeout(resolve, 2))
      return got
    },
  }
}

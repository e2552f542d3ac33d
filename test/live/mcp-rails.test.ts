import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { x402ResourceServer } from '@x402/core/server'
import { ExactEvmScheme } from '@x402/evm/exact/server'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { makeBuyer } from '../evm/buyer.js'
import { DOMAIN, type EvmChain, startEvmChain } from '../evm/chain.js'
import { startFacilitator } from '../evm/facilitator.js'
import { sessionGate, stripeGate } from '../mcp/gates.js'
import { connect } from '../mcp/sdk-clients.js'
import { type HttpServer, serveEach, serveNew, serveOld } from '../mcp/sdk-http.js'
import { sessionBuyer } from '../session/buyer.js'
import { type ChannelWorld, channelWorld } from '../session/fixtures/world.js'
import { only, type StripeWorld, startStripeWorld } from '../stripe/world.js'

// Every rail that MCP servers charge by: x402 by its official server and facilitator on a chain, Stripe by mppx on the double,
// and sessions by mppx on a Tempo chain.

const servers: HttpServer[] = []
afterAll(() => Promise.all(servers.map((server) => server.close())))

function opened(server: HttpServer): URL {
  servers.push(server)
  return server.url
}

describe('x402', () => {
  let chain: EvmChain
  beforeAll(async () => {
    chain = await startEvmChain()
  })
  afterAll(() => chain?.stop())

  /** A tool that is paid by x402, as its MCP transport says: the demand is a failed result, the payment is in `_meta`. */
  async function shop(how: 'structured' | 'text' | 'error'): Promise<() => McpServer> {
    const resources = new x402ResourceServer(startFacilitator(chain).client).register(
      chain.network,
      new ExactEvmScheme(),
    )
    await resources.initialize()
    const accepts = await resources.buildPaymentRequirements({
      scheme: 'exact',
      network: chain.network,
      payTo: chain.payee,
      price: { asset: chain.dollarAddress, amount: '10000', extra: DOMAIN },
      maxTimeoutSeconds: 60,
    })
    const [requirements] = accepts
    if (requirements === undefined) throw new Error('no requirements')
    const ask = async (error: string) => {
      const required = await resources.createPaymentRequiredResponse(
        accepts,
        { url: 'mcp://tool/search', description: '', mimeType: '' },
        error,
      )
      const plain = JSON.parse(JSON.stringify(required))
      if (how === 'error') throw Object.assign(new Error('Payment required'), { code: 402, data: plain })
      return {
        isError: true,
        content: [{ type: 'text' as const, text: JSON.stringify(plain) }],
        ...(how === 'structured' && { structuredContent: plain }),
      }
    }
    return () => {
      const server = new McpServer({ name: 'x402', version: '1' })
      server.registerTool(
        'search',
        { inputSchema: { query: z.string().optional() } },
        async (_, { _meta }) => {
          const payment = _meta?.['x402/payment']
          if (payment === undefined) return ask('payment required')
          const payload = JSON.parse(JSON.stringify(payment))
          const verified = await resources.verifyPayment(payload, requirements)
          if (!verified.isValid) return ask(verified.invalidReason ?? 'invalid')
          const settled = await resources.settlePayment(payload, requirements)
          return {
            content: [{ type: 'text', text: 'one result' }],
            _meta: { 'x402/payment-response': JSON.parse(JSON.stringify(settled)) },
          }
        },
      )
      return server
    }
  }

  test.each(['structured', 'text'] as const)(
    'a demand by %s content is paid, and chain and ledger agree',
    async (how) => {
      const url = opened(await serveEach(await shop(how)))
      await using buyer = await makeBuyer(chain, { origins: ['mcp:shop'] })
      const client = await connect('1.x', url, buyer.purser)
      const found = await client.callTool('search')
      expect(found).toMatchObject({ content: [{ text: 'one result' }] })
      expect(buyer.purser.paymentFor(found)).toMatchObject({
        state: 'settled',
        delivered: true,
        proof: 'receipt',
      })
      expect([await buyer.left(), await buyer.booked(), buyer.signatures()]).toEqual([10_000n, 10_000n, 1])
      await client.close()
    },
  )
})

describe('stripe', () => {
  let world: StripeWorld
  beforeAll(async () => {
    world = await startStripeWorld()
  })
  afterAll(() => world?.stop())

  test.each([
    ['1.x', serveOld, 'error'],
    ['2.x', serveNew, 'error'],
    ['2.x modern', serveNew, 'result'],
  ] as const)('a client of %s pays one dollar', async (line, serve, form) => {
    const before = world.double.taken()
    const url = opened(await serve({ gate: stripeGate(world.double), form }))
    const buyer = world.buyer({ origins: ['mcp:shop'] })
    const client = await connect(line, url, buyer.purser)
    expect(await client.callTool('search')).toMatchObject({ structuredContent: { found: 1 } })
    expect(only(await buyer.payments())).toMatchObject({ state: 'settled', delivered: true })
    expect([world.double.taken() - before, await buyer.booked()]).toEqual([100, 100])
    await client.close()
  })
})

describe('a session', () => {
  let world: ChannelWorld
  beforeAll(async () => {
    world = await channelWorld()
  })
  afterAll(() => world?.stop())

  test('is opened once, pays further calls upfront, and is topped up', async () => {
    const url = opened(await serveOld({ gate: sessionGate(world.chain) }))
    const buyer = await sessionBuyer(world, [], {
      wallet: { deposit: '0.03', topUp: '0.04' },
      policy: { vendors: [{ origin: 'mcp:shop' }] },
    })
    const client = await connect('1.x', url, buyer.purser)
    for (let call = 0; call < 5; call++)
      expect(await client.callTool('search')).toMatchObject({ structuredContent: { found: 1 } })
    const [session] = await buyer.purser.sessions.list()
    expect(session).toMatchObject({
      state: 'open',
      vendor: 'mcp:shop',
      deposit: { value: 70_000n },
      signed: { value: 50_000n },
    })
    const id = session?.id ?? ''
    await expect(buyer.purser.sessions.close(id)).rejects.toMatchObject({
      code: 'not_replayable',
      funds: 'untouched',
    })
    expect((await buyer.purser.sessions.forceClose(id)).chain?.withdrawableAt).toBeGreaterThan(Date.now())
    await client.close()
    await buyer.purser.close()
  })
})

import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { tempoGate } from '../mcp/gates.js'
import { at, CREDENTIAL } from '../mcp/kit.js'
import { CLIENT_LINES, type ClientLine, connect, type Where } from '../mcp/sdk-clients.js'
import { type HttpServer, serveNew, serveOld } from '../mcp/sdk-http.js'
import type { Form, Gate } from '../mcp/sdk-servers.js'
import { only, startWorld, type World } from './world.js'

// The official servers and clients of MCP, paid through the reference server's MCP transport on a real Tempo chain:
// whatever a call comes to, chain and ledger agree to the unit.

const PRICE = 10_000n
let world: World
const servers: HttpServer[] = []
beforeAll(async () => {
  world = await startWorld()
})
afterAll(async () => {
  await Promise.all(servers.map((server) => server.close()))
  await world.stop()
})

type ServerLine = '1.x' | '2.x'

async function overHttp(line: ServerLine, form: Form, gate: Gate = tempoGate(world.chain)): Promise<URL> {
  const server = await (line === '1.x' ? serveOld : serveNew)({
    gate,
    form,
    slow: () => new Promise(() => undefined),
  })
  servers.push(server)
  return server.url
}

function overStdio(line: ServerLine, form: Form): Where {
  const script = fileURLToPath(new URL('../mcp/stdio-server.ts', import.meta.url))
  const { url, id } = world.chain
  return { command: process.execPath, args: ['--import', 'tsx', script, line, form, url, String(id)] }
}

const buyer = () => world.buyer({ origins: ['mcp:shop'] })

async function agrees(one: Awaited<ReturnType<typeof buyer>>): Promise<void> {
  const fees = (await one.payments()).length
  await one.purser.recover({ reconcile: true })
  const [left, booked] = [await one.left(), await one.booked()]
  expect({ fees, booked }).toEqual({ fees, booked: left })
}

/** Clients of either line with servers of either line. The revision of 2026-07-28 needs the new ones, and results. */
const PAIRS: readonly (readonly [ClientLine, ServerLine, Form])[] = CLIENT_LINES.flatMap((client) =>
  (['1.x', '2.x'] as const).flatMap((server) =>
    (['error', 'result'] as const).map((form) => [client, server, form] as const),
  ),
).filter(([client, server, form]) => client !== '2.x modern' || (server === '2.x' && form === 'result'))

async function buysAll(line: ClientLine, where: Where): Promise<void> {
  const one = await buyer()
  const client = await connect(line, where, one.purser)
  try {
    expect(await client.callTool('free')).toMatchObject({ content: [{ text: 'free of charge' }] })
    expect(one.signatures()).toBe(0)
    const found = await client.callTool('search')
    expect(found).toMatchObject({ structuredContent: { found: 1 } })
    expect(one.purser.paymentFor(found)).toMatchObject({
      state: 'settled',
      delivered: true,
      proof: 'receipt',
    })
    expect(await client.readResource('docs://tea')).toMatchObject({
      contents: [{ text: 'a page about tea' }],
    })
    expect(await client.getPrompt('greet')).toMatchObject({ messages: [{ role: 'user' }] })
    expect(one.signatures()).toBe(3)
    const payments = await one.payments()
    expect(payments.map(({ resource }) => resource.operation)).toEqual([
      'prompt:greet',
      'resource:docs://tea',
      'tool:search',
    ])
    expect(await one.left()).toBeGreaterThanOrEqual(3n * PRICE)
    await agrees(one)
  } finally {
    await client.close()
  }
}

describe('tools, resources and prompts are paid, and balances agree', () => {
  test.each(PAIRS)('HTTP: client %s, server %s, asked by %s', async (client, server, form) => {
    await buysAll(client, await overHttp(server, form))
  })

  test.each([
    ['1.x', '1.x', 'error'],
    ['2.x', '2.x', 'error'],
    ['2.x modern', '2.x', 'result'],
  ] as const)(
    'stdio: client %s, server %s, asked by %s',
    async (client, server, form) => {
      await buysAll(client, overStdio(server, form))
      // Each process loads TypeScript and viem first, and the client of the new revision starts two.
    },
    120_000,
  )
})

/** A server whose credentials arrive spoilt, so that mppx rejects them. */
function rejecting(): Gate {
  const honest = tempoGate(world.chain)
  return (meta) => {
    const credential = at(meta, CREDENTIAL)
    if (credential === undefined) return honest(meta)
    const challenge = { ...Object(at(credential, 'challenge')), id: 'another' }
    return honest({ ...meta, [CREDENTIAL]: { ...Object(credential), challenge } })
  }
}

describe('what goes wrong', () => {
  test.each(['1.x', '2.x'] as const)(
    'a tool of %s that fails after the payment: settled, and not delivered',
    async (line) => {
      const one = await buyer()
      const client = await connect(line, await overHttp(line, 'error'), one.purser)
      const failed = await client.callTool('fails')
      expect(failed).toMatchObject({ isError: true })
      expect(one.purser.paymentFor(failed)).toMatchObject({ state: 'settled', delivered: false })
      await agrees(one)
      await client.close()
    },
  )

  test('a call that times out after the credential left says where the money is, and the same call is not paid again', async () => {
    const one = await buyer()
    const client = await connect('1.x', await overHttp('1.x', 'error'), one.purser)
    const call = () => client.callTool('slow', { timeout: 2_000 })
    await expect(call()).rejects.toMatchObject({
      name: 'PaymentError',
      funds: expect.stringMatching(/unknown|settled/),
    })
    await expect(call()).rejects.toMatchObject({ funds: expect.stringMatching(/unknown|settled/) })
    expect(one.signatures()).toBe(1)
    await agrees(one)
    await client.close()
  })

  test('a server of 1.x that rejects the credential: no money moves, and the error says where it is', async () => {
    const one = await buyer()
    const client = await connect('1.x', await overHttp('1.x', 'error', rejecting()), one.purser)
    await expect(client.callTool('search')).rejects.toMatchObject({ name: 'PaymentError' })
    expect(await one.left()).toBe(0n)
    expect(only(await one.payments())).toMatchObject({ delivered: false })
    await client.close()
  })

  test('a server of 2.x shows the same as a failed tool: it is no delivery', async () => {
    const one = await buyer()
    const client = await connect('2.x', await overHttp('2.x', 'error', rejecting()), one.purser)
    const failed = await client.callTool('search')
    expect(failed).toMatchObject({ isError: true })
    expect(only(await one.payments())).toMatchObject({ delivered: false })
    expect([await one.left(), one.signatures()]).toEqual([0n, 1])
    await client.close()
  })

  test('a price above the policy is refused before anything is signed', async () => {
    const one = await world.buyer({ origins: ['mcp:shop'], policy: { perPayment: '0.005' } })
    const client = await connect('2.x', await overHttp('2.x', 'result'), one.purser)
    await expect(client.callTool('search')).rejects.toMatchObject({
      name: 'PaymentRefusedError',
      reasons: [{ rule: 'perPayment' }],
    })
    expect(one.signatures()).toBe(0)
    await client.close()
  })
})

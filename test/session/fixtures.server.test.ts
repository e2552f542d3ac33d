import { tempo } from 'mppx/client'
import { WebSocket } from 'undici'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { ACCOUNTS, alphaUSD, clientFor } from '../chain/chain.js'
import { referenceClient } from './fixtures/reference.js'
import type { Fault } from './fixtures/server.js'
import { type ChannelWorld, channelWorld } from './fixtures/world.js'

const PRICE = 10_000n

let world: ChannelWorld

beforeAll(async () => {
  // Node 20 has none of its own.
  vi.stubGlobal('WebSocket', WebSocket)
  world = await channelWorld()
})

afterAll(async () => {
  vi.unstubAllGlobals()
  await world.stop()
})

/** A server, and an open channel of a payer with it. */
async function channel(protocol: 'v1' | 'v2', terms: { readonly recall?: 'snapshot' } = {}) {
  const server = await world.serve({ protocol, suggestedDeposit: '0.08', ...terms })
  const payer = await world.chain.account(1_000_000n)
  const client = referenceClient(world, protocol, payer)
  expect((await client.fetch(server.url('/paid'))).status).toBe(200)
  const id = client.channelId ?? expect.fail('no channel')
  return { server, payer, client, id }
}

describe.each(['v1', 'v2'] as const)('the server of protocol %s', (protocol) => {
  const credited: readonly (readonly [Fault, bigint])[] = [
    ['drop-before-payment', PRICE],
    ['error-before-payment', PRICE],
    ['drop-after-payment', 2n * PRICE],
    ['error-after-payment', 2n * PRICE],
    ['ask-again-after-payment', 3n * PRICE],
  ]

  it.each(credited)('fails as it is told: %s', async (fault, spent) => {
    const { server, client, id } = await channel(protocol)
    server.forget()
    server.fail(fault)
    const answer = await client.fetch(server.url('/paid')).catch(() => undefined)
    if (fault.startsWith('drop')) expect(answer).toBeUndefined()
    if (fault.startsWith('error')) expect(answer?.status).toBe(500)
    // The reference client pays again when it is asked again.
    if (fault.startsWith('ask')) expect(answer?.status).toBe(200)
    expect(await server.books(id)).toMatchObject({ spent })
    expect(server.paid('voucher')[0]).toMatchObject({
      method: 'GET',
      path: '/paid',
      credential: { channelId: id },
    })
  })

  it('lies as it is told', async () => {
    const { server } = await channel(protocol)
    server.rewrite((response) => new Response('a lie', { status: response.status }))
    expect(await (await fetch(server.url('/free'))).text()).toBe('a lie')
    expect(await (await fetch(server.url('/free'))).json()).toMatchObject({ route: '/free' })
  })

  it('is paid over a WebSocket, message by message', async () => {
    const server = await world.serve({ protocol, suggestedDeposit: '0.08' })
    const account = await world.chain.account(1_000_000n)
    const client = clientFor(world.chain.url, account)
    const common = { account, client, maxDeposit: '1' }
    const manager =
      protocol === 'v2'
        ? tempo.session.manager(common)
        : tempo.sessionLegacy({ ...common, escrowContract: world.escrow.v1 })
    const socket = await manager.ws(server.socketUrl('/socket/3'))
    const said = await new Promise<readonly string[]>((resolve) => {
      const all: string[] = []
      socket.addEventListener('message', ({ data }: { data: unknown }) => {
        all.push(String(data))
        if (all.length === 3) resolve(all)
      })
    })
    expect(said).toEqual([1, 2, 3].map((event) => `event ${event} of 3`))
    const id = manager.channelId ?? expect.fail('no channel')
    expect(await server.books(id)).toMatchObject({ accepted: 3n * PRICE, units: 3 })
    await manager.close()
    expect(await world.channel(protocol, id)).toMatchObject({ closed: true })
  })
})

describe.each(['v1', 'v2'] as const)('the server of protocol %s', (protocol) => {
  it('breaks a stream off, and has charged no event that it did not send', async () => {
    const server = await world.serve({ protocol, suggestedDeposit: '0.08' })
    const client = referenceClient(world, protocol, await world.chain.account(1_000_000n))
    server.cut(2)
    const events: string[] = []
    const reading = async () => {
      for await (const event of await client.stream(server.url('/stream/5'))) events.push(event)
    }
    await expect(reading()).rejects.toThrow()
    expect(events).toEqual(['event 1 of 5', 'event 2 of 5'])
    expect(await server.books(client.channelId ?? '')).toMatchObject({
      accepted: 3n * PRICE,
      spent: 2n * PRICE,
    })
  })

  it('loses its record of a channel', async () => {
    const { server, client, id } = await channel(protocol)
    await server.lose(id)
    expect(await server.books(id)).toBeUndefined()
    await client.fetch(server.url('/paid')).catch(() => undefined)
    expect(server.paid('voucher').at(0)).toMatchObject({ status: 410 })
    expect(await world.channel(protocol, id)).toMatchObject({ closed: false })
  })

  it('asks other prices for one channel, and pays other payees', async () => {
    const payee = ACCOUNTS.split
    const server = await world.serve({ protocol, suggestedDeposit: '0.08', payee })
    const client = referenceClient(world, protocol, await world.chain.account(1_000_000n))
    const had = await world.chain.balanceOf(alphaUSD, payee.address)
    expect((await client.fetch(server.url('/paid'))).status).toBe(200)
    expect((await client.fetch(server.url('/price/0.025'))).status).toBe(200)
    expect(server.paid('open')).toHaveLength(1)
    await client.close()
    expect(await world.chain.balanceOf(alphaUSD, payee.address)).toBe(had + 35_000n)
  })
})

it('asks what its terms say', async () => {
  const server = await world.serve({
    protocol: 'v2',
    price: '0.25',
    unitType: 'page',
    suggestedDeposit: '2',
    minVoucherDelta: '0.1',
  })
  const challenge = (await fetch(server.url('/sponsored/paid'))).headers.get('www-authenticate') ?? ''
  const request = /request="([^"]+)"/.exec(challenge)?.[1] ?? ''
  expect(JSON.parse(Buffer.from(request, 'base64url').toString())).toMatchObject({
    amount: '250000',
    unitType: 'page',
    suggestedDeposit: '2000000',
    methodDetails: { feePayer: true, minVoucherDelta: '100000', sessionProtocol: 'v2' },
  })
})

it('gives a snapshot of a channel to who proves to be its payer, and to who names it', async () => {
  const { server, payer, id } = await channel('v2', { recall: 'snapshot' })
  const again = tempo.session.manager({
    account: payer,
    client: clientFor(world.chain.url, payer),
    maxDeposit: '1',
    bootstrap: true,
  })
  server.forget()
  expect((await again.fetch(server.url('/paid'))).status).toBe(200)
  expect(again.channelId).toBe(id)
  expect(server.seen.map(({ method, status }) => [method, status])).toEqual([
    ['HEAD', 402],
    ['HEAD', 204],
    ['GET', 402],
    ['GET', 200],
  ])
  expect(await server.books(id)).toMatchObject({ spent: 2n * PRICE })
  const named = await fetch(server.url('/paid'), { headers: { 'payment-session': id } })
  const request = /request="([^"]+)"/.exec(named.headers.get('www-authenticate') ?? '')?.[1] ?? ''
  expect(JSON.parse(Buffer.from(request, 'base64url').toString())).toMatchObject({
    methodDetails: { sessionSnapshot: { channelId: id, requiredCumulative: String(3n * PRICE) } },
  })
})

it('charges a stream that it does not send: v1, a voucher with `Accept: text/event-stream`', async () => {
  const { server, client, id } = await channel('v1')
  await expect(client.stream(server.url('/stream/2'))).rejects.toThrow('no body')
  expect(server.paid('voucher')[0]).toMatchObject({ status: 204 })
  expect(await server.books(id)).toMatchObject({ spent: 2n * PRICE, units: 2 })
})

it('refuses, in v1, to close a channel whose whole voucher the operator has settled', async () => {
  const { server, client, id } = await channel('v1')
  await server.settle(id)
  await expect(client.close()).rejects.toThrow('must be > 10000 (on-chain settled)')
})

import type { Hex } from 'viem'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { isPaymentError } from '../../src/index.js'
import { openSocket, type SocketData } from '../../src/socket/index.js'
import { type SessionBuyer, sessionBuyer } from '../session/buyer.js'
import { type ChannelWorld, channelWorld } from '../session/fixtures/world.js'
import { readAll, readUntilItFails } from './kit.js'

const PRICE = 10_000n

let world: ChannelWorld

beforeAll(async () => {
  world = await channelWorld()
})
afterAll(() => world.stop())

const events = (count: number): string[] =>
  Array.from({ length: count }, (_, at) => `event ${at + 1} of ${count}`)

/** What the prices come to that the ledger counts, in smallest parts. */
async function spent(buyer: SessionBuyer): Promise<bigint> {
  return (await buyer.payments()).reduce((sum, { spent }) => sum + (spent?.value ?? 0n), 0n)
}

async function signed(buyer: SessionBuyer): Promise<bigint> {
  const [channel] = await buyer.channels()
  return channel === undefined ? 0n : buyer.ledger.signed(channel.lane)
}

async function idOf(buyer: SessionBuyer): Promise<Hex> {
  const { reference } = (await buyer.payments())[0] ?? {}
  return reference === undefined ? expect.fail('no channel') : `0x${reference.slice(2)}`
}

describe.each(['v2', 'v1'] as const)('a socket of a server of protocol %s', (protocol) => {
  it('is paid message by message, to its end', async () => {
    const server = await world.serve({ protocol, suggestedDeposit: '0.08' })
    const buyer = await sessionBuyer(world, [server])
    const socket = await openSocket(buyer.purser, server.socketUrl('/socket/5'), { WebSocket })
    expect(await readAll(socket)).toEqual(events(5))
    expect(await socket.closed).toMatchObject({ code: 1000 })
    const id = await idOf(buyer)
    expect(await server.books(id)).toMatchObject({ accepted: 5n * PRICE, spent: 5n * PRICE, units: 5 })
    expect(await signed(buyer)).toBe(5n * PRICE)
    expect(await spent(buyer)).toBe(5n * PRICE)
    const payments = await buyer.payments()
    expect(payments.map(({ state, delivered }) => [state, delivered])).toEqual(
      Array.from({ length: 5 }, () => ['settled', true]),
    )
    expect(await world.channel(protocol, id)).toMatchObject({ deposit: 80_000n, closed: false })
    // One question, and nothing else by HTTP.
    expect(server.seen.map(({ method, status }) => [method, status])).toEqual([['GET', 402]])
    expect(buyer.purser.paymentFor(socket)).toMatchObject({ state: 'settled' })
  })

  it('goes on with the channel that stands, in one round trip, and tops it up by HTTP', async () => {
    const server = await world.serve({ protocol, suggestedDeposit: '0.03' })
    const buyer = await sessionBuyer(world, [server], { wallet: { topUp: '0.04' } })
    const url = server.socketUrl('/socket/2')
    expect(await readAll(await openSocket(buyer.purser, url, { WebSocket }))).toEqual(events(2))
    server.forget()
    expect(await readAll(await openSocket(buyer.purser, url, { WebSocket }))).toEqual(events(2))
    expect(server.seen.map(({ method, status }) => [method, status])).toEqual([['POST', 204]])
    expect(server.paid('topUp')).toHaveLength(1)
    const id = await idOf(buyer)
    expect(await server.books(id)).toMatchObject({ accepted: 4n * PRICE, spent: 4n * PRICE, units: 4 })
    expect(await world.channel(protocol, id)).toMatchObject({ deposit: 70_000n })
    expect(await signed(buyer)).toBe(4n * PRICE)
    expect(await spent(buyer)).toBe(4n * PRICE)
  })

  it('ends in agreement, and leaves the channel to be closed by its owner', async () => {
    const server = await world.serve({ protocol, suggestedDeposit: '0.08' })
    const buyer = await sessionBuyer(world, [server])
    const socket = await openSocket(buyer.purser, server.socketUrl('/socket/9'), { WebSocket })
    const read: SocketData[] = []
    for await (const message of socket) {
      read.push(message)
      if (read.length === 3) break
    }
    expect(read).toEqual(events(9).slice(0, 3))
    expect(await socket.closed).toMatchObject({ code: 1000 })
    const id = await idOf(buyer)
    expect(await server.books(id)).toMatchObject({ accepted: 3n * PRICE, spent: 3n * PRICE, units: 3 })
    expect(await spent(buyer)).toBe(3n * PRICE)
    expect(await world.channel(protocol, id)).toMatchObject({ closed: false })
    const left = await buyer.left()
    const [session] = await buyer.purser.sessions.list()
    await buyer.purser.sessions.close(session?.id ?? expect.fail('no session'))
    expect(await world.channel(protocol, id)).toMatchObject({ closed: true })
    expect(left - (await buyer.left())).toBe(80_000n - 3n * PRICE)
  })

  it('is refused a further message by policy, and the reader is told', async () => {
    const server = await world.serve({ protocol, suggestedDeposit: '0.08' })
    const buyer = await sessionBuyer(world, [server])
    const payment = { maxAmount: '0.02' }
    const socket = await openSocket(buyer.purser, server.socketUrl('/socket/5'), { WebSocket, payment })
    const { read, error } = await readUntilItFails(socket)
    expect(read).toEqual(events(5).slice(0, 2))
    expect(isPaymentError(error, 'refused')).toBe(true)
    await socket.closed
    const id = await idOf(buyer)
    expect(await server.books(id)).toMatchObject({ accepted: 2n * PRICE, spent: 2n * PRICE })
    expect(await spent(buyer)).toBe(2n * PRICE)
  })

  it('shares its channel with calls and with the next socket', async () => {
    const server = await world.serve({ protocol, suggestedDeposit: '0.5' })
    const buyer = await sessionBuyer(world, [server])
    const { fetch } = buyer.purser
    for (const count of [3, 4]) {
      expect((await fetch(server.url('/paid'))).status).toBe(200)
      const socket = await openSocket(buyer.purser, server.socketUrl(`/socket/${count}`), { WebSocket })
      expect(await readAll(socket)).toEqual(events(count))
    }
    expect(await buyer.channels()).toHaveLength(1)
    expect(server.paid('open')).toHaveLength(1)
    const books = await server.books(await idOf(buyer))
    expect(books).toMatchObject({ accepted: 9n * PRICE, spent: 9n * PRICE })
    expect(await signed(buyer)).toBe(9n * PRICE)
    expect(await spent(buyer)).toBe(9n * PRICE)
  })
})

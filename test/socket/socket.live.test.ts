import type { Hex } from 'viem'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { openSocket, type SocketData } from '../../src/socket/index.js'
import { type SessionBuyer, sessionBuyer } from '../session/buyer.js'
import { type ChannelWorld, channelWorld } from '../session/fixtures/world.js'

const PRICE = 10_000n

let world: ChannelWorld

beforeAll(async () => {
  world = await channelWorld()
})
afterAll(() => world.stop())

async function readAll(socket: AsyncIterable<SocketData>): Promise<SocketData[]> {
  const all: SocketData[] = []
  for await (const message of socket) all.push(message)
  return all
}

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
})

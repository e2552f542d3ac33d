import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sessionBuyer } from './buyer.js'
import { type ChannelWorld, channelWorld } from './fixtures/world.js'

const PRICE = 10_000n

let world: ChannelWorld

beforeAll(async () => {
  world = await channelWorld()
})
afterAll(() => world.stop())

describe.each(['v2', 'v1'] as const)('a session of protocol %s', (protocol) => {
  it.each([
    ['payer', '/paid'],
    ['server', '/sponsored/paid'],
  ])('opens a channel and pays twenty calls; the %s pays the fee', async (who, path) => {
    const server = await world.serve({ protocol, suggestedDeposit: '0.5' })
    const buyer = await sessionBuyer(world, [server])
    for (let call = 0; call < 20; call++) {
      const response = await buyer.purser.fetch(server.url(path))
      expect(await response.json()).toMatchObject({ route: path })
      expect(response.status).toBe(200)
    }
    expect(server.seen).toHaveLength(21)
    expect(server.paid('open')).toHaveLength(1)
    expect(server.paid('voucher').map(({ status }) => status)).toEqual(Array.from({ length: 19 }, () => 200))
    const [channel] = await buyer.channels()
    expect(channel).toMatchObject({ state: 'open', deposit: { value: 500_000n } })
    const id = server.paid('open')[0]?.credential?.channelId ?? expect.fail('no channel')
    expect(await world.channel(protocol, id)).toMatchObject({ deposit: 500_000n, settled: 0n, closed: false })
    expect(await server.books(id)).toMatchObject({ accepted: 20n * PRICE, spent: 20n * PRICE })
    const left = await buyer.left()
    if (who === 'server') expect(left).toBe(500_000n)
    else expect(left).toBeGreaterThan(500_000n)
    expect((await buyer.payments()).every(({ state }) => state === 'settled')).toBe(true)
  })
})

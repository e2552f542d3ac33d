import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sessionBuyer } from './buyer.js'
import { type ChannelWorld, channelWorld, GRACE_SECONDS } from './fixtures/world.js'

const PRICE = 10_000n

/** The clock of this chain is set ahead, so nothing else shares it. */
describe.each(['v2', 'v1'] as const)('a session of protocol %s whose vendor is gone', (protocol) => {
  let world: ChannelWorld

  beforeAll(async () => {
    world = await channelWorld()
  })
  afterAll(() => world.stop())

  it('gives its deposit back in two steps', async () => {
    const server = await world.serve({ protocol })
    const clock = { ahead: 0 }
    const now = () => Date.now() + clock.ahead
    const buyer = await sessionBuyer(world, [server], { wallet: { deposit: '0.5', now }, now })
    for (let call = 0; call < 3; call++)
      expect((await buyer.purser.fetch(server.url('/paid'))).status).toBe(200)
    const id = server.paid('open')[0]?.credential?.channelId ?? expect.fail('no channel')
    await server.settle(id)
    await server.vanish()
    const [session] = await buyer.purser.sessions.list()
    const name = session?.id ?? ''
    await buyer.purser.sessions.close(name).catch(() => undefined)
    expect((await buyer.purser.sessions.list())[0]?.state).toBe('open')

    const asked = await buyer.purser.sessions.forceClose(name)
    expect(asked).toMatchObject({ state: 'closing', chain: { closed: false, captured: { value: 30_000n } } })
    expect(asked.chain?.withdrawableAt).toBeGreaterThan(now())
    expect((await buyer.purser.sessions.forceClose(name)).state).toBe('closing')

    await world.wait(GRACE_SECONDS + 5)
    clock.ahead = (GRACE_SECONDS + 5) * 1000
    const closed = await buyer.purser.sessions.forceClose(name)
    expect(closed).toMatchObject({ state: 'closed', chain: { closed: true, captured: { value: 30_000n } } })
    expect(await world.channel(protocol, id)).toMatchObject({ closed: true })
    await buyer.purser.recover({ reconcile: true })
    expect(await buyer.booked()).toBe(await buyer.left())
    expect((await buyer.left()) - 3n * PRICE).toBeGreaterThan(0n)
  })
})

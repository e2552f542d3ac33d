import { describe, expect, it } from 'vitest'
import type { ServerTime } from '../../src/wallet/index.js'
import { DAY } from '../ledger/fixtures.js'
import { resource } from './peers.js'
import { type FakeWorld, fakeWorld } from './world.js'

/** The server answers with a `Date` that differs so much from the clock of this host. */
function dated(world: FakeWorld, off: number): void {
  world.server.date = () => world.clock.wall + off
}

describe('the clock of this host', () => {
  it.each([
    [-90_000, 'The clock of this host is 90 seconds ahead of that of api.shop.example'],
    [7 * 60_000, 'The clock of this host is 7 minutes behind that of api.shop.example'],
    [-730 * DAY, 'The clock of this host is 730 days ahead of that of api.shop.example'],
  ])('stops a payment if it differs from the server by %d ms', async (off, message) => {
    const world = fakeWorld()
    dated(world, off)
    const refusal = await world.fails()
    expect(refusal).toMatchObject({ code: 'clock_wrong', funds: 'untouched' })
    expect(refusal.message).toContain(message)
    expect([world.wallet.signed.length, await world.counted()]).toEqual([0, 0])
  })

  it.each([0, 59_000, -59_000])('allows a payment if it differs by %d ms', async (off) => {
    const world = fakeWorld()
    dated(world, off)
    await world.pay()
    expect(await world.counted()).toBe(10)
  })

  it('is used despite a wrong server, if another server agrees with it', async () => {
    const world = fakeWorld()
    world.env.ledger.hearTime?.('other.example', world.clock.wall)
    dated(world, -90_000)
    await world.pay()
    expect(await world.counted()).toBe(10)
  })
})

describe('a host whose clock jumped forward without an explanation', () => {
  const jumped = async (): Promise<FakeWorld> => {
    const world = fakeWorld({ policy: { budgets: [{ limit: '0.10', per: 'day' }] } })
    await world.pay({ path: '/first' })
    world.clock.set(2 * DAY)
    return world
  }

  it('pays no vendor that sends no time', async () => {
    const world = await jumped()
    expect(await world.fails({ path: '/b' })).toMatchObject({ code: 'clock_jumped', funds: 'untouched' })
  })

  it('does not reset a budget because one vendor says so, however often', async () => {
    const world = await jumped()
    dated(world, 0)
    for (const path of ['/b', '/c', '/d'])
      expect(await world.fails({ path })).toMatchObject({ code: 'refused', funds: 'untouched' })
    expect(await world.counted()).toBe(10)
  })

  it('continues if a vendor and the node of a wallet agree', async () => {
    const world = await jumped()
    dated(world, 0)
    const heard = (): readonly ServerTime[] => [
      { host: 'rpc.chain.example.org', at: world.clock.wall, since: performance.now() },
    ]
    Object.assign(world.wallet, { serverTimes: heard })
    await world.pay({ path: '/b' })
    expect(await world.counted()).toBe(20)
  })

  it('counts a vendor and a node of one domain as one source', async () => {
    const world = await jumped()
    dated(world, 0)
    const { hostname } = new URL(resource().vendor)
    const heard = (): readonly ServerTime[] => [
      { host: `rpc.${hostname}`, at: world.clock.wall, since: performance.now() },
    ]
    Object.assign(world.wallet, { serverTimes: heard })
    expect(await world.fails({ path: '/b' })).toMatchObject({ code: 'refused' })
  })
})

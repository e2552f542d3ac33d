import { describe, expect, it } from 'vitest'
import { runRecovery } from '../../src/pay/index.js'
import { offer } from './peers.js'
import { fakeWorld } from './world.js'

describe('two processes on one ledger', () => {
  it('race for the rest of a budget: one pays, and the other is refused', async () => {
    const world = fakeWorld({ policy: { budgets: [{ limit: '0.15', per: 'day' }] } })
    const results = await Promise.allSettled([
      world.pay({ path: '/a' }),
      world.neighbour().pay({ path: '/b' }),
      world.neighbour().pay({ path: '/c' }),
    ])
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    expect(world.rail.settled.size).toBe(1)
    expect(await world.counted()).toBe(10)
  })

  it('race to pin a payee: one pays, and the other, with another payee, is refused', async () => {
    const world = fakeWorld()
    const neighbour = world.neighbour()
    const payees = ['0xaa', '0xbb']
    world.server.offers = () => [offer({ payee: payees.shift() ?? '0xcc' })]
    // Both have judged before either commits, while nothing is pinned.
    let judged = 0
    let go: () => void = () => undefined
    const both = new Promise<void>((resolve) => {
      go = resolve
    })
    for (const { wallet } of [world, neighbour])
      wallet.hooks.prepare = async () => {
        if (++judged === 2) go()
        await both
      }
    const results = await Promise.allSettled([world.pay({ path: '/a' }), neighbour.pay({ path: '/b' })])
    expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
    expect(world.rail.settled.size).toBe(1)
    const refusal = results.find((result) => result.status === 'rejected')
    expect(refusal?.reason).toMatchObject({ code: 'refused', funds: 'untouched' })
    expect(await world.counted()).toBe(10)
  })

  it('start over under a new id if the lease expired before the commit and the hold was released', async () => {
    const world = fakeWorld()
    const ids: string[] = []
    world.wallet.hooks.prepare = async ({ payment }) => {
      ids.push(payment)
      if (ids.length > 1) return
      // Signing takes longer than the lease, and another process releases the hold meanwhile.
      world.clock.pass(31_000)
      expect(await runRecovery(world.neighbour().env, 'due')).toMatchObject({ released: 1 })
    }
    await world.pay()
    expect(ids).toHaveLength(2)
    expect(ids[0]).not.toBe(ids[1])
    expect(world.wallet.discarded).toBe(1)
    expect((await world.payments()).map(({ state }) => state)).toEqual(['released', 'settled'])
    expect(world.server.credentials).toHaveLength(1)
    expect(await world.counted()).toBe(10)
  })

  it('continue if the lease expired and no process released the hold', async () => {
    const world = fakeWorld()
    let slow = true
    world.wallet.hooks.prepare = async () => {
      if (slow) world.clock.pass(31_000)
      slow = false
    }
    await world.pay()
    expect(world.rail.settled.size).toBe(1)
    expect(world.wallet.discarded).toBe(1)
    expect(await world.counted()).toBe(10)
  })

  it('under one key: one pays, and the other learns of it', async () => {
    const world = fakeWorld()
    const results = await Promise.allSettled([
      world.pay({ key: 'order-1' }),
      world.neighbour().pay({ key: 'order-1' }),
    ])
    expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
    expect(world.rail.settled.size).toBe(1)
  })

  it('share lanes: two payments never run on the same step', async () => {
    const world = fakeWorld({ wallets: [{ lanes: ['a', 'b'] }] })
    const neighbour = world.neighbour()
    await Promise.all(
      Array.from({ length: 12 }, (_, n) => (n % 2 === 0 ? world : neighbour).pay({ path: `/${n}` })),
    )
    expect(world.rail.settled.size).toBe(12)
  })

  it('take a doubt over one at a time', async () => {
    const world = fakeWorld()
    world.server.paid = (outgoing) => {
      world.server.take(outgoing)
      throw new TypeError('the connection is gone')
    }
    world.wallet.hooks.inspect = async ({ recheckAt = 0 }) => ({
      state: 'pending',
      recheckAt,
      reason: 'not yet',
    })
    await world.fails()
    const errors = await Promise.all([world.neighbour().fails(), world.neighbour().fails(), world.fails()])
    for (const error of errors) expect(['unknown', 'settled', 'committed']).toContain(error.funds)
    expect(world.rail.settled.size).toBe(1)
    expect(world.wallet.signed).toHaveLength(1)
  })
})

describe('an earlier payment', () => {
  it('that settled, and whose answer cannot be requested again, is reported as paid and not delivered', async () => {
    const world = fakeWorld()
    world.server.paid = (outgoing) => {
      world.server.take(outgoing)
      throw new TypeError('the connection is gone')
    }
    await world.fails()
    const neighbour = world.neighbour()
    const { send } = world.server
    let sent = 0
    world.server.send = async (outgoing) => {
      // The first request asks for the price; then the server is gone.
      if (++sent > 1) throw new TypeError('fetch failed')
      return send.call(world.server, outgoing)
    }
    expect(await neighbour.fails()).toMatchObject({ code: 'paid_not_delivered', funds: 'settled' })
  })

  it('stays as it is if the caller aborts while it is taken over', async () => {
    const world = fakeWorld()
    world.server.paid = () => {
      throw new TypeError('the connection is gone')
    }
    await world.fails()
    const looks = world.due.length
    const stop = new AbortController()
    world.server.paid = () => {
      stop.abort()
      throw new DOMException('enough', 'AbortError')
    }
    world.wallet.hooks.inspect = () => Promise.reject(new Error('nobody waits for a chain now'))
    const errors = world.heard('error')
    expect(await world.fails({ signal: stop.signal })).toMatchObject({
      code: 'payment_in_doubt',
      funds: 'unknown',
      cause: { name: 'AbortError' },
    })
    const [payment] = await world.payments()
    expect(payment).toMatchObject({ state: 'committed', live: false })
    expect(payment?.recheckAt).toBeDefined()
    expect(world.due.slice(looks)).toEqual([payment?.recheckAt])
    expect(errors).toEqual([])
    expect(await world.counted()).toBe(10)
  })
})

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Front, startFront } from './front.js'
import { type Buyer, only, record, startWorld, type World } from './world.js'

let world: World
let node: Front
let calls: string[] = []
let down = false
beforeAll(async () => {
  world = await startWorld()
  node = await startFront(world.chain.url, async ({ text, forward, drop }) => {
    if (down) return drop()
    calls.push(String(record(JSON.parse(text))['method']))
    return forward()
  })
})
beforeEach(() => {
  calls = []
  down = false
})
afterEach(() => {
  down = false
})
afterAll(async () => {
  await node?.close()
  await world?.stop()
})

/** A buyer whose wallet reaches the chain through the counting node. */
function counted(lanes?: number): Promise<Buyer> {
  const rpc = { [world.chain.id]: node.origin }
  return world.buyer({ wallet: lanes === undefined ? { rpc } : { rpc, lanes } })
}

/** An address at which nobody listens. */
async function gone(): Promise<string> {
  const front = await startFront(world.chain.url, ({ forward }) => forward())
  await front.close()
  return front.origin
}

describe('the wallet asks the chain', () => {
  it('once for its id and once for what the account holds, and then not at all while payments go well', async () => {
    const buyer = await counted()
    expect((await buyer.get('/paid?n=0')).status).toBe(200)
    expect(calls).toEqual(['eth_chainId', 'eth_call'])
    for (const path of ['/paid', '/sponsored', '/zero', '/price/0.02', '/paid?n=1', '/paid?n=2'])
      expect((await buyer.get(path)).status).toBe(200)
    expect(calls).toEqual(['eth_chainId', 'eth_call'])
  })

  it('not at all for many at once, lanes or not', async () => {
    for (const lanes of [0, 4]) {
      const buyer = await counted(lanes)
      await buyer.get('/paid')
      calls = []
      const all = await Promise.all(Array.from({ length: 12 }, (_, n) => buyer.get(`/paid?n=${n}`)))
      expect(all.every(({ status }) => status === 200)).toBe(true)
      expect(calls).toEqual([])
    }
  })

  it('and when the node is down, payments go on: the server broadcasts', async () => {
    down = true
    const buyer = await counted()
    expect((await buyer.get('/paid?n=1')).status).toBe(200)
    expect((await buyer.get('/paid?n=2')).status).toBe(200)
    expect(buyer.signatures()).toBe(2)
    // What cannot be read yet counts at its bound, and is read later.
    await buyer.purser.recover({ reconcile: true })
    const left = await buyer.left()
    expect(await buyer.booked()).toBeGreaterThan(left)
    down = false
    await buyer.purser.recover({ reconcile: true })
    expect(await buyer.booked()).toBe(left)
  })

  it('and when the node is down and the answer is lost, that is a doubt until the chain can be read', async () => {
    const front = await startFront(world.api.origin, async ({ paid, forward, drop }) => {
      const response = await forward()
      return paid ? drop() : response
    })
    try {
      const buyer = await world.buyer({
        origins: [front.origin],
        wallet: { rpc: { [world.chain.id]: node.origin } },
      })
      down = true
      await expect(buyer.purser.fetch(front.url('/paid'))).rejects.toMatchObject({
        code: 'payment_in_doubt',
        funds: 'unknown',
      })
      const doubt = only(await buyer.payments())
      expect(doubt).toMatchObject({ state: 'committed', live: false })
      expect(await buyer.booked()).toBeGreaterThanOrEqual(await buyer.left())
      down = false
      expect(await buyer.purser.recover({ reconcile: true })).toMatchObject({ settled: 1, open: 0 })
      expect(await buyer.booked()).toBe(await buyer.left())
    } finally {
      await front.close()
    }
  })

  it('and a push whose node cannot be reached has left nowhere: it is no doubt, and may be tried again', async () => {
    const buyer = await world.buyer({ wallet: { rpc: { [world.chain.id]: [await gone(), await gone()] } } })
    for (let call = 0; call < 2; call++)
      await expect(buyer.get('/push')).rejects.toMatchObject({
        code: 'wallet_unavailable',
        funds: 'untouched',
        message: expect.stringContaining('`rpc` option'),
      })
    expect((await buyer.payments()).map(({ state }) => state)).toEqual(['released', 'released'])
    expect(await buyer.booked()).toBe(0n)
    expect(await buyer.left()).toBe(0n)
  })

  it('and a push that one of its nodes may have taken is a doubt', async () => {
    const rpc = { [world.chain.id]: [await gone(), node.origin] }
    const buyer = await world.buyer({ wallet: { rpc, validityMs: 5_000 } })
    // The wallet has asked the node for its chain before the node goes down.
    await buyer.purser.quote(world.api.url('/push'))
    down = true
    await expect(buyer.get('/push')).rejects.toMatchObject({ funds: 'unknown' })
    expect(only(await buyer.payments()).state).toBe('committed')
  })

  it('and a push that nobody can broadcast is a doubt, and then proven void', async () => {
    const buyer = await world.buyer({
      wallet: { rpc: { [world.chain.id]: node.origin }, validityMs: 5_000 },
    })
    // The wallet has asked the node for its chain before the node goes down.
    await buyer.purser.quote(world.api.url('/push'))
    down = true
    await expect(buyer.get('/push')).rejects.toMatchObject({ funds: 'unknown' })
    expect(only(await buyer.payments()).state).toBe('committed')
    down = false
    await world.chain.mine(4, 10)
    expect(await buyer.purser.recover({ reconcile: true })).toMatchObject({ released: 1, open: 0 })
    expect(await buyer.left()).toBe(0n)
    expect(await buyer.booked()).toBe(0n)
  })
})

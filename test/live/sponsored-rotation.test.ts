import { afterAll, beforeAll, expect, it } from 'vitest'
import { ACCOUNTS, alphaUSD } from '../chain/chain.js'
import { PRICE } from '../chain/server.js'
import { startFront } from './front.js'
import { only, record, startWorld, type World } from './world.js'

let world: World
beforeAll(async () => {
  world = await startWorld()
})
afterAll(() => world?.stop())

/** A sponsor could still co-sign the first credential, and nothing excludes it: so its death is waited for. */
it('waits until the chain proves the first sponsored credential dead, and then pays once', {
  timeout: 60_000,
}, async () => {
  const front = await startFront(world.api.origin, ({ paid, turn, forward, ask }) =>
    paid && turn === 1 ? ask() : forward(),
  )
  try {
    const buyer = await world.buyer({ origins: [front.origin] })
    const before = await world.chain.balanceOf(alphaUSD, ACCOUNTS.payee.address)
    const response = await buyer.purser.fetch(front.url('/sponsored'))
    expect(response.status).toBe(200)
    expect(buyer.signatures()).toBe(2)
    expect((await world.chain.balanceOf(alphaUSD, ACCOUNTS.payee.address)) - before).toBe(PRICE)
    expect(await buyer.left()).toBe(PRICE)
    expect(await buyer.booked()).toBe(PRICE)
    const { attempts, state } = only(await buyer.payments())
    expect(state).toBe('settled')
    const [first, second] = attempts
    expect(first?.void).toMatch(/expired/)
    expect(second?.void).toBeUndefined()
    const died = Number(record(first?.evidence.detail)['validBefore']) * 1000
    expect(second?.at).toBeGreaterThan(died)
  } finally {
    await front.close()
  }
})

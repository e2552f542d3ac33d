import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { isPaymentError, type PaymentError } from '../../src/index.js'
import { ACCOUNTS, alphaUSD } from '../chain/chain.js'
import { PRICE } from '../chain/server.js'
import { type Front, type Passing, startFront } from './front.js'
import { type Buyer, only, problemIn, record, startWorld, type World } from './world.js'

let world: World
let received = 0n
const fronts: Front[] = []
beforeAll(async () => {
  world = await startWorld()
})
afterEach(async () => {
  await Promise.all(fronts.splice(0).map((front) => front.close()))
})
afterAll(() => world?.stop())

/** A front before the API, and a buyer that trusts it. */
async function behind(
  handle: (passing: Passing) => Promise<Response> | Response,
): Promise<{ front: Front; buyer: Buyer }> {
  const front = await startFront(world.api.origin, handle)
  fronts.push(front)
  received = await world.chain.balanceOf(alphaUSD, ACCOUNTS.payee.address)
  return { front, buyer: await world.buyer({ origins: [front.origin] }) }
}

/** How many times the price was paid since the front was there. */
async function charges(): Promise<bigint> {
  return ((await world.chain.balanceOf(alphaUSD, ACCOUNTS.payee.address)) - received) / PRICE
}

async function failure(call: Promise<unknown>): Promise<PaymentError> {
  const error: unknown = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  if (!isPaymentError(error)) throw new Error('no payment error', { cause: error })
  return error
}

describe('the answer is lost', () => {
  it('and comes with the same credential, where the server keeps answers by key', async () => {
    const answers = new Map<string, Response>()
    const { front, buyer } = await behind(async ({ request, paid, turn, forward, drop }) => {
      if (!paid) return forward()
      const key = request.headers.get('idempotency-key') ?? ''
      const kept = answers.get(key)
      if (kept !== undefined) return kept.clone()
      answers.set(key, await forward())
      return turn === 1 ? drop() : Response.error()
    })
    const response = await buyer.purser.fetch(front.url('/paid'))
    expect(response.status).toBe(200)
    expect(new Set(front.credentials).size).toBe(1)
    expect(front.credentials).toHaveLength(2)
    expect(await charges()).toBe(1n)
    expect(buyer.signatures()).toBe(1)
  })

  it('and never comes: one charge, told as settled; the same call again does not pay', async () => {
    const { front, buyer } = await behind(async ({ paid, forward, drop }) => {
      const response = await forward()
      return paid && response.status === 200 ? drop() : response
    })
    const error = await failure(buyer.purser.fetch(front.url('/paid')))
    expect(error).toMatchObject({ code: 'paid_not_delivered', funds: 'settled', retryable: false })
    expect(error.reference).toMatch(/^0x[0-9a-f]{64}$/)
    expect(await charges()).toBe(1n)
    const again = await problemIn(await buyer.purser.fetch(front.url('/paid')))
    expect(again).toMatchObject({ code: 'paid_not_delivered', funds: 'settled' })
    expect(buyer.signatures()).toBe(1)
    expect(await charges()).toBe(1n)
    expect(only(await buyer.payments())).toMatchObject({ state: 'settled', delivered: false })
    await buyer.purser.recover({ reconcile: true })
    expect(await buyer.booked()).toBe(await buyer.left())
  })

  it('and is fetched by the next call, with the same credential', async () => {
    let down = true
    const answers = new Map<string, Response>()
    const { front, buyer } = await behind(async ({ request, paid, forward, drop }) => {
      if (!paid) return forward()
      const key = request.headers.get('idempotency-key') ?? ''
      if (!answers.has(key)) answers.set(key, await forward())
      return down ? drop() : (answers.get(key)?.clone() ?? Response.error())
    })
    expect((await failure(buyer.purser.fetch(front.url('/paid')))).funds).toBe('settled')
    down = false
    const response = await buyer.purser.fetch(front.url('/paid'))
    expect(response.status).toBe(200)
    expect(await response.json()).toMatchObject({ route: '/paid' })
    expect(buyer.purser.paymentFor(response)).toMatchObject({ state: 'settled', delivered: true })
    expect(new Set(front.credentials).size).toBe(1)
    expect(await charges()).toBe(1n)
    // It is delivered now: the next call is another purchase.
    expect((await buyer.purser.fetch(front.url('/paid'))).status).toBe(200)
    expect(await charges()).toBe(2n)
  })

  it('and a key says that it is the same purchase for good', async () => {
    let down = true
    const { front, buyer } = await behind(async ({ paid, forward, drop }) => {
      const response = await forward()
      return paid && down && response.status === 200 ? drop() : response
    })
    const init = { headers: { 'idempotency-key': 'order-1' } }
    await failure(buyer.purser.fetch(front.url('/paid'), init))
    down = false
    const again = await problemIn(await buyer.purser.fetch(front.url('/paid'), init))
    expect(again['funds']).toBe('settled')
    const fresh = await buyer.purser.fetch(front.url('/paid'), { headers: { 'idempotency-key': 'order-2' } })
    expect(fresh.status).toBe(200)
    expect(await charges()).toBe(2n)
    const conflict = await problemIn(await buyer.purser.fetch(front.url('/price/0.02'), init))
    expect(conflict['code']).toBe('idempotency_conflict')
  })

  it('and the server says 500 instead: its answer is handed on, and the money is settled', async () => {
    const { front, buyer } = await behind(async ({ paid, forward }) => {
      const response = await forward()
      return paid ? new Response('out of order', { status: 500 }) : response
    })
    const response = await buyer.purser.fetch(front.url('/paid'))
    expect(response.status).toBe(500)
    expect(buyer.purser.paymentFor(response)).toMatchObject({ state: 'settled', delivered: false })
    expect(await charges()).toBe(1n)
    expect((await buyer.purser.fetch(front.url('/paid'))).status).toBe(402)
    expect(await charges()).toBe(1n)
    expect(buyer.signatures()).toBe(1)
  })
})

describe('the challenge rotates', () => {
  it('unsponsored: the second credential takes the place of the first, so only one can settle', async () => {
    const { front, buyer } = await behind(({ paid, turn, forward, ask }) =>
      paid && turn === 1 ? ask() : forward(),
    )
    const response = await buyer.purser.fetch(front.url('/paid'))
    expect(response.status).toBe(200)
    expect(buyer.signatures()).toBe(2)
    expect(front.credentials).toHaveLength(2)
    const { attempts } = only(await buyer.payments())
    const [first, second] = attempts.map(({ evidence }) => record(evidence.detail))
    expect(second?.['nonceKey']).toBe(first?.['nonceKey'])
    expect(second?.['nonce']).toBe(first?.['nonce'])
    expect(second?.['memo']).not.toBe(first?.['memo'])
    expect(await charges()).toBe(1n)
    await buyer.purser.recover({ reconcile: true })
    expect(await buyer.booked()).toBe(await buyer.left())
  })

  it('and gets dearer: nothing further is signed', async () => {
    const { front, buyer } = await behind(async ({ paid, forward }) => {
      if (!paid) return forward()
      return fetch(world.api.url('/price/0.02'))
    })
    const error = await failure(buyer.purser.fetch(front.url('/paid')))
    expect(error).toMatchObject({ code: 'payment_in_doubt', funds: 'unknown' })
    expect(buyer.signatures()).toBe(1)
    expect(await charges()).toBe(0n)
  })

  it('after the server took the money: it is found on the chain, and not paid again', async () => {
    const { front, buyer } = await behind(async ({ paid, forward, ask }) => {
      if (!paid) return forward()
      await forward()
      return ask()
    })
    const anomalies = buyer.heard('anomaly')
    const error = await failure(buyer.purser.fetch(front.url('/paid')))
    expect(error).toMatchObject({ code: 'paid_not_delivered', funds: 'settled' })
    expect(buyer.signatures()).toBe(1)
    expect(await charges()).toBe(1n)
    expect(anomalies).toEqual([expect.objectContaining({ kind: 'settled_without_delivery' })])
  })

  it('for ever: at most two signatures; once both are dead, nothing was spent', async () => {
    const { front, buyer } = await behind(({ ask }) => ask())
    const error = await failure(buyer.purser.fetch(front.url('/paid')))
    expect(error).toMatchObject({ code: 'payment_in_doubt', funds: 'unknown' })
    expect(buyer.signatures()).toBe(2)
    const again = await problemIn(await buyer.purser.fetch(front.url('/paid')))
    expect(again).toMatchObject({ code: 'payment_in_doubt', funds: 'unknown' })
    expect(buyer.signatures()).toBe(2)
    expect(await buyer.booked()).toBeGreaterThan(0n)
    // Both run out. The last test on this chain, since its clock goes ahead of ours.
    await world.chain.mine(4, 30)
    expect(await buyer.purser.recover({ reconcile: true })).toMatchObject({ released: 1, open: 0 })
    expect(only(await buyer.payments()).state).toBe('released')
    expect(await buyer.left()).toBe(0n)
    expect(await buyer.booked()).toBe(0n)
    expect(await charges()).toBe(0n)
  })
})

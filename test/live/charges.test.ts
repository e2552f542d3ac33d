import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ACCOUNTS, alphaUSD, pathUSD } from '../chain/chain.js'
import { PRICE, SPLIT } from '../chain/server.js'
import { type Buyer, only, startWorld, type World } from './world.js'

let world: World
beforeAll(async () => {
  world = await startWorld()
})
afterAll(() => world?.stop())

/** What the payee got meanwhile. */
async function received<T>(to: string, during: () => Promise<T>, currency = alphaUSD): Promise<[bigint, T]> {
  const before = await world.chain.balanceOf(currency, to)
  const result = await during()
  return [(await world.chain.balanceOf(currency, to)) - before, result]
}

/** The one payment of this buyer, as the chain and the ledger agree on it. */
async function agreed(buyer: Buyer): Promise<Awaited<ReturnType<Buyer['payments']>>[number]> {
  await buyer.purser.recover({ reconcile: true })
  expect(await buyer.booked()).toBe(await buyer.left())
  return only(await buyer.payments())
}

describe('a real server is paid', () => {
  it('by pull: the server broadcasts', async () => {
    const buyer = await world.buyer()
    const [got, response] = await received(ACCOUNTS.payee.address, () => buyer.get('/paid'))
    expect(response.status).toBe(200)
    expect(await response.json()).toEqual({ route: '/paid', method: 'GET', body: '' })
    expect(got).toBe(PRICE)
    expect(buyer.signatures()).toBe(1)
    const payment = await agreed(buyer)
    expect(payment).toMatchObject({ state: 'settled', proof: 'chain', delivered: true })
    expect(payment.spent?.value).toBe(PRICE)
    expect(payment.fee?.value).toBeGreaterThan(0n)
  })

  it('by push: the client broadcasts', async () => {
    const buyer = await world.buyer({ wallet: { mode: 'push' } })
    const [got, response] = await received(ACCOUNTS.payee.address, () => buyer.get('/paid'))
    expect(response.status).toBe(200)
    expect(got).toBe(PRICE)
    expect((await agreed(buyer)).fee?.value).toBeGreaterThan(0n)
  })

  it('by push where it takes nothing else', async () => {
    const buyer = await world.buyer()
    const response = await buyer.get('/push')
    expect(response.status).toBe(200)
    expect((await agreed(buyer)).spent?.value).toBe(PRICE)
  })

  it('refuses a pull-only offer when only push is allowed', async () => {
    const buyer = await world.buyer({ wallet: { mode: 'push' } })
    const response = await buyer.get('/pull')
    expect(response.status).toBe(402)
    expect(buyer.signatures()).toBe(0)
  })

  it('sponsored: the server pays the fee', async () => {
    const buyer = await world.buyer()
    const [got, response] = await received(ACCOUNTS.payee.address, () => buyer.get('/sponsored'))
    expect(response.status).toBe(200)
    expect(got).toBe(PRICE)
    expect(await buyer.left()).toBe(PRICE)
    const payment = only(await buyer.payments())
    expect(payment.terms.fee).toBeUndefined()
    expect(await buyer.booked()).toBe(PRICE)
  })

  it('with splits', async () => {
    const buyer = await world.buyer()
    const [[second, first], response] = await (async () => {
      const [split, [primary, reply]] = await received(ACCOUNTS.split.address, () =>
        received(ACCOUNTS.payee.address, () => buyer.get('/splits')),
      )
      return [[split, primary], reply] as const
    })()
    expect(response.status).toBe(200)
    expect([first, second]).toEqual([3n * PRICE - SPLIT, SPLIT])
    const payment = await agreed(buyer)
    expect(payment.terms.payees.map(({ id }) => id)).toEqual(
      [ACCOUNTS.payee.address, ACCOUNTS.split.address].map((id) => id.toLowerCase()),
    )
  })

  it('nothing, with a proof of identity', async () => {
    const buyer = await world.buyer()
    const response = await buyer.get('/zero')
    expect(response.status).toBe(200)
    expect(buyer.signatures()).toBe(1)
    expect(await buyer.left()).toBe(0n)
    expect(only(await buyer.payments())).toMatchObject({ state: 'settled', terms: { purpose: 'prove' } })
  })

  it('whatever order number it has', async () => {
    const buyer = await world.buyer()
    expect((await buyer.get('/external')).status).toBe(200)
    expect(only((await agreed(buyer)).receipts).reference).toMatch(/^0x[0-9a-f]{64}$/)
  })

  it('for any method, with the body', async () => {
    const buyer = await world.buyer()
    const response = await buyer.get('/paid', { method: 'PUT', body: 'tea' })
    expect(await response.json()).toEqual({ route: '/paid', method: 'PUT', body: 'tea' })
  })

  it('nothing for what is free', async () => {
    const buyer = await world.buyer()
    expect((await buyer.get('/free')).status).toBe(200)
    expect(buyer.signatures()).toBe(0)
    expect(await buyer.payments()).toEqual([])
  })

  it('and leaves an origin that policy does not know alone', async () => {
    const buyer = await world.buyer({ origins: ['https://elsewhere.example'] })
    const response = await buyer.get('/paid')
    expect(response.status).toBe(402)
    expect(response.headers.get('www-authenticate')).toMatch(/^Payment /)
    expect(buyer.signatures()).toBe(0)
    expect(world.api.seen.at(-1)?.idempotencyKey).toBeUndefined()
  })
})

describe('of several offers', () => {
  it('the cheapest is paid', async () => {
    const buyer = await world.buyer()
    const [got, response] = await received(ACCOUNTS.payee.address, () => buyer.get('/offers'), pathUSD)
    expect(response.status).toBe(200)
    expect(got).toBe(PRICE)
    expect((await agreed(buyer)).terms.most.currency.id).toBe(pathUSD.id)
  })

  it('the cheapest that policy allows', async () => {
    const buyer = await world.buyer({ policy: { currencies: [alphaUSD.id] } })
    const [got, response] = await received(ACCOUNTS.payee.address, () => buyer.get('/offers'))
    expect(response.status).toBe(200)
    expect(got).toBe(2n * PRICE)
    await agreed(buyer)
  })

  it('the cheapest that the account can pay', async () => {
    const account = await world.chain.account()
    await world.chain.fund(account.address, alphaUSD, 100_000n)
    const buyer = await world.buyer({ account })
    expect((await buyer.get('/offers')).status).toBe(200)
    expect((await agreed(buyer)).terms.most.currency.id).toBe(alphaUSD.id)
  })
})

import { afterAll, beforeAll, expect, it } from 'vitest'
import { ACCOUNTS, alphaUSD } from '../chain/chain.js'
import { PRICE } from '../chain/server.js'
import { type Buyer, DOLLAR, problemIn, startWorld, UNITS_PER_PART, type World } from './world.js'

let world: World
beforeAll(async () => {
  world = await startWorld()
})
afterAll(() => world?.stop())

/** Once everything is read from the chain, the ledger says exactly what left the account. */
async function reconciled(buyer: Buyer): Promise<bigint> {
  const left = await buyer.left()
  await buyer.purser.recover({ reconcile: true })
  expect(await buyer.booked()).toBe(left)
  const [budget] = await buyer.purser.budgets()
  expect(budget?.spent).toBe(left * UNITS_PER_PART)
  expect(budget?.held).toBe(0n)
  return left
}

it('counts a fee at its bound until it is read, and then at what the chain took', async () => {
  const buyer = await world.buyer()
  await buyer.get('/paid')
  const [before] = await buyer.payments()
  const bound = before?.terms.fee?.bound.value ?? 0n
  expect(await buyer.booked()).toBe(PRICE + bound)
  const recovery = await buyer.purser.recover({ reconcile: true })
  expect(recovery.fees).toBe(1)
  const [after] = await buyer.payments()
  const fee = after?.fee?.value ?? 0n
  expect(fee).toBeGreaterThan(0n)
  expect(fee).toBeLessThan(bound)
  expect(await reconciled(buyer)).toBe(PRICE + fee)
})

it('agrees with the chain to the unit over payments of every kind', async () => {
  // Not held to the payees of the first one: the split has another.
  const buyer = await world.buyer({ policy: { vendors: [{ origin: world.api.origin, payees: 'any' }] } })
  for (const path of ['/paid', '/sponsored', '/splits', '/zero', '/push', '/price/0.123456', '/path-usd'])
    expect((await buyer.get(path)).status).toBe(200)
  const prices = PRICE + PRICE + 3n * PRICE + PRICE + 123_456n + PRICE
  const left = await reconciled(buyer)
  expect(left).toBeGreaterThan(prices)
  const all = await buyer.payments()
  expect(all).toHaveLength(7)
  const fees = all.reduce((sum, { fee }) => sum + (fee?.value ?? 0n), 0n)
  expect(left - fees).toBe(prices)
})

it('pays fifty calls at once, each exactly once', async () => {
  const buyer = await world.buyer({ funds: 5n * DOLLAR })
  const before = await world.chain.balanceOf(alphaUSD, ACCOUNTS.payee.address)
  const responses = await Promise.all(Array.from({ length: 50 }, (_, index) => buyer.get(`/paid?n=${index}`)))
  expect(responses.map(({ status }) => status)).toEqual(Array(50).fill(200))
  expect((await world.chain.balanceOf(alphaUSD, ACCOUNTS.payee.address)) - before).toBe(50n * PRICE)
  expect(buyer.signatures()).toBe(50)
  const all = await buyer.payments()
  expect(new Set(all.map(({ reference }) => reference)).size).toBe(50)
  expect(all.every(({ state, delivered }) => state === 'settled' && delivered)).toBe(true)
  await reconciled(buyer)
})

it('never spends more than the budget, however many calls race for it', async () => {
  // Price and fee bound are 0.0306: four fit, and the fifth only once a fee was read.
  const buyer = await world.buyer({ policy: { budgets: [{ limit: '0.1300', per: 'day' }] } })
  const responses = await Promise.all(Array.from({ length: 20 }, (_, index) => buyer.get(`/paid?n=${index}`)))
  const paid = responses.filter(({ status }) => status === 200)
  expect(paid.length).toBeGreaterThanOrEqual(4)
  expect(await buyer.left()).toBeLessThanOrEqual(130_000n)
  const problem = await problemIn(responses.find(({ status }) => status === 402) ?? new Response())
  expect(problem).toMatchObject({ code: 'refused', funds: 'untouched', status: 402 })
  expect(buyer.signatures()).toBe(paid.length)
  await reconciled(buyer)
})

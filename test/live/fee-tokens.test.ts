import { afterAll, beforeAll, expect, test } from 'vitest'
import { alphaUSD, betaUSD, pathUSD } from '../chain/chain.js'
import { PRICE } from '../chain/server.js'
import { startWorld, type World } from './world.js'

let world: World

beforeAll(async () => {
  world = await startWorld()
})
afterAll(() => world?.stop())

/** An account that holds the price in the token of the offer, and the fee in another dollar. */
async function split() {
  const account = await world.chain.account()
  await world.chain.fund(account.address, alphaUSD, PRICE)
  await world.chain.fund(account.address, betaUSD, 50_000n)
  return account
}

test('an account that holds the fee in another dollar pays with it, and the ledger counts what left', async () => {
  const account = await split()
  const buyer = await world.buyer({ account })
  expect((await buyer.get('/paid')).status).toBe(200)
  const spent = 50_000n - (await world.chain.balanceOf(betaUSD, account.address))
  expect(spent).toBeGreaterThan(0n)
  expect(await world.chain.balanceOf(alphaUSD, account.address)).toBe(0n)
  await buyer.purser.recover({ reconcile: true })
  expect(await buyer.booked()).toBe(PRICE + spent)
  expect(await buyer.payments()).toMatchObject([{ state: 'settled' }])
})

test('a policy that lists currencies keeps the fee in them, and nothing is signed', async () => {
  const buyer = await world.buyer({
    account: await split(),
    policy: { currencies: [alphaUSD.id, pathUSD.id] },
  })
  const reply = await buyer.get('/paid')
  expect(reply.status).toBe(402)
  const said = await reply.text()
  expect(said).toContain('insufficient_funds')
  expect(said).toContain('No other dollar that may pay the fee covers it: the account holds 0 pathUSD')
  expect(buyer.signatures()).toBe(0)
})

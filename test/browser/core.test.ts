import { createPurser, type Purser, token } from 'purser'
import { memoryLedger } from 'purser/ledger/memory'
import { tempo } from 'purser/wallet/tempo'
import { privateKeyToAccount } from 'viem/accounts'
import { afterEach, expect, inject, test } from 'vitest'

const shop = inject('shop')
const dollar = token(shop.network, '0x20c0000000000000000000000000000000000001', {
  symbol: 'AlphaUSD',
  decimals: 6,
  peg: 'iso4217:USD',
})

const open: Purser[] = []
afterEach(async () => {
  for (const purser of open.splice(0)) await purser.close()
})

function purserWith(perPayment: string): Purser {
  const purser = createPurser({
    agent: 'page',
    wallets: [tempo({ account: privateKeyToAccount(shop.key), rpc: { [shop.network.slice(7)]: shop.rpc } })],
    currencies: [dollar],
    ledger: memoryLedger(),
    policy: {
      perPayment,
      maxFee: '0.05',
      budgets: [{ limit: '1', per: 'day' }],
      networks: [shop.network],
      vendors: [{ origin: shop.origin }],
    },
  })
  open.push(purser)
  return purser
}

test('a page pays another origin, on a real chain, with no more headers than CORS lets through', async () => {
  const purser = purserWith('0.05')
  const response = await purser.fetch(`${shop.origin}/paid`)
  expect(response.status).toBe(200)
  expect(await response.json()).toMatchObject({ route: '/paid' })
  expect(purser.paymentFor(response)).toMatchObject({ state: 'settled', proof: 'receipt' })
  const [budget] = await purser.budgets()
  expect(budget?.spent).toBeGreaterThanOrEqual(10_000_000n)
})

test('what policy does not allow is not paid, and the page is told why', async () => {
  const purser = purserWith('0.001')
  const response = await purser.fetch(`${shop.origin}/paid`)
  expect(response.status).toBe(402)
  expect(await response.json()).toMatchObject({ code: 'refused', funds: 'untouched' })
})

test('free things stay free, and what only servers have says so', async () => {
  const purser = purserWith('0.05')
  expect((await purser.fetch(`${shop.origin}/free`)).status).toBe(200)
  expect(() => purser.run({ task: 'tea' }, () => undefined)).toThrow(/AsyncLocalStorage/)
})

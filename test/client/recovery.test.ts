import { expect, it } from 'vitest'
import type { Verdict } from '../../src/entry/wallet.js'
import { spendAuthorization } from '../../src/entry/wallet.js'
import { amount, CURRENCIES, createPurser, type Wallet } from '../../src/index.js'
import { memoryLedger } from '../../src/ledger/memory.js'

const SOON_MS = 10
const request = Buffer.from('{}').toString('base64url')
const CHALLENGE = `Payment id="one", realm="shop", method="slow", intent="charge", request="${request}"`

it('a recovery that is asked for looks again at what one that runs by itself is looking at', async () => {
  let looks = 0
  let look: () => Promise<Verdict> | Verdict = () => pending()
  const pending = (): Verdict => ({ state: 'pending', recheckAt: Date.now() + SOON_MS, reason: 'not yet' })
  const price = amount(10_000n, CURRENCIES.pathUSD)
  const wallet: Wallet = {
    id: 'slow:1',
    kinds: ['slow/charge'],
    quote: async (challenge, { resource }) => ({
      ...{ wallet: 'slow:1', challenge, resource },
      terms: {
        ...{ purpose: 'pay', kind: 'slow/charge', network: 'eip155:4217', most: price, exact: true },
        payees: [{ id: 'shop', amount: price }],
      },
    }),
    prepare: async (authorization, { now }) => {
      const { challenge } = spendAuthorization(authorization, now).quote
      return {
        evidence: { wallet: 'slow:1', kind: 'slow/charge', refs: ['one'], detail: null },
        complete: async () => ({ credential: { challenge, payload: {} }, goodUntil: now }),
        discard: async () => undefined,
      }
    },
    inspect: async () => {
      looks++
      return look()
    },
  }
  await using purser = createPurser({
    wallets: [wallet],
    policy: {
      perPayment: '1',
      budgets: [{ limit: '5', per: 'day' }],
      vendors: [{ origin: 'https://shop.example' }],
    },
    ledger: memoryLedger(),
    fetch: async (_, init) => {
      if (new Headers(init?.headers).has('authorization')) throw new TypeError('fetch failed')
      return new Response(null, { status: 402, headers: { 'www-authenticate': CHALLENGE } })
    },
  })
  await expect(purser.fetch('https://shop.example/')).rejects.toMatchObject({ code: 'payment_in_doubt' })
  const before = looks
  let answer = (_: Verdict): void => undefined
  const hanging = new Promise<Verdict>((resolve) => {
    answer = resolve
  })
  look = () => hanging
  // Alarms of the background fall on whole seconds.
  await expect.poll(() => looks, { timeout: 5_000 }).toBeGreaterThan(before)
  const asked = purser.recover({ reconcile: true })
  look = () => ({ state: 'settled', reference: '0xfee' })
  answer(pending())
  expect(await asked).toMatchObject({ settled: 1 })
})

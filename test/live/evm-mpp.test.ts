import { evm as charge, Mppx, Request as Requests } from 'mppx/server'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { isPaymentError } from '../../src/index.js'
import { type Buyer, type BuyerOptions, makeBuyer } from '../evm/buyer.js'
import { DOMAIN, type EvmChain, startEvmChain } from '../evm/chain.js'
import { startTransactionShop, type TransactionShop } from '../evm/double.js'
import { forMppx, startFacilitator } from '../evm/facilitator.js'
import { settleAuthorization } from '../evm/settle.js'
import { listen, PRICE, type Shop } from '../evm/shop.js'
import { startV1Shop } from '../evm/v1.js'
import { startFront } from './front.js'
import { only } from './world.js'

// MPP's `evm` method against the reference server, which takes authorizations, by either protocol; transactions and hashes
// against a server of our own; and x402 version 1.

/** Version 1 of x402 names this one. */
const BASE_SEPOLIA = 84532

let chain: EvmChain
beforeAll(async () => {
  chain = await startEvmChain(BASE_SEPOLIA)
})
afterAll(() => chain?.stop())

async function buyer(options: BuyerOptions): Promise<Buyer> {
  const made = await makeBuyer(chain, options)
  onTestFinished(() => made[Symbol.asyncDispose]())
  return made
}

async function agrees(b: Buyer, amount: bigint): Promise<void> {
  expect({ left: await b.left(), booked: await b.booked() }).toEqual({ left: amount, booked: amount })
}

interface Offering {
  /** Without: only x402 is offered. */
  readonly mpp: boolean
  readonly routeBinding?: 'required' | 'resource'
}

/** The reference server, which takes both protocols for the same charge. */
async function startMppx({ mpp, routeBinding = 'resource' }: Offering): Promise<Shop> {
  const facilitator = forMppx(startFacilitator(chain))
  const method = charge.charge({
    currency: chain.dollarAddress,
    recipient: chain.payee,
    chainId: chain.id,
    decimals: 6,
    authorization: DOMAIN,
    x402: { facilitator, routeBinding },
    ...(mpp
      ? { settle: async ({ payload }) => ({ reference: await settleAuthorization(chain, { payload }) }) }
      : {}),
  })
  const mppx = Mppx.create({ methods: [method], secretKey: 'a secret of this test server, long enough' })
  const shop = await listen(() =>
    Requests.toNodeListener(async (request) => {
      const scope = routeBinding === 'required' ? { scope: 'tea' } : {}
      const result = await mppx.evm.charge({ amount: '0.01', ...scope })(request)
      if (result.status !== 402) return result.withReceipt(new Response('tea'))
      if (mpp) return result.challenge
      const headers = new Headers(result.challenge.headers)
      headers.delete('www-authenticate')
      return new Response(null, { status: 402, headers })
    }),
  )
  onTestFinished(() => shop.close())
  return shop
}

describe('the reference server', () => {
  test('is paid by an authorization that is bound to its challenge', async () => {
    const shop = await startMppx({ mpp: true })
    const b = await buyer({ origins: [shop.origin], prefer: ['evm/charge'] })
    const response = await b.purser.fetch(shop.url('/tea'), { method: 'POST', body: 'two lumps' })
    expect({ status: response.status, text: await response.text() }).toEqual({ status: 200, text: 'tea' })
    expect(only(await b.payments()).terms.kind).toBe('evm/charge')
    await agrees(b, PRICE)
  })

  test('is paid by x402', async () => {
    const shop = await startMppx({ mpp: false })
    const b = await buyer({ origins: [shop.origin] })
    expect((await b.purser.fetch(shop.url('/tea'))).status).toBe(200)
    expect(only(await b.payments()).terms.kind).toBe('x402/exact')
    await agrees(b, PRICE)
  })

  test('is paid by x402 where it wants the payment bound to its route', async () => {
    const shop = await startMppx({ mpp: false, routeBinding: 'required' })
    const b = await buyer({ origins: [shop.origin] })
    expect((await b.purser.fetch(shop.url('/tea'))).status).toBe(200)
    await agrees(b, PRICE)
  })

  test('that rotates its challenge gets nothing more while the first may settle', async () => {
    const shop = await startMppx({ mpp: true })
    const front = await startFront(shop.origin, ({ forward, ask, paid }) => (paid ? ask() : forward()))
    onTestFinished(() => front.close())
    const b = await buyer({ origins: [front.origin], prefer: ['evm/charge'], patience: 500 })
    const error: unknown = await b.purser.fetch(front.url('/tea')).catch((thrown: unknown) => thrown)
    expect(isPaymentError(error) && error.code).toBe('payment_in_doubt')
    const kinds = (await b.payments()).flatMap(({ attempts }) => attempts.map(({ terms }) => terms.kind))
    expect(kinds).toEqual(['evm/charge'])
    expect(b.signatures()).toBe(1)
  })
})

describe('x402 version 1', () => {
  test('is paid, as its reference facilitator judges it', async () => {
    const shop = await startV1Shop(chain)
    onTestFinished(() => shop.close())
    const b = await buyer({ origins: [shop.origin] })
    const response = await b.purser.fetch(shop.url('/tea'), { method: 'POST', body: 'two lumps' })
    expect({ status: response.status, text: await response.text() }).toEqual({ status: 200, text: 'tea' })
    await agrees(b, PRICE)
    expect(only(await b.payments())).toMatchObject({ state: 'settled', terms: { kind: 'x402/exact' } })
  })
})

describe('transactions of our own', () => {
  let shop: TransactionShop
  beforeAll(async () => {
    shop = await startTransactionShop(chain)
  })
  afterAll(() => shop?.close())

  /** Gas is paid in the chain's coin, and can be counted only because the user says what that is worth. */
  const rates = { 'eip155:84532/slip44:60': '4000' }
  const make = (more: Partial<BuyerOptions> = {}) => buyer({ origins: [shop.origin], rates, ...more })

  test.each(['/transaction', '/hash'])(
    'are made for %s, and what the ledger counts beside the price is the gas',
    async (path) => {
      const b = await make()
      const coin = await chain.coinOf(b.account.address)
      expect((await b.purser.fetch(shop.url(path))).status).toBe(200)
      await b.purser.recover({ reconcile: true })
      expect(await b.left()).toBe(PRICE)
      const payment = only(await b.payments())
      const spent = coin - (await chain.coinOf(b.account.address))
      expect(payment.fee?.value).toBe(spent)
      // Wei at 4,000 dollars, at nine decimals and rounded up, beside the price.
      const gas = (spent * 4_000n + 10n ** 9n - 1n) / 10n ** 9n
      expect(payment.units).toBe(PRICE * 1_000n + gas)
    },
  )

  test('are denied where nobody says what the coin is worth', async () => {
    const b = await make({ rates: {} })
    const response = await b.purser.fetch(shop.url('/transaction'))
    expect(response.status).toBe(402)
    expect(await response.text()).toContain('slip44:60')
    expect(b.signatures()).toBe(0)
  })

  test('run one after another: no two take one nonce', async () => {
    const b = await make()
    const responses = await Promise.all(
      Array.from({ length: 3 }, () => b.purser.fetch(shop.url('/transaction'))),
    )
    expect(responses.map(({ status }) => status)).toEqual([200, 200, 200])
    expect(await b.left()).toBe(3n * PRICE)
    expect(new Set(shop.taken.slice(-3)).size).toBe(3)
  })

  test('that a server sits on are replaced on their own nonce, and only one of the two can ever be included', async () => {
    const b = await make()
    shop.sleeps = 1
    expect((await b.purser.fetch(shop.url('/transaction'))).status).toBe(200)
    const [first = '', second = ''] = shop.taken.slice(-2)
    expect(await b.left()).toBe(PRICE)
    if (first !== second) await expect(chain.rpc('eth_sendRawTransaction', [first])).rejects.toThrow()
    expect(await b.left()).toBe(PRICE)
  })
})

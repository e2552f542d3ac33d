import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { isPaymentError, type PaymentError } from '../../src/index.js'
import { type Buyer, type BuyerOptions, makeBuyer } from '../evm/buyer.js'
import { type EvmChain, startEvmChain } from '../evm/chain.js'
import { CHARGED, PRICE, startX402Shop, type X402Shop } from '../evm/shop.js'
import { startFront } from './front.js'
import { only } from './world.js'

// The reference server, middleware and facilitator of x402 on a local chain, with real Permit2: whatever they are paid,
// the chain and the ledger agree to the unit.

let chain: EvmChain
let shop: X402Shop
beforeAll(async () => {
  chain = await startEvmChain()
  shop = await startX402Shop(chain)
})
afterAll(async () => {
  await shop?.close()
  await chain?.stop()
})

async function buyer(options: Partial<BuyerOptions> = {}): Promise<Buyer> {
  const made = await makeBuyer(chain, { origins: [shop.origin], ...options })
  onTestFinished(() => made[Symbol.asyncDispose]())
  return made
}

async function failure(call: Promise<unknown>): Promise<PaymentError> {
  const error: unknown = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  if (!isPaymentError(error)) throw new Error('no payment error', { cause: error })
  return error
}

/** Chain and ledger say the same. */
async function agrees(b: Buyer, amount: bigint): Promise<void> {
  expect({ left: await b.left(), booked: await b.booked() }).toEqual({ left: amount, booked: amount })
}

describe('an exact price', () => {
  test('is paid by EIP-3009', async () => {
    const b = await buyer()
    const response = await b.purser.fetch(shop.url('/exact'))
    expect({ status: response.status, text: await response.text() }).toEqual({ status: 200, text: 'tea' })
    expect(b.signatures()).toBe(1)
    await agrees(b, PRICE)
    const payment = only(await b.payments())
    expect(payment).toMatchObject({ state: 'settled', proof: 'receipt', delivered: true })
    expect(payment.reference).toMatch(/^0x[0-9a-f]{64}$/)
  })

  test('is paid for a request with a body, which comes again whole', async () => {
    const b = await buyer()
    const response = await b.purser.fetch(shop.url('/exact'), { method: 'POST', body: 'two lumps' })
    expect(response.status).toBe(200)
    expect(shop.bodies.at(-1)).toBe('two lumps')
    await agrees(b, PRICE)
  })

  test('is paid by Permit2, once that was approved, and not before', async () => {
    const b = await buyer()
    const refused = await b.purser.fetch(shop.url('/permit2'))
    expect(refused.status).toBe(402)
    expect(await refused.text()).toContain('approvePermit2')
    expect(b.signatures()).toBe(0)
    await b.approve()
    expect((await b.purser.fetch(shop.url('/permit2'))).status).toBe(200)
    await agrees(b, PRICE)
  })

  test('is passed over by an account that is short of it, with nothing signed', async () => {
    const b = await buyer({ funds: PRICE - 1n })
    const response = await b.purser.fetch(shop.url('/exact'))
    expect(response.status).toBe(402)
    expect(await response.text()).toContain('0.009999 TUSD')
    expect(b.signatures()).toBe(0)
  })

  test('of many calls at once is paid once for each', async () => {
    const b = await buyer()
    const responses = await Promise.all(Array.from({ length: 5 }, () => b.purser.fetch(shop.url('/exact'))))
    expect(responses.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200])
    await agrees(b, 5n * PRICE)
  })
})

describe('a price that is known afterwards', () => {
  test('is held at its ceiling, and settles at what the chain took', async () => {
    const b = await buyer()
    await b.approve()
    const response = await b.purser.fetch(shop.url('/upto'))
    expect(response.status).toBe(200)
    const before = only(await b.payments())
    expect(before).toMatchObject({ delivered: true })
    expect(before.units).toBe(before.state === 'settled' ? CHARGED * 1_000n : 50_000n * 1_000n)
    await b.purser.recover({ reconcile: true })
    await agrees(b, CHARGED)
    expect(only(await b.payments())).toMatchObject({ state: 'settled', proof: 'chain' })
  })
})

describe('extensions', () => {
  test('a payment has an identifier of its own', async () => {
    const b = await buyer()
    await b.purser.fetch(shop.url('/identified'))
    await b.purser.fetch(shop.url('/identified'))
    const [one, two] = shop.identifiers.slice(-2)
    expect(one).toMatch(/^pay_[0-9a-f]{32}$/)
    expect(two).not.toBe(one)
    await agrees(b, 2n * PRICE)
  })

  test('who has paid signs in, and pays no more; somewhere else they pay', async () => {
    const b = await buyer()
    expect((await b.purser.fetch(shop.url('/signed'))).status).toBe(200)
    await agrees(b, PRICE)
    const again = await b.purser.fetch(shop.url('/signed'))
    expect({ status: again.status, text: await again.text() }).toEqual({ status: 200, text: 'tea' })
    await agrees(b, PRICE)
    expect(b.signatures()).toBe(2)
    expect((await b.purser.fetch(shop.url('/exact'))).status).toBe(200)
    await agrees(b, 2n * PRICE)
  })

  test('a sign-in that is not taken costs a round trip once, and the call is paid for', async () => {
    const b = await buyer()
    const before = shop.signIns()
    shop.forgets = true
    onTestFinished(() => {
      shop.forgets = false
    })
    for (let call = 0; call < 3; call++) expect((await b.purser.fetch(shop.url('/signed'))).status).toBe(200)
    expect(shop.signIns() - before).toBe(1)
    await agrees(b, 3n * PRICE)
    expect((await b.payments()).filter(({ state }) => state === 'settled')).toHaveLength(3)
  })
})

describe('settlement fails', () => {
  test('after the signature: nothing is signed again, and the budget holds until it ran out', async () => {
    const b = await buyer()
    shop.fate = async () => ({
      success: false,
      errorReason: 'transaction_failed',
      transaction: '',
      network: chain.network,
    })
    const error = await failure(b.purser.fetch(shop.url('/exact')))
    expect(error).toMatchObject({ code: 'payment_in_doubt', funds: 'unknown' })
    expect(b.signatures()).toBe(1)
    expect({ left: await b.left(), booked: await b.booked() }).toEqual({ left: 0n, booked: PRICE })
  })

  test('in words only: what is still pending has moved, and is found', async () => {
    const b = await buyer()
    shop.fate = async (settle) => ({ ...(await settle()), success: false, errorReason: 'settlement_pending' })
    const error = await failure(b.purser.fetch(shop.url('/exact')))
    expect(error).toMatchObject({ code: 'paid_not_delivered', funds: 'settled' })
    expect(b.signatures()).toBe(1)
    await agrees(b, PRICE)
  })
})

describe('the answer is lost', () => {
  test('the same credential comes again, is refused as used, and the chain says that it settled', async () => {
    const front = await startFront(shop.origin, async ({ forward, drop, paid, turn }) => {
      const response = await forward()
      return paid && turn === 1 ? drop() : response
    })
    onTestFinished(() => front.close())
    const b = await buyer({ origins: [front.origin] })
    const error = await failure(b.purser.fetch(front.url('/exact')))
    expect(error).toMatchObject({ code: 'paid_not_delivered', funds: 'settled' })
    expect(new Set(front.credentials).size).toBe(1)
    expect(b.signatures()).toBe(1)
    await agrees(b, PRICE)
  })

  test('before it was sent on: it runs out, and the budget has it back', async () => {
    const front = await startFront(shop.origin, ({ forward, drop, paid }) => (paid ? drop() : forward()))
    onTestFinished(() => front.close())
    const world = await startEvmChain()
    onTestFinished(() => world.stop())
    const own = await startX402Shop(world)
    onTestFinished(() => own.close())
    const losing = await startFront(own.origin, ({ forward, drop, paid }) => (paid ? drop() : forward()))
    onTestFinished(() => losing.close())
    const b = await makeBuyer(world, { origins: [losing.origin] })
    onTestFinished(() => b[Symbol.asyncDispose]())
    const error = await failure(b.purser.fetch(losing.url('/exact')))
    expect(error).toMatchObject({ code: 'payment_in_doubt', funds: 'unknown' })
    expect(await b.booked()).toBe(PRICE)
    await world.mine(6, 30)
    expect(await b.purser.recover({ reconcile: true })).toMatchObject({ released: 1 })
    expect({ left: await b.left(), booked: await b.booked() }).toEqual({ left: 0n, booked: 0n })
  })

  test('a credential that somebody replays buys nothing more', async () => {
    const front = await startFront(shop.origin, async ({ forward, paid }) => {
      const response = await forward()
      if (paid) expect((await forward()).status).toBe(402)
      return response
    })
    onTestFinished(() => front.close())
    const b = await buyer({ origins: [front.origin] })
    expect((await b.purser.fetch(front.url('/exact'))).status).toBe(200)
    await agrees(b, PRICE)
  })
})

describe('a rotated offer', () => {
  test('is paid in the place of the first, once', async () => {
    const front = await startFront(shop.origin, async ({ forward, ask, paid, turn }) =>
      paid && turn === 1 ? ask() : forward(),
    )
    onTestFinished(() => front.close())
    const b = await buyer({ origins: [front.origin] })
    expect((await b.purser.fetch(front.url('/exact'))).status).toBe(200)
    expect(b.signatures()).toBe(2)
    const nonces = front.credentials.map(nonceIn)
    expect(nonces).toHaveLength(2)
    expect(new Set(nonces).size).toBe(1)
    await agrees(b, PRICE)
  })
})

function nonceIn(header: string): unknown {
  return JSON.parse(Buffer.from(header, 'base64').toString()).payload.authorization.nonce
}

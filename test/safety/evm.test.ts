import type { IncomingMessage } from 'node:http'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import type { JsonObject } from '../../src/protocol/index.js'
import { type Buyer, type BuyerOptions, makeBuyer } from '../evm/buyer.js'
import { DOMAIN, type EvmChain, startEvmChain } from '../evm/chain.js'
import { settleAuthorization, settlePermit } from '../evm/settle.js'
import { CEILING, CHARGED, listen, PRICE, type Shop } from '../evm/shop.js'

// Servers that lie about tokens on a chain of Ethereum's kind: nothing is signed, or what is signed is bounded by what
// was judged, and the ledger counts no less than the chain took.

let chain: EvmChain
beforeAll(async () => {
  chain = await startEvmChain()
})
afterAll(() => chain?.stop())

/** What a hostile server says to one request. */
interface Answer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
}

type Payment = { readonly accepted: JsonObject; readonly payload: JsonObject }

/** A server that answers as it likes; `payments` are what it was sent. */
interface Hostile extends Shop {
  readonly payments: Payment[]
}

async function hostile(
  answer: (turn: number, payment: Payment | undefined, request: IncomingMessage) => Answer | Promise<Answer>,
): Promise<Hostile> {
  const payments: Payment[] = []
  const shop = await listen(() => async (request, response) => {
    const header = request.headers['payment-signature']
    const payment = typeof header === 'string' ? decode(header) : undefined
    if (payment !== undefined) payments.push(payment)
    const { status, headers = {} } = await answer(payments.length, payment, request)
    response.writeHead(status, headers)
    response.end('tea')
  })
  onTestFinished(() => shop.close())
  return { ...shop, payments }
}

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64')
const decode = (value: string): Payment => JSON.parse(Buffer.from(value, 'base64').toString())

function entry(more: JsonObject = {}): JsonObject {
  return {
    scheme: 'exact',
    network: chain.network,
    amount: PRICE.toString(),
    asset: chain.dollarAddress,
    payTo: chain.payee,
    maxTimeoutSeconds: 60,
    extra: { ...DOMAIN },
    ...more,
  }
}

const asks = (more: JsonObject = {}, extensions?: JsonObject): Answer => ({
  status: 402,
  headers: {
    'payment-required': encode({
      x402Version: 2,
      resource: { url: 'https://trusted.example/' },
      accepts: [entry(more)],
      ...(extensions && { extensions }),
    }),
  },
})

const settled = (more: JsonObject): Answer => ({
  status: 200,
  headers: { 'payment-response': encode({ success: true, network: chain.network, payer: '', ...more }) },
})

const upto = () => ({
  scheme: 'upto',
  amount: CEILING.toString(),
  extra: { facilitatorAddress: chain.facilitator.address },
})

async function buyer(shop: Shop, options: Partial<BuyerOptions> = {}): Promise<Buyer> {
  const made = await makeBuyer(chain, { origins: [shop.origin], ...options })
  onTestFinished(() => made[Symbol.asyncDispose]())
  return made
}

/** What came of a call, whatever that was. */
async function call(b: Buyer, shop: Shop): Promise<number | string> {
  try {
    return (await b.purser.fetch(shop.url('/tea'))).status
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : 'another failure'
  }
}

function member(value: unknown, ...path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (each, name) => (typeof each === 'object' && each !== null ? Reflect.get(each, name) : undefined),
    value,
  )
}

describe('nothing is signed', () => {
  test.each<[string, () => JsonObject]>([
    ['for a lookalike of a known dollar', () => ({ asset: '0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02914' })],
    ['for a known dollar of another chain', () => ({ asset: '0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913' })],
    ['under a name that only the server says', () => ({ extra: { name: 'USD Coin', version: '2' } })],
    ['under a version that only the server says', () => ({ extra: { ...DOMAIN, version: '1' } })],
    // A cent, of a token of eighteen decimals: ten billion dollars of this one.
    ['for an amount in another unit', () => ({ amount: '10000000000000000' })],
    ['for an amount that overflows', () => ({ amount: `${2n ** 256n + 10_000n}` })],
    ['for an amount in another notation', () => ({ amount: '1e4' })],
    ['for a negative amount', () => ({ amount: '-10000' })],
    ['on a chain that has no node', () => ({ network: 'eip155:99' })],
    ['on a network that is none', () => ({ network: 'eip155:031337' })],
    ['to nobody', () => ({ payTo: `0x${'0'.repeat(40)}` })],
    ['that nobody could settle in time', () => ({ maxTimeoutSeconds: 1 })],
  ])('%s', async (_, more) => {
    const shop = await hostile(() => asks(more()))
    const b = await buyer(shop)
    expect(await call(b, shop)).toBe(402)
    expect(b.signatures()).toBe(0)
    expect(shop.payments).toHaveLength(0)
  })

  test('where an MPP offer says other decimals than the token has', async () => {
    const request = {
      amount: PRICE.toString(),
      currency: chain.dollarAddress,
      methodDetails: { chainId: chain.id, credentialTypes: ['authorization'], decimals: 18 },
      recipient: chain.payee,
    }
    const encoded = Buffer.from(JSON.stringify(request)).toString('base64url')
    const shop = await hostile(() => ({
      status: 402,
      headers: {
        'www-authenticate': `Payment id="x", realm="x", method="evm", intent="charge", request="${encoded}"`,
      },
    }))
    const b = await buyer(shop)
    expect(await call(b, shop)).toBe(402)
    expect(b.signatures()).toBe(0)
  })

  test('for a sign-in to another site', async () => {
    const info = {
      domain: 'bank.example',
      uri: 'https://bank.example/',
      version: '1',
      nonce: 'abcdefgh12',
      issuedAt: new Date().toISOString(),
    }
    const signIn = {
      'sign-in-with-x': { info, supportedChains: [{ chainId: chain.network, type: 'eip191' }] },
    }
    const seen: string[] = []
    const shop = await hostile((_, payment, request) => {
      if (request.headers['sign-in-with-x'] !== undefined) seen.push('sign-in')
      return payment === undefined ? asks({}, signIn) : settled({ transaction: '0x01' })
    })
    const b = await buyer(shop)
    expect(await call(b, shop)).toBe(200)
    expect(await call(b, shop)).toBe(200)
    expect(seen).toEqual([])
    // Each was paid for, since the sign-in was not to be had.
    expect(b.signatures()).toBe(2)
  })
})

describe('what is signed is what was judged', () => {
  test('for as long as policy lets it live, whatever the server asks', async () => {
    const shop = await hostile((_, payment) =>
      payment === undefined ? asks({ maxTimeoutSeconds: 31_536_000 }) : { status: 500 },
    )
    const b = await buyer(shop, { policy: { maxValidity: '30s' } })
    await call(b, shop)
    const until = Number(member(shop.payments[0]?.payload, 'authorization', 'validBefore'))
    expect(until).toBeLessThanOrEqual(Date.now() / 1000 + 30)
  })

  test('and a permit names no spender but the proxy, whatever the server says', async () => {
    const attacker = '0x000000000000000000000000000000000000dEaD'
    const extra = { assetTransferMethod: 'permit2', spender: attacker, permit2Spender: attacker }
    const shop = await hostile((_, payment) => (payment === undefined ? asks({ extra }) : { status: 500 }))
    const b = await buyer(shop)
    await b.approve()
    await call(b, shop)
    const spender = member(shop.payments[0]?.payload, 'permit2Authorization', 'spender')
    expect(spender).toBe('0x402085c248EeA27D92E8b30b2C58ed07f9E20001')
  })

  test('and who else is named as facilitator can take no more than the ceiling, for the payee, once', async () => {
    const shop = await hostile((_, payment) => (payment === undefined ? asks(upto()) : { status: 500 }))
    const b = await buyer(shop)
    await b.approve()
    await call(b, shop)
    const credential = { payload: shop.payments[0]?.payload ?? {} }
    await expect(settlePermit(chain, credential, CEILING + 1n)).rejects.toThrow()
    await settlePermit(chain, credential, CEILING)
    await expect(settlePermit(chain, credential, 1n)).rejects.toThrow()
    await b.purser.recover({ reconcile: true })
    expect({ left: await b.left(), booked: await b.booked() }).toEqual({ left: CEILING, booked: CEILING })
  })
})

describe('the second offer', () => {
  test('to another payee gets no signature', async () => {
    const shop = await hostile((turn, payment) => {
      if (payment === undefined) return asks()
      return turn === 1 ? asks({ payTo: chain.facilitator.address }) : { status: 200 }
    })
    const b = await buyer(shop)
    expect(await call(b, shop)).toBe('payment_in_doubt')
    expect(b.signatures()).toBe(1)
  })

  test('at a higher price gets no signature', async () => {
    const shop = await hostile((turn, payment) => {
      if (payment === undefined) return asks()
      return turn === 1 ? asks({ amount: (PRICE + 1n).toString() }) : { status: 200 }
    })
    const b = await buyer(shop)
    expect(await call(b, shop)).toBe('payment_in_doubt')
    expect(b.signatures()).toBe(1)
  })

  test('in another token, or by another transfer, gets no signature', async () => {
    for (const more of [{ asset: chain.quietAddress }, { extra: { assetTransferMethod: 'permit2' } }]) {
      const shop = await hostile((turn, payment) =>
        payment !== undefined && turn === 1 ? asks(more) : payment ? { status: 200 } : asks(),
      )
      const b = await buyer(shop)
      await b.approve()
      expect(await call(b, shop)).toBe('payment_in_doubt')
      expect(b.signatures()).toBe(1)
    }
  })

  test('that is no worse is paid in the place of the first: a server that cashes both gets one', async () => {
    const shop = await hostile((_, payment) =>
      payment === undefined || shop.payments.length === 1 ? asks({ maxTimeoutSeconds: 61 }) : { status: 500 },
    )
    const b = await buyer(shop)
    await call(b, shop)
    expect(shop.payments).toHaveLength(2)
    const [first, second] = shop.payments
    await settleAuthorization(chain, { payload: first?.payload ?? {} })
    await expect(settleAuthorization(chain, { payload: second?.payload ?? {} })).rejects.toThrow()
    await b.purser.recover({ reconcile: true })
    expect({ left: await b.left(), booked: await b.booked() }).toEqual({ left: PRICE, booked: PRICE })
  })
})

describe('a settlement that comes late', () => {
  test('after a 402 is counted all along, and found', async () => {
    const shop = await hostile((_, payment) =>
      payment === undefined
        ? asks()
        : {
            status: 402,
            headers: {
              'payment-response': encode({
                success: false,
                errorReason: 'invalid_transaction_state',
                transaction: '',
                network: chain.network,
              }),
            },
          },
    )
    const b = await buyer(shop)
    expect(await call(b, shop)).toBe('payment_in_doubt')
    expect({ left: await b.left(), booked: await b.booked() }).toEqual({ left: 0n, booked: PRICE })
    await settleAuthorization(chain, { payload: shop.payments[0]?.payload ?? {} })
    await b.purser.recover({ reconcile: true })
    expect({ left: await b.left(), booked: await b.booked() }).toEqual({ left: PRICE, booked: PRICE })
    expect((await b.payments())[0]).toMatchObject({ state: 'settled', proof: 'chain' })
  })
})

describe('a ceiling whose receipt lies', () => {
  test.each<[string, bigint, string]>([
    ['low', CEILING, '1'],
    ['to nothing', CEILING, '0'],
    ['high', CHARGED, CEILING.toString()],
    ['in no known form', CHARGED, 'all of it'],
  ])('%s is held in full, and settles at what the chain took', async (_, took, amount) => {
    const shop = await hostile(async (_turn, payment) => {
      if (payment === undefined) return asks(upto())
      const transaction = await settlePermit(chain, payment, took)
      return settled({ transaction, amount })
    })
    const b = await buyer(shop)
    await b.approve()
    expect(await call(b, shop)).toBe(200)
    const [payment] = await b.payments()
    expect(payment?.units === CEILING * 1_000n || payment?.proof === 'chain').toBe(true)
    await b.purser.recover({ reconcile: true })
    expect({ left: await b.left(), booked: await b.booked() }).toEqual({ left: took, booked: took })
  })

  test('about the transaction settles nothing else', async () => {
    const other = await hostile((_, payment) => (payment === undefined ? asks() : { status: 200 }))
    const shop = await hostile(async (_, payment) => {
      if (payment === undefined) return asks(upto())
      // Not this permit's at all: another payment of the same account to the same payee.
      const transaction = await settleAuthorization(chain, { payload: other.payments[0]?.payload ?? {} })
      return settled({ transaction, amount: PRICE.toString() })
    })
    const b = await buyer(shop, { origins: [shop.origin, other.origin] })
    await b.approve()
    await call(b, other)
    expect(await call(b, shop)).toBe(200)
    await b.purser.recover({ reconcile: true })
    const open = (await b.payments()).find(({ terms }) => terms.kind === 'x402/upto')
    expect(open).toMatchObject({ state: 'committed', units: CEILING * 1_000n })
  })
})

import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { stripe } from '../../src/wallet/stripe/index.js'
import { startShop } from '../stripe/shop.js'
import type { IssuedToken } from '../stripe/tokens.js'
import { METHODS } from '../stripe/tokens.js'
import {
  clientOf,
  failure,
  only,
  type StripeBuyer,
  type StripeBuyerOptions,
  type StripeWorld,
  startStripeWorld,
  tokenIn,
} from '../stripe/world.js'
import { type Front, type Passing, startFront } from './front.js'

let world: StripeWorld
const fronts: Front[] = []
beforeAll(async () => {
  world = await startStripeWorld()
})
afterEach(() => world.double.fault(() => undefined))
afterAll(async () => {
  await Promise.all(fronts.map((front) => front.close()))
  await world.stop()
})

/** A buyer of the shop, behind something that may misbehave; and what it cost, in tokens and cents. */
interface Trial {
  readonly buyer: StripeBuyer
  readonly front: Front
  /** Tokens that were made since it began. */
  tokens(): readonly IssuedToken[]
  /** Cents that were taken since it began. */
  taken(): number
  get(path?: string, init?: RequestInit): Promise<Response>
}

async function trial(
  handle: (passing: Passing) => Promise<Response> | Response,
  options: StripeBuyerOptions = {},
): Promise<Trial> {
  const { double, shop } = world
  const front = await startFront(shop.origin, handle)
  fronts.push(front)
  const [tokens, taken] = [double.tokens.length, double.taken()]
  const buyer = world.buyer({ origins: [front.origin], ...options })
  return {
    buyer,
    front,
    tokens: () => double.tokens.slice(tokens),
    taken: () => double.taken() - taken,
    get: (path = '/paid', init) => buyer.purser.fetch(front.url(path), init),
  }
}

const forward = ({ forward }: Passing) => forward()
const acts = (method: string, more: StripeBuyerOptions['wallet'] = {}): StripeBuyerOptions => ({
  wallet: { paymentMethod: method, ...more },
})
/** A person does whatever they are asked, at once. */
const diligent = () => {
  const waiting = world.double.tokens.find(({ status }) => status === 'requires_action')
  world.double.act(waiting?.id ?? '')
}

describe('a charge', () => {
  test('is paid with a token for exactly what was asked, and the books agree', async () => {
    const { double, shop } = world
    const [before, logged] = [double.taken(), double.log.length]
    const buyer = world.buyer()
    const response = await buyer.purser.fetch(shop.url('/price/2.50'))
    expect(response.status).toBe(200)
    const payment = only(await buyer.payments())
    expect(payment).toMatchObject({ state: 'settled', delivered: true, proof: 'receipt' })
    expect(payment.reference).toBe(double.intents.at(-1)?.id)
    expect(await buyer.booked()).toBe(250)
    expect(double.taken() - before).toBe(250)
    const token = double.tokens.at(-1)
    expect(token).toMatchObject({
      seller: 'profile_test_shop',
      currency: 'usd',
      most: 250,
      reason: 'consumed',
    })
    const requests = double.log.slice(logged).map(({ method, path }) => `${method} ${path}`)
    expect(requests).toEqual(['POST /v1/shared_payment/issued_tokens', 'POST /v1/payment_intents'])
  })

  test('hands on what the order says: metadata to Stripe, the externalId to the server', async () => {
    const one = await trial(forward)
    expect((await one.get('/metadata')).status).toBe(200)
    expect(one.tokens()[0]?.metadata).toEqual({ shelf: 'tea' })
    expect(world.double.intents.at(-1)?.metadata).toMatchObject({ shelf: 'tea', machine_payment: 'true' })
    expect((await one.get('/external')).status).toBe(200)
    const [, external] = (await one.buyer.payments()).toReversed()
    expect(external?.receipts[0]).toMatchObject({ externalId: 'order-42' })
  })

  test('lives no longer than the offer', async () => {
    const one = await trial(forward)
    await one.get()
    const { expiresAt = 0 } = one.tokens()[0] ?? {}
    expect((expiresAt ?? 0) * 1000).toBeLessThanOrEqual(Date.now() + 60_000)
  })

  test('goes through a backend of the user’s own, without any key here', async () => {
    const { double } = world
    const client = clientOf(double)
    const PATH = '/v1/shared_payment/issued_tokens'
    const version = { apiVersion: '2026-07-29.preview' }
    const wallet = stripe({
      livemode: false,
      account: 'backend',
      async createToken({ amount, currency, networkId, expiresAt, metadata, idempotencyKey }) {
        const made = await client.rawRequest(
          'POST',
          PATH,
          {
            payment_method: METHODS.works,
            seller_details: { network_business_profile: networkId },
            usage_limits: { currency, max_amount: Number(amount), expires_at: expiresAt },
            use_stripe_sdk: true,
            ...(metadata && { shared_metadata: metadata }),
          },
          { ...version, idempotencyKey },
        )
        return made.id
      },
      retrieveToken: (id) => client.rawRequest('GET', `${PATH}/${id}`, undefined, version),
    })
    const one = await trial(forward, { wallets: [wallet] })
    expect((await one.get('/metadata')).status).toBe(200)
    expect(one.taken()).toBe(100)
    expect(await one.buyer.booked()).toBe(100)
  })

  test('in a currency without a rate is refused, and says so', async () => {
    const one = await trial(forward)
    const response = await one.get('/eur')
    expect(response.status).toBe(402)
    expect(await response.text()).toContain('EUR')
    expect(one.tokens()).toEqual([])
  })

  test('in another currency counts by the user’s rate', async () => {
    const one = await trial(forward, { rates: { EUR: '1.12', JPY: '0.0070' } })
    expect((await one.get('/eur')).status).toBe(200)
    expect(await one.buyer.booked()).toBe(112)
    expect((await one.get('/jpy')).status).toBe(200)
    expect(await one.buyer.booked()).toBe(112 + 175)
    expect(one.tokens().map(({ currency, most }) => [currency, most])).toEqual([
      ['eur', 100],
      ['jpy', 250],
    ])
  })

  test('needs its network named in the policy: test money is not real money', async () => {
    const one = await trial(forward, { policy: { networks: ['stripe'] } })
    expect((await one.get()).status).toBe(402)
    expect(one.tokens()).toEqual([])
  })
})

describe('real money', () => {
  test('is what a wallet takes it for unless it is told otherwise', async () => {
    const { double } = world
    const shop = await startShop({ double, live: true })
    const client = clientOf(double, 'sk_live_agent')
    const wallet = stripe({ client, paymentMethod: METHODS.works })
    const buyer = world.buyer({ wallets: [wallet], policy: { networks: ['stripe'] }, origins: [shop.origin] })
    expect((await buyer.purser.fetch(shop.url('/paid'))).status).toBe(200)
    expect(double.tokens.at(-1)).toMatchObject({ livemode: true, reason: 'consumed' })
    expect(await buyer.booked()).toBe(100)
    await shop.close()
  })

  test('is not confused with test money: such a token is revoked before anybody sees it', async () => {
    const wallet = stripe({ client: clientOf(world.double), paymentMethod: METHODS.works })
    const one = await trial(forward, { wallets: [wallet], policy: { networks: ['stripe'] } })
    expect(await failure(one.get())).toMatchObject({ code: 'wallet_failed', funds: 'untouched' })
    expect(one.tokens()).toMatchObject([{ reason: 'revoked' }])
    expect(one.front.credentials).toEqual([])
  })
})

describe('an answer that does not come', () => {
  test('after a charge: it is known as settled and not delivered, and is not paid again', async () => {
    const one = await trial(async ({ paid, turn, forward, drop }) => {
      const answer = await forward()
      return paid && turn === 1 ? drop() : answer
    })
    const error = await failure(one.get())
    expect(error).toMatchObject({ code: 'paid_not_delivered', funds: 'settled' })
    // The server was asked again with the same credential, and said that it was processed already.
    expect(new Set(one.front.credentials.map(tokenIn)).size).toBe(1)
    expect(one.front.credentials.length).toBeGreaterThan(1)
    expect(one.taken()).toBe(100)
    expect(only(await one.buyer.payments())).toMatchObject({
      state: 'settled',
      delivered: false,
      proof: 'chain',
    })
    expect((await one.get()).status).toBe(402)
    expect(one.taken()).toBe(100)
    expect(one.tokens()).toHaveLength(1)
  })

  test('without a charge: the token is revoked, and the budget is free again', async () => {
    const one = await trial(({ paid, forward, drop }) => (paid ? drop() : forward()))
    const error = await failure(one.get())
    expect(error).toMatchObject({ code: 'wallet_failed', funds: 'untouched' })
    expect(one.tokens()).toMatchObject([{ reason: 'revoked' }])
    expect(only(await one.buyer.payments())).toMatchObject({ state: 'released' })
    expect(await one.buyer.booked()).toBe(0)
  })

  test('to a caller who hung up: what was not charged is revoked by recovery', async () => {
    const caller = new AbortController()
    const one = await trial(async ({ paid, forward }) => {
      if (!paid) return forward()
      caller.abort()
      return new Promise<Response>(() => {})
    })
    const error = await failure(one.get('/paid', { signal: caller.signal }))
    expect(error.funds).toBe('unknown')
    await one.buyer.purser.recover({ reconcile: true })
    expect(one.tokens()).toMatchObject([{ reason: 'revoked' }])
    expect(only(await one.buyer.payments())).toMatchObject({ state: 'released' })
  })
})

describe('a server that asks again', () => {
  test('gets the same token, on the fresh challenge', async () => {
    const one = await trial(({ paid, turn, forward, ask }) => (paid && turn === 1 ? ask() : forward()))
    expect((await one.get()).status).toBe(200)
    const shown = one.front.credentials.map(tokenIn)
    expect(shown).toHaveLength(2)
    expect(new Set(shown).size).toBe(1)
    expect(one.taken()).toBe(100)
    expect(await one.buyer.booked()).toBe(100)
  })

  test('after it charged is believed nothing: settled, not delivered', async () => {
    const one = await trial(async ({ paid, forward, ask }) => {
      const answer = await forward()
      return paid ? ask() : answer
    })
    const anomalies = one.buyer.heard('anomaly')
    expect(await failure(one.get())).toMatchObject({ code: 'paid_not_delivered', funds: 'settled' })
    expect(one.front.credentials).toHaveLength(1)
    expect(one.taken()).toBe(100)
    expect(anomalies).toMatchObject([{ kind: 'settled_without_delivery' }])
  })

  test('and says that it was processed already, when it was not, gets a revoked token', async () => {
    const one = await trial(async ({ paid, forward, ask }) => {
      if (!paid) return forward()
      const asks = await ask()
      const headers = new Headers(asks.headers)
      headers.set('content-type', 'application/problem+json')
      const type = 'https://paymentauth.org/problems/verification-failed'
      const detail = 'Payment has already been processed.'
      return new Response(JSON.stringify({ type, detail, status: 402 }), { status: 402, headers })
    })
    expect(await failure(one.get())).toMatchObject({ code: 'wallet_failed', funds: 'untouched' })
    expect(one.tokens()).toMatchObject([{ reason: 'revoked' }])
    expect(one.front.credentials).toHaveLength(2)
    expect(await one.buyer.booked()).toBe(0)
  })

  test('because the token was revoked is paid with another one', async () => {
    const one = await trial(async ({ paid, turn, request, forward }) => {
      if (paid && turn === 1) world.double.revoke(tokenIn(request.headers.get('authorization') ?? ''))
      return forward()
    })
    expect((await one.get()).status).toBe(200)
    expect(one.tokens()).toMatchObject([{ reason: 'revoked' }, { reason: 'consumed' }])
    expect(one.taken()).toBe(100)
    expect(await one.buyer.booked()).toBe(100)
  })

  test('because the card was declined gets no more than a second try', async () => {
    const one = await trial(forward, acts(METHODS.declines))
    expect(await failure(one.get())).toMatchObject({ code: 'wallet_failed', funds: 'untouched' })
    expect(one.tokens()).toMatchObject([{ reason: 'revoked' }])
    expect(await one.buyer.booked()).toBe(0)
  })
})

describe('a server that fails', () => {
  test('before it charges: its answer is handed on, and the token revoked', async () => {
    const one = await trial(({ paid, forward }) =>
      paid ? new Response('broken', { status: 500 }) : forward(),
    )
    const response = await one.get()
    expect(response.status).toBe(500)
    expect(one.buyer.purser.paymentFor(response)).toMatchObject({ state: 'released' })
    expect(one.tokens()).toMatchObject([{ reason: 'revoked' }])
  })

  test('after it charged: settled, by Stripe’s own record', async () => {
    const one = await trial(async ({ paid, forward }) => {
      const answer = await forward()
      return paid ? new Response('broken', { status: 500 }) : answer
    })
    const response = await one.get()
    expect(response.status).toBe(500)
    expect(one.buyer.purser.paymentFor(response)).toMatchObject({
      state: 'settled',
      delivered: false,
      proof: 'chain',
    })
    expect(await one.buyer.booked()).toBe(100)
  })

  test('to give a receipt: delivered, and never revoked, even if it has not charged yet', async () => {
    const one = await trial(({ paid, forward }) => (paid ? new Response('tea') : forward()))
    const response = await one.get()
    expect(await response.text()).toBe('tea')
    await one.buyer.purser.recover({ reconcile: true })
    expect(one.tokens()).toMatchObject([{ status: 'active' }])
    expect(await one.buyer.booked()).toBe(100)
    const charge = {
      ...{ amount: 100, currency: 'usd', confirm: true },
      shared_payment_granted_token: one.tokens()[0]?.id,
    }
    await clientOf(world.double, 'sk_test_shop').rawRequest('POST', '/v1/payment_intents', charge)
    await one.buyer.purser.recover({ reconcile: true })
    expect(only(await one.buyer.payments())).toMatchObject({
      state: 'settled',
      delivered: true,
      proof: 'chain',
    })
  })
})

describe('a person who must act', () => {
  test.each([
    ['before the token can be used', METHODS.actsFirst],
    ['when it is charged', METHODS.actsOnCharge],
  ])('%s is asked, and the call goes on with the same token', async (_, method) => {
    const asked: unknown[] = []
    const onActionRequired = (request: unknown) => {
      asked.push(request)
      diligent()
    }
    const one = await trial(forward, acts(method, { onActionRequired }))
    expect((await one.get()).status).toBe(200)
    expect(asked).toMatchObject([{ action: { kind: 'sdk' }, expires: expect.any(Number) }])
    expect(one.tokens()).toMatchObject([{ reason: 'consumed' }])
    expect(one.taken()).toBe(100)
    expect(await one.buyer.booked()).toBe(100)
  })

  test.each([
    ['before the token can be used', METHODS.actsFirst],
    ['when it is charged', METHODS.actsOnCharge],
  ])(
    '%s, with nobody to ask: a typed error, nothing revoked, and the next call goes on',
    async (_, method) => {
      const one = await trial(forward, acts(method, { returnUrl: 'https://agent.example/back' }))
      const error = await failure(one.get())
      expect(error).toMatchObject({ code: 'action_required', funds: 'unknown', retryable: false })
      expect(error.action).toMatchObject({ kind: 'redirect', url: expect.stringContaining('https://hooks.') })
      expect(await failure(one.get())).toMatchObject({ code: 'action_required', paymentId: error.paymentId })
      await one.buyer.purser.recover({ reconcile: true })
      expect(one.tokens()).toMatchObject([{ status: 'requires_action' }])
      expect(await one.buyer.booked()).toBe(100)
      diligent()
      const response = await one.get()
      expect(response.status).toBe(200)
      expect(one.buyer.purser.paymentFor(response)).toMatchObject({ id: error.paymentId, state: 'settled' })
      expect(one.tokens()).toMatchObject([{ reason: 'consumed' }])
      expect(one.taken()).toBe(100)
      expect(await one.buyer.booked()).toBe(100)
    },
  )

  test.each([
    ['does not', () => undefined],
    ['says no', () => Promise.reject(new Error('no'))],
  ])('and %s: a typed error, and nothing is charged', async (_, onActionRequired) => {
    const one = await trial(forward, acts(METHODS.actsFirst, { onActionRequired }))
    expect(await failure(one.get())).toMatchObject({ code: 'action_required' })
    expect(one.taken()).toBe(0)
    expect(one.tokens()).toMatchObject([{ status: 'requires_action' }])
  })
})

describe('Stripe that fails', () => {
  const issuing = '/v1/shared_payment/issued_tokens'

  test('to make a token: nothing was given out, and the budget is free again', async () => {
    const one = await trial(forward, acts(METHODS.missing))
    expect(await failure(one.get())).toMatchObject({ code: 'wallet_failed', funds: 'untouched' })
    expect(only(await one.buyer.payments())).toMatchObject({ state: 'released' })
    expect(await one.buyer.booked()).toBe(0)
  })

  test('to answer about one that was made: the next call makes another, and nobody has the first', async () => {
    world.double.fault(({ path }) => (path === issuing ? { lose: 'after' } : undefined))
    const one = await trial(forward)
    expect(await failure(one.get())).toMatchObject({ funds: 'untouched' })
    world.double.fault(() => undefined)
    expect((await one.get()).status).toBe(200)
    expect(one.taken()).toBe(100)
    expect(one.front.credentials).toHaveLength(1)
  })

  test('to show a token: the doubt stays, counts, and ends when it answers again', async () => {
    world.double.fault(({ path }) => (path.startsWith(`${issuing}/`) ? { lose: 'before' } : undefined))
    const one = await trial(({ paid, forward, drop }) => (paid ? drop() : forward()))
    expect(await failure(one.get())).toMatchObject({ code: 'payment_in_doubt', funds: 'unknown' })
    expect(await one.buyer.booked()).toBe(100)
    world.double.fault(() => undefined)
    await one.buyer.purser.recover({ reconcile: true })
    expect(one.tokens()).toMatchObject([{ reason: 'revoked' }])
    expect(await one.buyer.booked()).toBe(0)
  })
})

test('a budget covers what is in doubt: the shop cannot be paid past it', async () => {
  const one = await trial(({ paid, forward }) => (paid ? new Response('tea') : forward()), {
    policy: { budgets: [{ limit: '1.50', per: 'day' }] },
  })
  expect((await one.get()).status).toBe(200)
  expect((await one.get('/paid?again')).status).toBe(402)
  expect(one.tokens()).toHaveLength(1)
})

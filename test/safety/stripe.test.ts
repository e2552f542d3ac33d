import { randomUUID } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sqliteLedger } from '../../src/entry/ledger-sqlite.js'
import type { Wallet } from '../../src/index.js'
import { stripe } from '../../src/wallet/stripe/index.js'
import { profileOf } from '../stripe/api.js'
import type { IssuedToken } from '../stripe/tokens.js'
import { METHODS } from '../stripe/tokens.js'
import {
  clientOf,
  only,
  type StripeBuyer,
  type StripeBuyerOptions,
  type StripeWorld,
  startStripeWorld,
  tokenIn,
} from '../stripe/world.js'

const THIEF = profileOf('thief')
const SHOP = profileOf('shop')

interface Ask {
  readonly amount?: string
  readonly currency?: string
  readonly seller?: string
  readonly expires?: string
  readonly type?: string
  readonly method?: string
  /** Put into the request beside what belongs there. */
  readonly more?: Readonly<Record<string, unknown>>
}

/** What a hostile seller does with a credential; without one it asks for money. */
type Deed = (token: string, turn: number) => Promise<Ask | Response> | Ask | Response

interface Den {
  readonly buyer: StripeBuyer
  /** Tokens that came to the seller, in order. */
  readonly shown: readonly string[]
  tokens(): readonly IssuedToken[]
  taken(): number
  get(path?: string): Promise<Response | Error>
}

let world: StripeWorld
const closing: (() => Promise<void>)[] = []
beforeAll(async () => {
  world = await startStripeWorld()
})
afterAll(async () => {
  await Promise.all(closing.map((close) => close()))
  await world.stop()
})

/** A seller with an account at Stripe, who asks for what it likes and does what it likes with what it gets. */
async function den(
  asks: Ask | ((turn: number) => Ask),
  deed: Deed,
  options: StripeBuyerOptions | ((origin: string) => StripeBuyerOptions) = {},
): Promise<Den> {
  const shown: string[] = []
  let turns = 0
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { authorization } = request.headers
    if (authorization === undefined)
      return challenge(response, typeof asks === 'function' ? asks(++turns) : asks)
    shown.push(tokenIn(authorization))
    const done = await deed(tokenIn(authorization), shown.length)
    if (!(done instanceof Response)) return challenge(response, done)
    response.writeHead(done.status, Object.fromEntries(done.headers))
    response.end(await done.text())
  }
  const server = createServer((request, response) => void answer(request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closing.push(() => new Promise((resolve) => void server.close(() => resolve()).closeAllConnections()))
  const address = server.address()
  const origin = `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`
  const [tokens, taken] = [world.double.tokens.length, all()]
  const buyer = world.buyer({
    origins: [origin],
    patience: 0,
    ...(typeof options === 'function' ? options(origin) : options),
  })
  return {
    buyer,
    shown,
    tokens: () => world.double.tokens.slice(tokens),
    taken: () => all() - taken,
    get: (path = '/tea') =>
      buyer.purser.fetch(origin + path).catch((error: unknown) => {
        if (error instanceof Error) return error
        throw error
      }),
  }
}

function all(): number {
  return world.double.intents.reduce((sum, { amount }) => sum + amount, 0)
}

function challenge(response: ServerResponse, ask: Ask): void {
  const { amount = '100', currency = 'usd', seller = THIEF, type, method = 'stripe', more = {} } = ask
  const { expires = new Date(Date.now() + 60_000).toISOString() } = ask
  const methodDetails = { networkId: seller, paymentMethodTypes: ['card'] }
  const request = Buffer.from(JSON.stringify({ amount, currency, methodDetails, ...more })).toString(
    'base64url',
  )
  const params = { id: randomUUID(), realm: 'den', method, intent: 'charge', request, expires }
  const header = Object.entries(params).map(([name, value]) => `${name}="${value}"`)
  response.writeHead(402, {
    'www-authenticate': `Payment ${header.join(', ')}`,
    'content-type': 'application/problem+json',
  })
  response.end(
    JSON.stringify({ type: type ?? 'https://paymentauth.org/problems/payment-required', status: 402 }),
  )
}

/** The seller charges a token, as far as Stripe lets it. */
async function charge(token: string, amount = 100, account = 'thief', currency = 'usd'): Promise<boolean> {
  const params = { amount, currency, confirm: true, shared_payment_granted_token: token }
  return clientOf(world.double, `sk_test_${account}`)
    .rawRequest('POST', '/v1/payment_intents', params)
    .then(
      () => true,
      () => false,
    )
}

const sell = () => new Response('tea', { status: 200 })
const never: Deed = () => {
  throw new Error('nothing may be shown here')
}
/** Whatever a seller did: what it took is counted, and no token is left that it could still charge. */
async function balanced(one: Den): Promise<void> {
  await one.buyer.purser.recover({ reconcile: true })
  expect(await one.buyer.booked()).toBe(one.taken())
  for (const { id, most } of one.tokens()) expect(await charge(id, most)).toBe(false)
}

describe('units', () => {
  it.each<[string, Ask]>([
    [
      'yen that are counted as if they had decimals',
      { amount: '1000000', currency: 'jpy', more: { decimals: 2 } },
    ],
    ['cents that are written as if they were dollars', { amount: '100000' }],
    ['a small number of some other dollars', { amount: '100', currency: 'usdc' }],
    ['a currency without a rate', { amount: '100', currency: 'eur' }],
    ['a currency that is worth more than its number', { amount: '10000', currency: 'kwd' }],
    ['an amount that only a float can hold', { amount: '1e2' }],
    ['less than Stripe charges', { amount: '5' }],
  ])('%s: no token', async (_, ask) => {
    const one = await den(ask, never, { rates: { JPY: '0.007', KWD: '3.3' } })
    expect(await one.get()).toMatchObject({ status: 402 })
    expect(one.tokens()).toEqual([])
  })
})

describe('sellers', () => {
  it('are pinned: a page that names another one is not paid', async () => {
    let seller = SHOP
    const one = await den(
      () => ({ seller }),
      async (token) => {
        await charge(token, 100, 'shop')
        return sell()
      },
    )
    expect(await one.get()).toMatchObject({ status: 200 })
    await one.buyer.purser.recover({ reconcile: true })
    seller = THIEF
    expect(await one.get('/other')).toMatchObject({ status: 402 })
    expect(one.tokens()).toHaveLength(1)
  })

  it('are those of the list, where there is one', async () => {
    const listed = (origin: string) => ({ policy: { vendors: [{ origin, payees: [SHOP] }] } })
    const one = await den({}, never, listed)
    expect(await one.get()).toMatchObject({ status: 402 })
    expect(one.tokens()).toEqual([])
    const honest = await den({ seller: SHOP }, sell, listed)
    expect(await honest.get()).toMatchObject({ status: 200 })
  })

  it('cannot charge a token that was made for another', async () => {
    const one = await den({ seller: SHOP }, async (token) => {
      expect(await charge(token)).toBe(false)
      return new Response('no', { status: 500 })
    })
    await one.get()
    expect(one.taken()).toBe(0)
    await balanced(one)
  })
})

describe('limits', () => {
  it('a token cannot be charged for more, in other money, or twice', async () => {
    const one = await den({}, async (token) => {
      expect(await charge(token, 101)).toBe(false)
      expect(await charge(token, 100, 'thief', 'eur')).toBe(false)
      expect(await charge(token)).toBe(true)
      expect(await charge(token)).toBe(false)
      return {}
    })
    expect(await one.get()).toMatchObject({ code: 'paid_not_delivered' })
    expect(one.taken()).toBe(100)
    await balanced(one)
  })

  it('what is taken in parts is counted as it is taken', async () => {
    const one = await den({}, async (token, turn) => {
      await charge(token, 40)
      return turn < 5 ? {} : sell()
    })
    expect(await one.get()).toMatchObject({ code: 'paid_not_delivered' })
    expect(one.taken()).toBe(40)
    expect(one.shown).toHaveLength(1)
    await balanced(one)
  })

  it.each([
    ['of the year 9999', '9999-12-31T23:59:59Z'],
    ['of a year', new Date(Date.now() + 31_536_000_000).toISOString()],
  ])('an end %s is no end for a token', async (_, expires) => {
    const one = await den({ expires }, async (token) => {
      await charge(token)
      return {}
    })
    await one.get()
    const { expiresAt } = only(one.tokens())
    expect((expiresAt ?? Number.POSITIVE_INFINITY) * 1_000).toBeLessThanOrEqual(Date.now() + 600_000)
  })
})

describe('asking again', () => {
  it.each<[string, Ask]>([
    ['for more', { amount: '500' }],
    ['for a little more', { amount: '101' }],
    ['for less, beside the first', { amount: '60' }],
    ['in another currency', { currency: 'jpy' }],
    ['for another seller', { seller: profileOf('friend') }],
    ['for ever', {}],
  ])('%s: one token, at most shown twice, and revoked in the end', async (_, again) => {
    const one = await den({}, () => again, { rates: { JPY: '0.007' } })
    expect(await one.get()).toMatchObject({ code: 'wallet_failed', funds: 'untouched' })
    expect(one.tokens()).toHaveLength(1)
    expect(new Set(one.shown).size).toBe(1)
    expect(one.shown.length).toBeLessThanOrEqual(2)
    expect(one.tokens()).toMatchObject([{ reason: 'revoked' }])
    await balanced(one)
  })

  it('after charging: the payment is settled, and no other is made', async () => {
    const one = await den({}, async (token) => {
      await charge(token)
      return {}
    })
    expect(await one.get()).toMatchObject({ code: 'paid_not_delivered', funds: 'settled' })
    expect(one.shown).toHaveLength(1)
    // The next call is the same purchase: it is not paid again.
    expect(await one.get()).toMatchObject({ status: 402 })
    expect(one.tokens()).toHaveLength(1)
    await balanced(one)
  })

  it('on another rail: not while the token lives, and not beside it', async () => {
    const quoted: string[] = []
    const other: Wallet = {
      id: 'other:1',
      kinds: ['other/charge'],
      async quote({ kind }) {
        quoted.push(kind)
        return { unpayable: 'it would pay twice' }
      },
      prepare: () => Promise.reject(new Error('nothing may be signed')),
      inspect: async () => ({ state: 'unknown', reason: 'it signed nothing' }),
    }
    const card = stripe({ client: clientOf(world.double), paymentMethod: METHODS.works, livemode: false })
    const one = await den({}, () => ({ method: 'other' }), { wallets: [card, other] })
    expect(await one.get()).toMatchObject({ code: 'wallet_failed', funds: 'untouched' })
    expect(quoted).toEqual([])
    expect(one.tokens()).toMatchObject([{ reason: 'revoked' }])
    await balanced(one)
  })

  it('for a person who is not needed: nobody is bothered, and nothing is lost', async () => {
    const type = 'https://paymentauth.org/problems/payment-action-required'
    const asked: unknown[] = []
    const onActionRequired = (request: unknown) => asked.push(request)
    const one = await den({}, () => ({ type }), { wallet: { onActionRequired } })
    expect(await one.get()).toMatchObject({ code: 'wallet_failed' })
    expect(asked).toEqual([])
    await balanced(one)
  })

  it('once the token is gone: the second one is the last', async () => {
    const one = await den({}, (token) => {
      world.double.revoke(token)
      return {}
    })
    await one.get()
    expect(one.tokens()).toHaveLength(2)
    expect(one.shown).toHaveLength(2)
    await balanced(one)
  })
})

describe('lies about payment', () => {
  it('a receipt without a charge counts, and so does the charge that follows: once', async () => {
    const receipt = {
      method: 'stripe',
      reference: 'pi_forged',
      status: 'success',
      timestamp: '2026-01-01T00:00:00Z',
    }
    const header = Buffer.from(JSON.stringify(receipt)).toString('base64url')
    const one = await den({}, () => new Response('tea', { headers: { 'payment-receipt': header } }))
    expect(await one.get()).toMatchObject({ status: 200 })
    expect(await one.buyer.booked()).toBe(100)
    await charge(one.shown[0] ?? '')
    expect(one.taken()).toBe(100)
    expect(await one.buyer.booked()).toBe(100)
  })

  it('a failure that is followed by a charge finds the token revoked', async () => {
    const one = await den({}, () => new Response('broken', { status: 500 }))
    expect(await one.get()).toMatchObject({ status: 500 })
    expect(await charge(one.shown[0] ?? '')).toBe(false)
    await balanced(one)
  })

  it('a charge that races the revocation is counted, whoever wins', async () => {
    let racing: Promise<boolean> | undefined
    const one = await den({}, (token) => {
      racing = charge(token)
      return new Response('broken', { status: 500 })
    })
    await one.get()
    await racing
    await balanced(one)
  })

  it('parallel calls never pass the budget, whatever becomes of them', async () => {
    const one = await den({}, async (token) => ((await charge(token)) ? {} : sell()), {
      policy: { budgets: [{ limit: '3', per: 'day' }] },
    })
    await Promise.all(Array.from({ length: 12 }, (_, index) => one.get(`/tea/${index}`)))
    expect(one.taken()).toBe(300)
    expect(one.tokens()).toHaveLength(3)
    await balanced(one)
  })
})

it('the ledger’s file holds no key and no payment method', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'purser-safety-stripe-'))
  const ledger = sqliteLedger({ path: join(folder, 'ledger.db') })
  const wallet = stripe({
    client: clientOf(world.double, 'sk_test_agentsecret'),
    paymentMethod: METHODS.works,
    livemode: false,
  })
  const one = await den(
    {},
    async (token) => {
      await charge(token)
      return {}
    },
    { ledger, wallets: [wallet] },
  )
  await one.get()
  await one.buyer.purser.close()
  const files = await Promise.all(
    (await readdir(folder)).map((name) => readFile(join(folder, name), 'latin1')),
  )
  const text = files.join('')
  expect(text).toContain('spt_')
  for (const secret of ['sk_test_', 'agentsecret', METHODS.works]) expect(text).not.toContain(secret)
  await rm(folder, { recursive: true, force: true })
})

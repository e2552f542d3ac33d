import { inspect as show } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { isPaymentError, type NextAction } from '../../../src/errors/index.js'
import type { Evidence } from '../../../src/ledger/index.js'
import type { JsonObject } from '../../../src/protocol/index.js'
import { mintAuthorization } from '../../../src/wallet/authorization.js'
import { type StripeClientOptions, stripe } from '../../../src/wallet/stripe/index.js'
import { type StripeDouble, startStripe } from '../../stripe/double.js'
import { METHODS } from '../../stripe/tokens.js'
import { clientOf } from '../../stripe/world.js'
import { authorize, BOUNDS, CHANNELS, LEDGER, payable } from '../tempo/harness.js'
import {
  ask,
  clockAt,
  deliver,
  offer,
  offerWith,
  ready,
  SECRETS,
  SELLER,
  scripted,
  stripeError,
  token,
} from './harness.js'

let double: StripeDouble
beforeAll(async () => {
  double = await startStripe()
})
afterAll(() => double.close())

const real = (more: Partial<StripeClientOptions> = {}) =>
  stripe({ client: clientOf(double), paymentMethod: METHODS.works, livemode: false, ...more })
const faked = (answer: Parameters<typeof scripted>[0], more: Partial<StripeClientOptions> = {}) => {
  const client = scripted(answer)
  return { client, wallet: stripe({ client, paymentMethod: SECRETS[1], livemode: false, ...more }) }
}
const detailOf = ({ detail }: Evidence): Record<string, unknown> => {
  if (typeof detail !== 'object' || detail === null || Array.isArray(detail)) throw new Error('no detail')
  return { ...detail }
}

describe('preparing', () => {
  test('names the future request, and sends nothing', async () => {
    const before = double.log.length
    const { evidence } = await ready(real(), offerWith({ metadata: { shelf: 'tea' } }))
    expect(double.log.length).toBe(before)
    expect(detailOf(evidence)).toMatchObject({
      amount: '100',
      seller: SELLER,
      live: false,
      metadata: { shelf: 'tea' },
      key: expect.stringMatching(/^purser_[\w-]+$/),
    })
    expect(detailOf(evidence)).not.toHaveProperty('token')
    expect(evidence.refs).toContain(detailOf(evidence)['key'])
  })

  test('needs an authorization, once, and its own quote', async () => {
    const wallet = real()
    const quote = payable(await ask(wallet, offer()))
    const options = { now: Date.now(), channels: CHANNELS }
    const authorization = authorize(quote)
    await wallet.prepare(authorization, options)
    await expect(wallet.prepare(authorization, options)).rejects.toThrow(TypeError)
    const dearer = { ...quote, challenge: offer({ amount: '200' }) }
    await expect(wallet.prepare(authorize(dearer), options)).rejects.toMatchObject({ code: 'wallet_failed' })
    const elsewhere = { ...quote, wallet: 'stripe:test:other' }
    await expect(wallet.prepare(authorize(elsewhere), options)).rejects.toMatchObject({
      code: 'wallet_failed',
    })
    const excluding = { ...quote, replaces: { name: 'stripe:spt_1', value: 0n } }
    await expect(wallet.prepare(authorize(excluding), options)).rejects.toMatchObject({
      code: 'wallet_failed',
    })
  })

  test('uses a new key each time: the key of a revoked token would only return that token', async () => {
    const wallet = real()
    const quote = payable(await ask(wallet, offer()))
    const options = { now: Date.now(), channels: CHANNELS }
    const prepared = () => {
      const same = { payment: 'the same', ledger: LEDGER, bounds: BOUNDS, expires: Date.now() + 60_000 }
      return wallet.prepare(mintAuthorization({ ...same, quote }), options)
    }
    const [one, two] = [await prepared(), await prepared()]
    expect(detailOf(one.evidence)['key']).toContain('the same')
    expect(detailOf(one.evidence)['key']).not.toBe(detailOf(two.evidence)['key'])
  })

  test('creates nothing after a discard', async () => {
    const before = double.tokens.length
    const prepared = await ready(real())
    await prepared.discard()
    await expect(prepared.complete(deliver)).rejects.toThrow(TypeError)
    expect(double.tokens.length).toBe(before)
  })
})

describe('completing', () => {
  test('creates a token for exactly the judged terms', async () => {
    const asked = offerWith({ metadata: { shelf: 'tea' } })
    const prepared = await ready(real(), asked)
    const { credential, evidence, goodUntil } = await prepared.complete(deliver)
    const made = double.tokens.at(-1)
    expect(made).toMatchObject({
      seller: SELLER,
      currency: 'usd',
      most: 100,
      metadata: { shelf: 'tea' },
      sdk: true,
    })
    expect((made?.expiresAt ?? 0) * 1_000).toBe(goodUntil)
    expect(goodUntil).toBeLessThanOrEqual(asked.expires ?? 0)
    expect(credential).toEqual({ challenge: asked, payload: { spt: made?.id } })
    expect(evidence && detailOf(evidence)).toMatchObject({ token: made?.id })
    expect(double.log.at(-1)?.key).toBe(detailOf(prepared.evidence)['key'])
  })

  test('returns the order that the request is bound to', async () => {
    const { credential } = await (await ready(real(), offer({ externalId: 'order-42' }))).complete(deliver)
    expect(credential.payload).toMatchObject({ externalId: 'order-42' })
  })

  test('redirects people only if there is a page to return to', async () => {
    await (await ready(real({ returnUrl: 'https://agent.example/back' }))).complete(deliver)
    expect(double.tokens.at(-1)).toMatchObject({ returnUrl: 'https://agent.example/back', sdk: false })
  })

  test.each<[string, JsonObject]>([
    ['live money', { livemode: true }],
    ['another amount', { usage_limits: { currency: 'usd', max_amount: 101, expires_at: null } }],
    ['another currency', { usage_limits: { currency: 'eur', max_amount: 100, expires_at: null } }],
    ['another seller', { seller_details: { network_business_profile: 'profile_other', external_id: null } }],
    ['a longer life', { usage_limits: { currency: 'usd', max_amount: 100, expires_at: 4_000_000_000 } }],
    ['no use', { status: 'deactivated' }],
    ['a use that nobody knows yet', { status: 'processing' }],
  ])('never presents a token for %s: it is revoked', async (_, more) => {
    const { client, wallet } = faked(() => token(more))
    const prepared = await ready(wallet)
    await expect(prepared.complete(deliver)).rejects.toMatchObject({ code: 'wallet_failed' })
    expect(client.log.map(({ path }) => path.split('/').at(-1))).toEqual(['issued_tokens', 'revoke'])
    expect(await wallet.inspect(prepared.evidence)).toMatchObject({ state: 'void' })
  })

  test.each([
    ['nothing', undefined],
    ['an id that is none', 'pi_1'],
    ['a key', SECRETS[0]],
    ['a promise of a token', { spt: 'spt_1' }],
  ])('does not accept %s as a token', async (_, made) => {
    const wallet = stripe({ createToken: async () => made, livemode: false })
    const prepared = await ready(wallet)
    await expect(prepared.complete(deliver)).rejects.toMatchObject({ code: 'wallet_failed' })
    expect(await wallet.inspect(prepared.evidence)).toMatchObject({ state: 'void' })
  })

  test('passes only the needed values to a backend', async () => {
    const seen: unknown[] = []
    const wallet = stripe({
      async createToken(request) {
        seen.push(request)
        return token()
      },
      livemode: false,
      paymentMethod: 'pm_1',
    })
    const prepared = await ready(wallet, offer({ currency: 'USD' }))
    await prepared.complete(deliver)
    expect(seen).toEqual([
      {
        amount: '100',
        currency: 'usd',
        networkId: SELLER,
        expiresAt: expect.any(Number),
        idempotencyKey: detailOf(prepared.evidence)['key'],
        paymentMethod: 'pm_1',
      },
    ])
  })
})

describe('a person', () => {
  const waiting = (action: unknown) => token({ status: 'requires_action', next_action: action as JsonObject })
  const sdk = { type: 'use_stripe_sdk', use_stripe_sdk: { value: 'abc' } }

  test.each<[string, unknown, NextAction | undefined]>([
    ['a value for Stripe.js', sdk, { kind: 'sdk', value: 'abc' }],
    [
      'a page',
      { type: 'redirect_to_url', redirect_to_url: { url: 'https://hooks.stripe.test/1' } },
      { kind: 'redirect', url: 'https://hooks.stripe.test/1' },
    ],
    [
      'no page that is one',
      { type: 'redirect_to_url', redirect_to_url: { url: 'javascript:alert(1)' } },
      undefined,
    ],
    ['nothing that is known', { type: 'call_the_bank' }, undefined],
  ])('is shown %s', async (_, action, shown) => {
    const { wallet } = faked(() => waiting(action))
    const { pendingAction: waits, evidence } = await (await ready(wallet)).complete(deliver)
    expect(waits).toEqual(shown === undefined ? {} : { action: shown })
    expect(evidence && detailOf(evidence)).toMatchObject({ waits: true })
  })

  test('is asked, and the token is looked up again', async () => {
    const asked: unknown[] = []
    const made = waiting(sdk)
    const { wallet } = faked(({ method }) => (method === 'GET' ? { ...made, status: 'active' } : made), {
      onActionRequired: (request) => asked.push(request),
    })
    const { pendingAction: waits } = await (await ready(wallet)).complete(deliver)
    expect(await waits?.waitForPerson?.()).toBe(true)
    expect(asked).toEqual([
      { action: { kind: 'sdk', value: 'abc' }, payment: expect.any(String), expires: expect.any(Number) },
    ])
  })

  test('has only as long as the token is valid', async () => {
    const clock = clockAt(Date.now())
    const made = waiting(sdk)
    const { wallet } = faked(() => made, {
      onActionRequired: () => new Promise(() => {}),
      now: clock.now,
    })
    const { pendingAction: waits } = await (await ready(wallet)).complete(deliver)
    clock.pass(3_600_000)
    await expect(waits?.waitForPerson?.()).rejects.toThrow()
  })
})

describe('no text of Stripe’s errors is shown', () => {
  const shown = (value: unknown) => show(value, { depth: 10, showHidden: true }) + JSON.stringify(value)

  test.each([
    ['making', undefined],
    [
      'a connection',
      { type: 'StripeConnectionError', rawType: undefined, statusCode: undefined, code: 'ECONNRESET' },
    ],
    [
      'a declined card',
      { rawType: 'card_error', statusCode: 402, code: 'card_declined', decline_code: 'lost_card' },
    ],
    ['a code that is a text', { code: `sk ${SECRETS[0]}` }],
  ])('of %s', async (_, more) => {
    const { wallet } = faked(() => Promise.reject(stripeError(more)))
    const error = await (await ready(wallet)).complete(deliver).catch((thrown: unknown) => thrown)
    expect(isPaymentError(error)).toBe(true)
    for (const secret of SECRETS) expect(shown(error)).not.toContain(secret)
  })

  test('of looking, revoking and going on', async () => {
    const { wallet } = faked(({ method, path }) => {
      if (method === 'POST' && path.endsWith('issued_tokens')) return token()
      throw stripeError({ statusCode: 500 })
    })
    const { evidence } = await (await ready(wallet)).complete(deliver)
    if (evidence === undefined) throw new Error('no evidence')
    const words = [await wallet.inspect(evidence), await wallet.abandon?.(evidence)]
    for (const secret of SECRETS) expect(shown(words)).not.toContain(secret)
    for (const secret of SECRETS) expect(shown(evidence)).not.toContain(secret)
    for (const secret of SECRETS) expect(shown(wallet)).not.toContain(secret)
    expect(await ask(wallet, offer(), { earlierEvidence: evidence })).toMatchObject({
      code: 'payment_in_doubt',
    })
  })

  test('of a backend of the user’s own', async () => {
    const wallet = stripe({
      createToken: () => Promise.reject(stripeError()),
      livemode: false,
    })
    const error = await (await ready(wallet)).complete(deliver).catch((thrown: unknown) => thrown)
    for (const secret of SECRETS) expect(shown(error)).not.toContain(secret)
  })
})

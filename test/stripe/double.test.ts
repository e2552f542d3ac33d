import Stripe from 'stripe'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { profileOf } from './api.js'
import { type StripeDouble, startStripe } from './double.js'
import { parseForm, validate } from './form.js'
import { METHODS } from './tokens.js'

const VERSION = '2026-07-29.preview'
const PATH = '/v1/shared_payment/issued_tokens'
const SELLER = profileOf('shop')

let double: StripeDouble
let now = Date.now()
beforeEach(async () => {
  double = await startStripe({ now: () => now })
})
afterEach(() => double.close())

function client(key: string): Stripe {
  return new Stripe(key, { host: double.host, port: double.port, protocol: 'http', maxNetworkRetries: 0 })
}

const soon = () => Math.floor(now / 1000) + 600
const asked = (more: Record<string, unknown> = {}) => ({
  payment_method: METHODS.works,
  seller_details: { network_business_profile: SELLER },
  usage_limits: { currency: 'usd', max_amount: 100, expires_at: soon() },
  use_stripe_sdk: true,
  ...more,
})
const issue = (params: Record<string, unknown> = asked(), options: Record<string, unknown> = {}) =>
  client('sk_test_agent').rawRequest('POST', PATH, params, { apiVersion: VERSION, ...options })
const charge = (token: string, params: Record<string, unknown> = {}, key = 'sk_test_shop') =>
  client(key).rawRequest('POST', '/v1/payment_intents', {
    amount: 100,
    currency: 'usd',
    confirm: true,
    shared_payment_granted_token: token,
    ...params,
  })
const look = (id: string, key = 'sk_test_agent') =>
  client(key).rawRequest('GET', `${PATH}/${id}`, undefined, { apiVersion: VERSION })

describe('forms', () => {
  test('are read as objects and lists', () => {
    expect(parseForm('a[b]=1&a[c][d]=2&e[0]=x&e[]=y&f=z')).toEqual({
      a: { b: '1', c: { d: '2' } },
      e: ['x', 'y'],
      f: 'z',
    })
  })

  test.each([
    ['metadata[a]=b', 'parameter_unknown', 'metadata'],
    ['seller_details[network_id]=x', 'parameter_unknown', 'seller_details[network_id]'],
    ['usage_limits[max_amount]=x', 'parameter_invalid', 'usage_limits[max_amount]'],
  ])('%s is held against the published description', (more, code, param) => {
    const body =
      'payment_method=pm&usage_limits[currency]=usd&usage_limits[max_amount]=1&seller_details[external_id]=1'
    expect(validate(`POST ${PATH}`, parseForm(body))).toBeUndefined()
    expect(validate(`POST ${PATH}`, parseForm(`${body}&${more}`))).toMatchObject({ code, param })
  })

  test('must have what is required', () => {
    expect(validate(`POST ${PATH}`, parseForm('payment_method=pm'))).toMatchObject({
      code: 'parameter_missing',
    })
  })
})

describe('a token', () => {
  test('is charged once, for its seller', async () => {
    const token = await issue()
    expect(token).toMatchObject({ status: 'active', livemode: false, usage_limits: { max_amount: 100 } })
    await expect(charge(token.id, {}, 'sk_test_other')).rejects.toMatchObject({ statusCode: 404 })
    expect(await charge(token.id)).toMatchObject({ status: 'succeeded', amount: 100 })
    await expect(charge(token.id)).rejects.toMatchObject({ statusCode: 400 })
    expect(await look(token.id)).toMatchObject({
      status: 'deactivated',
      deactivated_reason: 'consumed',
      usage_details: { amount_captured: { currency: 'usd', value: 100 } },
    })
    expect(double.taken()).toBe(100)
  })

  test.each([
    ['more than its limit', { amount: 101 }],
    ['another currency', { currency: 'eur' }],
  ])('is not charged %s', async (_, params) => {
    const token = await issue()
    await expect(charge(token.id, params)).rejects.toMatchObject({ statusCode: 400 })
    expect(double.taken()).toBe(0)
  })

  test('expires', async () => {
    const token = await issue()
    now += 601_000
    await expect(charge(token.id)).rejects.toMatchObject({ statusCode: 400 })
    expect(await look(token.id)).toMatchObject({ deactivated_reason: 'expired' })
  })

  test('is revoked, once, and by whoever made it', async () => {
    const { id } = await issue()
    const revoke = (key: string) =>
      client(key).rawRequest('POST', `${PATH}/${id}/revoke`, undefined, { apiVersion: VERSION })
    await expect(revoke('sk_test_shop')).rejects.toMatchObject({ statusCode: 404 })
    expect(await revoke('rk_test_agent')).toMatchObject({ deactivated_reason: 'revoked' })
    await expect(revoke('sk_test_agent')).rejects.toMatchObject({ statusCode: 400 })
    await expect(charge(id)).rejects.toMatchObject({ statusCode: 400 })
  })

  test('is the same one under the same key, and another body is refused', async () => {
    const options = { idempotencyKey: 'one' }
    const first = await issue(asked(), options)
    const second = await issue(asked(), options)
    expect(second.id).toBe(first.id)
    expect(second.lastResponse.headers['idempotent-replayed']).toBe('true')
    await expect(issue(asked({ payment_method: 'pm_other' }), options)).rejects.toMatchObject({
      rawType: 'idempotency_error',
    })
    expect(double.tokens).toHaveLength(1)
  })

  test('needs a preview version, a key, and a place to come back to', async () => {
    await expect(issue(asked(), { apiVersion: '2026-10-28.endive' })).rejects.toMatchObject({
      statusCode: 404,
    })
    await expect(client('nonsense').rawRequest('POST', PATH, asked())).rejects.toMatchObject({
      statusCode: 401,
    })
    await expect(issue(asked({ use_stripe_sdk: false }))).rejects.toMatchObject({ param: 'return_url' })
    await expect(issue(asked({ metadata: { a: 'b' } }))).rejects.toMatchObject({ code: 'parameter_unknown' })
  })

  test('waits for a person, first or on being charged', async () => {
    const first = await issue(asked({ payment_method: METHODS.actsFirst }))
    expect(first).toMatchObject({ status: 'requires_action', next_action: { type: 'use_stripe_sdk' } })
    await expect(charge(first.id)).rejects.toMatchObject({ statusCode: 400 })
    double.act(first.id)
    expect(await charge(first.id)).toMatchObject({ status: 'succeeded' })

    const back = { use_stripe_sdk: false, return_url: 'https://agent.example/back' }
    const later = await issue(asked({ payment_method: METHODS.actsOnCharge, ...back }))
    expect(later).toMatchObject({ status: 'active' })
    expect(await charge(later.id)).toMatchObject({ status: 'requires_action' })
    expect(await look(later.id)).toMatchObject({ next_action: { type: 'redirect_to_url' } })
    double.act(later.id)
    expect(await charge(later.id, { metadata: { a: 'b' } })).toMatchObject({
      status: 'succeeded',
      metadata: { a: 'b' },
    })
  })
})

test('answers get lost before or after they are carried out', async () => {
  double.fault(() => ({ lose: 'before' }))
  await expect(issue()).rejects.toMatchObject({ type: 'StripeConnectionError' })
  expect(double.tokens).toHaveLength(0)
  double.fault(() => ({ lose: 'after' }))
  await expect(issue()).rejects.toMatchObject({ type: 'StripeConnectionError' })
  expect(double.tokens).toHaveLength(1)
})

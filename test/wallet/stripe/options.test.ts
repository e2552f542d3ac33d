import { describe, expect, test } from 'vitest'
import { type StripeOptions, stripe } from '../../../src/wallet/stripe/index.js'
import { payable } from '../tempo/harness.js'
import { ask, offer, scripted } from './harness.js'

const client = scripted(() => undefined)
const createToken = async () => 'spt_1'
const paymentMethod = 'pm_1'

describe('the kind of money', () => {
  test.each<[string, StripeOptions, string]>([
    ['is read from a live key', { secretKey: 'sk_live_abcdefgh', paymentMethod }, 'stripe:live'],
    ['is read from a test key', { secretKey: 'sk_test_abcdefgh', paymentMethod }, 'stripe:test'],
    ['is read from a restricted test key', { secretKey: 'rk_test_abcdefgh', paymentMethod }, 'stripe:test'],
    ['is real where a key does not say', { secretKey: 'sk_org_abcdefgh', paymentMethod }, 'stripe:live'],
    ['is real where there is no key to read', { client, paymentMethod }, 'stripe:live'],
    ['is real where others make tokens', { createToken }, 'stripe:live'],
    ['is what the user says', { createToken, livemode: false }, 'stripe:test'],
  ])('%s', async (_, options, network) => {
    expect(payable(await ask(stripe(options), offer())).terms.network).toBe(network)
  })
})

describe('the id', () => {
  test('is the same in every process, and reveals nothing usable', () => {
    const [one, two] = [
      stripe({ client, paymentMethod }),
      stripe({ secretKey: 'sk_live_abcdefgh', paymentMethod }),
    ]
    expect(one.id).toBe(two.id)
    expect(one.id).toMatch(/^stripe:live:[0-9a-f]{16}$/)
    expect(stripe({ client, paymentMethod: 'pm_2' }).id).not.toBe(one.id)
    expect(stripe({ client, paymentMethod, livemode: false }).id).not.toBe(one.id)
    expect(stripe({ createToken, account: 'acct_1' }).id).toBe('stripe:live:acct_1')
  })
})

describe('invalid options are a TypeError', () => {
  test.each<[string, object, RegExp]>([
    ['none', {}, /exactly one of/],
    ['two ways', { client, createToken, paymentMethod }, /exactly one of/],
    ['no payment method', { client }, /paymentMethod/],
    ['an empty payment method', { client, paymentMethod: '' }, /paymentMethod/],
    ['a publishable key', { secretKey: 'pk_live_abcdefgh', paymentMethod }, /secret or restricted/],
    [
      'a key that contradicts',
      { secretKey: 'sk_live_abcdefgh', paymentMethod, livemode: false },
      /contradicts/,
    ],
    ['a client that is none', { client: {}, paymentMethod }, /rawRequest/],
    ['a released version', { client, paymentMethod, apiVersion: '2026-10-28.endive' }, /preview/],
    ['a return address that is none', { client, paymentMethod, returnUrl: 'back' }, /returnUrl/],
    ['a life of a second', { client, paymentMethod, validityMs: 1_000 }, /validityMs/],
    ['a key for a name', { createToken, account: 'sk_live_abcdefgh' }, /account/],
    ['a hook that is none', { createToken, onActionRequired: 'x' }, /onActionRequired/],
    ['no types', { createToken, paymentMethodTypes: [] }, /paymentMethodTypes/],
    ['a look-up that is none', { createToken, retrieveToken: 'x' }, /retrieveToken/],
    ['a mode that is none', { createToken, livemode: 'no' }, /livemode/],
  ])('%s', (_, options, message) => {
    // Types are for those who compile.
    const untyped: (options: never) => unknown = stripe
    expect(() => untyped(options as never)).toThrow(message)
    expect(() => untyped(options as never)).toThrow(TypeError)
  })

  test('the error never shows a key', () => {
    const secretKey = 'sk_live_verysecret'
    const caught = () => stripe({ secretKey, paymentMethod, livemode: false })
    expect(caught).toThrow(/^(?!.*verysecret)/)
  })
})

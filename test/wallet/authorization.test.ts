import { describe, expect, test } from 'vitest'
import { amount, CURRENCIES } from '../../src/money/index.js'
import { mintAuthorization } from '../../src/wallet/authorization.js'
import * as folder from '../../src/wallet/index.js'
import { type Authorization, type Quote, type Spendable, spendAuthorization } from '../../src/wallet/index.js'
import { BOUNDS, challenge, LEDGER, RESOURCE } from './tempo/harness.js'

const NOW = 1_800_000_000_000

const quote: Quote = {
  wallet: 'test:1',
  challenge: challenge({}),
  resource: RESOURCE,
  terms: {
    purpose: 'pay',
    kind: 'test/charge',
    network: 'test:1',
    most: amount(5n, CURRENCIES.USD),
    exact: true,
    payees: [],
  },
}

const mint = (more: Partial<Spendable> = {}): Authorization =>
  mintAuthorization({ payment: 'p1', quote, bounds: BOUNDS, ledger: LEDGER, expires: NOW + 1_000, ...more })

describe('an authorization', () => {
  test('returns the agreed quote', () => {
    const lane = { name: 'a', value: 3n }
    expect(spendAuthorization(mint({ lane }), NOW)).toEqual({
      payment: 'p1',
      quote,
      bounds: BOUNDS,
      ledger: LEDGER,
      expires: NOW + 1_000,
      lane,
    })
  })

  test('is valid once', () => {
    const authorization = mint()
    spendAuthorization(authorization, NOW)
    expect(() => spendAuthorization(authorization, NOW)).toThrow(/already used/)
  })

  test('is valid until it expires, and not a moment longer', () => {
    spendAuthorization(mint(), NOW + 1_000)
    const late = mint()
    expect(() => spendAuthorization(late, NOW + 1_001)).toThrow(/expired/)
  })

  test('cannot be forged: not by its shape, a copy, a prototype or a proxy', () => {
    const real = mint()
    const forged: unknown[] = [
      { payment: 'p1' },
      { ...real },
      structuredClone(real),
      Object.create(real),
      new Proxy(real, {}),
      null,
      undefined,
      'p1',
    ]
    for (const each of forged)
      expect(() => Reflect.apply(spendAuthorization, undefined, [each, NOW])).toThrow(TypeError)
    spendAuthorization(real, NOW)
  })

  test('is frozen, and so is its content: neither can be replaced', () => {
    const terms = { payment: 'p1', quote, bounds: BOUNDS, ledger: LEDGER, expires: NOW + 1_000 }
    const authorization = mintAuthorization(terms)
    expect(Object.isFrozen(authorization)).toBe(true)
    expect(Reflect.set(authorization, 'payment', 'p2')).toBe(false)
    terms.payment = 'p2'
    const spendable = spendAuthorization(authorization, NOW)
    expect(spendable.payment).toBe('p1')
    expect(Object.isFrozen(spendable)).toBe(true)
  })

  test('shows only the id of its payment', () => {
    expect(JSON.stringify(mint())).toBe('{"payment":"p1"}')
  })

  test('is minted only in the payment flow', () => {
    expect(Object.keys(folder).sort()).toEqual(['OPTIONAL_METHODS', 'isNotSentError', 'spendAuthorization'])
  })
})

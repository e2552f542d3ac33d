import { describe, expect, it } from 'vitest'
import {
  acceptQuality,
  formatAcceptPayment,
  type OfferKind,
  type Preference,
  parseAcceptPayment,
} from '../../src/protocol/index.js'

describe('writing', () => {
  it('keeps the order, and omits a q of one', () => {
    expect(
      formatAcceptPayment([
        { kind: 'tempo/charge' },
        { kind: 'tempo/session', q: 1 },
        { kind: 'stripe/charge', q: 0.5 },
        { kind: 'evm/*', q: 0.125 },
        { kind: '*/*', q: 0 },
      ]),
    ).toBe('tempo/charge, tempo/session, stripe/charge;q=0.5, evm/*;q=0.125, */*;q=0')
    expect(formatAcceptPayment([])).toBe('')
  })

  it.each([
    [0.3333333, '0.333'],
    [0.1 + 0.2, '0.3'],
    [0.0001, '0.001'],
    [0.9999, '0.999'],
    [1e-300, '0.001'],
  ])('writes %d with three decimals, and never as 0 or 1', (q, written) => {
    expect(formatAcceptPayment([{ kind: 'a/b', q }])).toBe(`a/b;q=${written}`)
  })

  it.each([[-0.1], [1.1], [Number.NaN], [Number.POSITIVE_INFINITY]])('refuses a q of %d', (q) => {
    expect(() => formatAcceptPayment([{ kind: 'a/b', q }])).toThrow(TypeError)
  })

  const kinds: readonly OfferKind[] = [
    '/',
    'a/',
    '/b',
    'a b/c',
    'a/b, c/d',
    'a/b;q=1',
    'a/b\r\nx: y',
    'a/b/c',
    'a*/b',
  ]
  it.each(kinds)('refuses the kind %j', (kind) => {
    expect(() => formatAcceptPayment([{ kind }])).toThrow(TypeError)
  })
})

describe('reading', () => {
  it.each<[string, readonly Preference[]]>([
    ['tempo/charge', [{ kind: 'tempo/charge' }]],
    [
      'tempo/*;q=0.6 , */session ; q=0.3',
      [
        { kind: 'tempo/*', q: 0.6 },
        { kind: '*/session', q: 0.3 },
      ],
    ],
    [',, a/b;Q=1.000,', [{ kind: 'a/b', q: 1 }]],
    ['*/*;q=0', [{ kind: '*/*', q: 0 }]],
    ['a/b;q=0.', [{ kind: 'a/b', q: 0 }]],
  ])('%j', (header, preferences) => {
    expect(parseAcceptPayment(header)).toEqual(preferences)
  })

  it.each([
    [''],
    [','],
    ['tempo'],
    ['tempo/'],
    ['tempo/charge/x'],
    ['a/b;q=1.1'],
    ['a/b;q=0.1234'],
    ['a/b;q=-1'],
    ['a/b;q'],
    ['a/b;q=0.5;q=1'],
    ['a/b;x=1'],
    ['a/b c/d'],
    ['a/b, ?'],
    [`a/b,${' '.repeat(8 * 1024)}`],
  ])('has no meaning: %j', (header) => {
    expect(parseAcceptPayment(header)).toBeUndefined()
  })
})

describe('the preference for a kind', () => {
  const liked = (header: string, kind: OfferKind): number =>
    acceptQuality(parseAcceptPayment(header) ?? [], kind)

  it.each<[string, OfferKind, number]>([
    ['tempo/charge', 'tempo/charge', 1],
    ['tempo/charge', 'tempo/session', 0],
    ['tempo/charge', 'stripe/charge', 0],
    ['*/*;q=0.2', 'x402/exact', 0.2],
    ['tempo/*, tempo/charge;q=0', 'tempo/charge', 0],
    ['tempo/charge;q=0, tempo/*', 'tempo/charge', 0],
    ['tempo/charge;q=0.1, tempo/*, */*', 'tempo/charge', 0.1],
    ['*/*, tempo/*;q=0', 'tempo/charge', 0],
    ['*/*, */charge;q=0', 'tempo/charge', 0],
    ['tempo/*;q=0.3, */charge;q=0.4', 'tempo/charge', 0.4],
    ['*/charge;q=0.4, tempo/*;q=0.3', 'tempo/charge', 0.4],
    ['a/b;q=0.1, a/b;q=0.9', 'a/b', 0.9],
    ['tempo/*', 'tempox/charge', 0],
  ])('%j gives %s the preference %d', (header, kind, q) => {
    expect(liked(header, kind)).toBe(q)
  })

  it('without preferences every kind has 0', () => {
    expect(acceptQuality([], 'tempo/charge')).toBe(0)
  })
})

describe('names in the wrong case', () => {
  it.each([['Tempo/charge'], ['TEMPO/*'], ['x402/exact, Tempo/charge']])('%s is not a method', (header) => {
    expect(parseAcceptPayment(header)).toBeUndefined()
  })

  it('are refused for methods, and kept for intents', () => {
    expect(() => formatAcceptPayment([{ kind: 'Tempo/charge' }])).toThrow(TypeError)
    expect(parseAcceptPayment('tempo/Charge')).toEqual([{ kind: 'tempo/Charge' }])
  })
})

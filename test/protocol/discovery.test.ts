import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Advertised } from '../../src/protocol/discovery/advertised.js'
import { readOpenApi } from '../../src/protocol/discovery/openapi.js'
import { readAccepts, readCatalogue } from '../../src/protocol/discovery/x402.js'
import { type Json, type JsonObject, parseJsonObject } from '../../src/protocol/index.js'

const ORIGIN = 'https://api.search.example'
const TOKEN = '0x20C0000000000000000000000000000000000000'

/** A document with one operation, `GET /v1/search`, and what it says of its price. */
const withInfo = (info: Json, more: JsonObject = {}): JsonObject => ({
  openapi: '3.1.0',
  info: { title: 'Search', version: '1' },
  paths: { '/v1/search': { get: { 'x-payment-info': info, responses: { 402: {} } } } },
  ...more,
})
const offersOf = (info: Json) => readOpenApi(withInfo(info), ORIGIN).operations[0]?.offers

describe('an OpenAPI document', () => {
  it.each<[string, Json, unknown]>([
    [
      'one offer without a list',
      { method: 'tempo', intent: 'charge', amount: '500', currency: TOKEN, description: 'A search' },
      [{ kind: 'tempo/charge', amount: 500n, currency: TOKEN, exact: true, words: 'A search' }],
    ],
    [
      'a list of offers',
      {
        offers: [
          { method: 'tempo', intent: 'session', amount: '500', currency: TOKEN },
          { method: 'stripe', intent: 'charge', amount: '8', currency: 'usd' },
        ],
      },
      [
        { kind: 'tempo/session', amount: 500n, currency: TOKEN, exact: false },
        { kind: 'stripe/charge', amount: 8n, currency: 'usd', exact: true },
      ],
    ],
    [
      'a price that depends',
      { method: 'tempo', intent: 'charge', amount: null },
      [{ kind: 'tempo/charge', exact: true }],
    ],
    [
      'a price without an intent',
      { method: 'tempo', amount: '1' },
      [{ kind: 'tempo/charge', amount: 1n, exact: true }],
    ],
    [
      'a list and an offer beside it: the list',
      { method: 'tempo', amount: '1', offers: [{ method: 'evm', amount: '2' }] },
      [{ kind: 'evm/charge', amount: 2n, exact: true }],
    ],
    [
      'what servers add',
      { method: 'evm', amount: '2', chainId: 8453, recipient: '0xAB' },
      [{ kind: 'evm/charge', amount: 2n, network: 'eip155:8453', payee: '0xAB', exact: true }],
    ],
    [
      'entries of x402',
      {
        accepts: [{ scheme: 'exact', network: 'base', maxAmountRequired: '10', asset: TOKEN, payTo: '0xAB' }],
      },
      [
        {
          kind: 'x402/exact',
          amount: 10n,
          currency: TOKEN,
          network: 'eip155:8453',
          payee: '0xAB',
          exact: true,
        },
      ],
    ],
    ['a price of another make', { price: '0.01', protocols: ['x402'] }, []],
    ['nothing but text', 'free', []],
  ])('has %s', (_what, info, offers) => {
    expect(offersOf(info)).toEqual(offers)
  })

  it.each(['01', '-1', '1.5', '1e3', '0x1', '', '9'.repeat(78), 5, true, [], {}])(
    'has no amount in %j',
    (amount) => {
      expect(offersOf({ method: 'tempo', intent: 'charge', amount })).toEqual([
        { kind: 'tempo/charge', exact: true },
      ])
    },
  )

  it('describes its service', () => {
    const { title, categories, docs } = readOpenApi(
      withInfo(
        {},
        {
          'x-service-info': {
            categories: ['search', 7, 'da\u202eta'],
            docs: {
              homepage: 'https://search.example',
              llms: '/llms.txt',
              apiReference: 'javascript:alert(1)',
            },
          },
        },
      ),
      ORIGIN,
    )
    expect({ title, categories, docs }).toEqual({
      title: 'Search',
      categories: ['search', 'da ta'],
      docs: { homepage: 'https://search.example', llms: '/llms.txt' },
    })
  })

  it('lists operations by method, and omits free ones', () => {
    const paid = { 'x-payment-info': { method: 'tempo', amount: '1' }, summary: 'one' }
    const { operations } = readOpenApi(
      { paths: { '/a/:id': { post: paid, get: {} }, '/b/{id}': { get: paid }, c: { get: paid }, '/d': 'x' } },
      ORIGIN,
    )
    expect(operations.map(({ method, path, summary }) => [method, path, summary])).toEqual([
      ['POST', '/a/{id}', 'one'],
      ['GET', '/b/{id}', 'one'],
    ])
  })

  it.each<[string, string, string | undefined]>([
    ['a path', '/api/', '/api/v1/search'],
    ['its own origin', `${ORIGIN}/api`, '/api/v1/search'],
    ['another origin', 'https://evil.example/api', undefined],
  ])('describes %s, by its first server', (_what, url, path) => {
    const { operations } = readOpenApi(withInfo({}, { servers: [{ url }] }), ORIGIN)
    expect(operations[0]?.path).toBe(path)
  })
})

describe('a catalogue of x402', () => {
  const accepts = [{ scheme: 'exact', network: 'eip155:8453', amount: '10', asset: TOKEN, payTo: '0xAB' }]
  it('lists only resources of its own origin', () => {
    const items = [
      {
        resource: `${ORIGIN}/a?q=1`,
        type: 'http',
        accepts,
        metadata: { input: { method: 'post' }, description: 'A' },
      },
      {
        resource: { url: `${ORIGIN}/b` },
        accepts,
        extensions: { bazaar: { info: { input: { method: 'PUT' } } } },
      },
      { resource: `${ORIGIN}/c`, accepts: [{ outputSchema: { input: { method: 'nonsense' } } }] },
      { resource: 'https://evil.example/d', accepts },
      { resource: 'nonsense', accepts },
      7,
    ]
    const found = readCatalogue({ items }, ORIGIN)
    expect(found.map(({ method, path, summary, offers }) => [method, path, summary, offers.length])).toEqual([
      ['POST', '/a', 'A', 1],
      ['PUT', '/b', undefined, 1],
      ['GET', '/c', undefined, 0],
    ])
  })

  it('distinguishes maximum prices from prices', () => {
    expect(readAccepts([{ scheme: 'upto', amount: '5' }, { scheme: 'UpTo' }, { scheme: 'exact' }])).toEqual([
      { kind: 'x402/upto', amount: 5n, exact: false },
      { kind: 'x402/exact', exact: true },
    ])
  })
})

const NAMES = [
  'x-payment-info',
  'offers',
  'accepts',
  'paths',
  '/a',
  'get',
  'method',
  'amount',
  'servers',
  'items',
  'url',
]
const hostile = fc.letrec<{ value: Json; object: JsonObject }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 6 },
    fc.constantFrom(
      'tempo',
      'charge',
      'exact',
      '1',
      `${ORIGIN}/x`,
      null,
      1e300,
      -0,
      true,
      '\u202e',
      '9'.repeat(200),
    ),
    fc.string({ maxLength: 20 }),
    fc.array(tie('value'), { maxLength: 4 }),
    tie('object'),
  ),
  object: fc.dictionary(fc.oneof(fc.constantFrom(...NAMES), fc.string({ maxLength: 8 })), tie('value'), {
    maxKeys: 6,
  }),
}))

it('any document is read, bounded and cleaned', () => {
  const check = (found: Pick<Advertised, 'operations'>): void => {
    for (const { method, path, summary = '', offers } of found.operations) {
      expect(method).toMatch(/^[A-Z]+$/)
      expect(path).toMatch(/^\//)
      expect(summary.length).toBeLessThanOrEqual(300)
      for (const { kind, words = '', amount = 0n } of offers) {
        expect(kind).toMatch(/^[a-z0-9-]+\/[a-z0-9-]+$/)
        expect(words).not.toMatch(/[\p{Cc}\p{Cf}]/u)
        expect(amount >= 0n && amount < 2n ** 256n).toBe(true)
      }
    }
  }
  fc.assert(
    fc.property(hostile.object, (document) => {
      const text = JSON.stringify({ ...document, paths: { '/a': { get: { 'x-payment-info': document } } } })
      const parsed = parseJsonObject(text.replaceAll('__proto__', 'proto'))
      check(readOpenApi(parsed, ORIGIN))
      check({ operations: readCatalogue({ items: [parsed, document] }, ORIGIN) })
    }),
    { numRuns: 500 },
  )
})

it('no control sequence becomes a path, a payee or a currency', () => {
  const odd = '\u001b[2J\u202e'
  const info = { method: 'evm', amount: '1', currency: `0x${odd}`, recipient: `0x${odd}` }
  const paths = {
    [`/v1/${odd}`]: { get: { 'x-payment-info': info } },
    '/v1/tea': { get: { 'x-payment-info': info } },
  }
  const [operation, ...others] = readOpenApi(withInfo({}, { paths }), ORIGIN).operations
  expect([operation?.path, others]).toEqual(['/v1/tea', []])
  expect(operation?.offers).toEqual([{ kind: 'evm/charge', exact: true, amount: 1n }])
  const entry = { scheme: 'exact', network: 'eip155:8453', amount: '1', asset: odd, payTo: `0x${odd}` }
  expect(readAccepts([entry])).toEqual([
    { kind: 'x402/exact', exact: true, amount: 1n, network: 'eip155:8453' },
  ])
})

it('a huge document is cut', () => {
  const offer = { method: 'tempo', amount: '1' }
  const info = { offers: Array.from({ length: 1000 }, () => offer) }
  const paths = Object.fromEntries(
    Array.from({ length: 5000 }, (_, index) => [`/p${index}`, { get: { 'x-payment-info': info } }]),
  )
  const { operations } = readOpenApi({ paths }, ORIGIN)
  expect(operations).toHaveLength(1000)
  expect(operations[0]?.offers).toHaveLength(16)
})

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { expect, it, onTestFinished } from 'vitest'
import { memoryLedger } from '../../src/entry/ledger-memory.js'
import {
  CURRENCIES,
  createPurser,
  type Ledger,
  type OfferKind,
  type PolicyDocument,
  type Purser,
  type PurserOptions,
} from '../../src/index.js'
import { encodeBase64url, type Json } from '../../src/protocol/index.js'
import { TestClock } from '../ledger/fixtures.js'
import { fakeWallet, Rail } from '../pay/peers.js'

const PATH_USD = '0x20c0000000000000000000000000000000000000'

type Answer = (request: IncomingMessage, response: ServerResponse) => void

interface Site {
  readonly origin: string
  readonly seen: readonly string[]
}

/** A server on loopback: what it answers by path, and 404 for everything else. */
async function site(routes: Readonly<Record<string, Answer | Json>>): Promise<Site> {
  const seen: string[] = []
  const server = createServer((request, response) => {
    seen.push(`${request.method} ${request.url}`)
    const route = routes[request.url ?? '']
    if (typeof route === 'function') return route(request, response)
    if (route === undefined) return response.writeHead(404).end()
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(route))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
  const address = server.address()
  return { origin: `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`, seen }
}

interface Shop {
  readonly purser: Purser
  readonly clock: TestClock
  readonly ledger: Ledger
}

function shop(
  origin: string,
  more: { policy?: Partial<PolicyDocument>; kinds?: readonly OfferKind[]; ledger?: Ledger } & Partial<
    Pick<PurserOptions, 'approver' | 'prefer' | 'rates' | 'currencies'>
  > = {},
): Shop {
  const { policy, kinds = ['tempo/charge'], ledger: shared, ...options } = more
  const clock = new TestClock()
  const ledger = shared ?? memoryLedger({ clock })
  const purser = createPurser({
    wallets: [fakeWallet(new Rail(), clock, { id: 'w', kinds })],
    policy: { perPayment: '0.05', budgets: [{ limit: '5', per: 'day' }], vendors: [{ origin }], ...policy },
    ledger,
    clock,
    ...options,
  })
  onTestFinished(() => purser.close())
  return { purser, clock, ledger }
}

const offer = (amount: string | null, more = {}) => ({
  method: 'tempo',
  intent: 'charge',
  amount,
  currency: PATH_USD,
  ...more,
})
const openapi = (paths: Readonly<Record<string, Json>>, more: Readonly<Record<string, Json>> = {}): Json => ({
  openapi: '3.1.0',
  info: { title: 'Shop', version: '1' },
  paths: Object.fromEntries(
    Object.entries(paths).map(([path, info]) => [path, { get: { 'x-payment-info': info } }]),
  ),
  ...more,
})

/** A 402 of the Payment scheme that the fake wallet reads: so many cents. */
const asks =
  (cents: number): Answer =>
  (_request, response) => {
    const request = encodeBase64url(
      new TextEncoder().encode(JSON.stringify({ cents, payee: '0xaa', fee: 0 })),
    )
    const challenge = `Payment id="c${cents}", realm="shop", method="tempo", intent="charge", request="${request}"`
    response.writeHead(402, { 'www-authenticate': challenge }).end()
  }

it('says what is sold, who can pay it, and what policy would say', async () => {
  const { origin } = await site({
    '/openapi.json': openapi(
      {
        '/cheap': offer('10000', { description: 'A cup' }),
        '/dear': {
          offers: [offer('90000'), { method: 'stripe', intent: 'charge', amount: '9', currency: 'usd' }],
        },
        '/depends': offer(null),
        '/strange': offer('1', { currency: `0x${'9'.repeat(40)}` }),
      },
      { 'x-service-info': { categories: ['tea'], docs: { homepage: '/about' } } },
    ),
  })
  const { purser } = shop(origin)
  const found = await purser.discover(origin)
  expect(found).toMatchObject({
    origin,
    title: 'Shop',
    categories: ['tea'],
    docs: { homepage: '/about' },
    sources: ['/openapi.json'],
    problems: [],
  })
  const [cheap, dear, depends, strange] = found.operations
  expect(cheap).toEqual({
    method: 'GET',
    path: '/cheap',
    offers: [
      {
        kind: 'tempo/charge',
        price: { value: 10_000n, currency: CURRENCIES.pathUSD },
        words: 'A cup',
        wallets: ['w'],
        decision: { effect: 'allow', reasons: [] },
      },
    ],
  })
  const rules = dear?.offers.map(({ kind, wallets, decision }) => [
    kind,
    wallets,
    decision?.effect,
    decision?.reasons.map(({ rule }) => rule),
  ])
  expect(rules).toEqual([
    ['tempo/charge', ['w'], 'deny', ['perPayment']],
    ['stripe/charge', [], 'deny', ['perPayment']],
  ])
  for (const { offers } of [depends, strange].flatMap((one) => one ?? []))
    expect(offers).toEqual([{ kind: 'tempo/charge', wallets: ['w'] }])
})

it('judges whoever may receive it where the document names nobody, and else the one it names', async () => {
  const { origin } = await site({
    '/openapi.json': openapi({ '/a': offer('10000'), '/b': offer('10000', { recipient: '0xBB' }) }),
  })
  const { purser } = shop(origin, {
    policy: { vendors: [{ origin, payees: ['0xaa'] }], ask: [{ above: '0.001' }] },
  })
  const { operations } = await purser.discover(origin)
  expect(operations.map(({ offers }) => offers.map(({ decision }) => decision?.effect))).toEqual([
    ['ask'],
    ['deny'],
  ])
})

it('leaves out wallets that are never to pay that way', async () => {
  const { origin } = await site({ '/openapi.json': openapi({ '/a': offer('10000') }) })
  const { purser } = shop(origin, { prefer: [{ kind: 'tempo/*', q: 0 }] })
  expect((await purser.discover(origin)).operations[0]?.offers[0]?.wallets).toEqual([])
})

it('counts prices in other currencies by rates', async () => {
  const { origin } = await site({
    '/openapi.json': openapi({
      '/fiat': { method: 'stripe', intent: 'charge', amount: '3', currency: 'eur' },
      '/sats': { method: 'lightning', intent: 'charge', amount: '30', currency: 'sat' },
    }),
  })
  const rates = { EUR: '1.5', 'bip122:000000000019d6689c085ae165831e93/slip44:0': '100000' }
  const { purser } = shop(origin, { rates, policy: { perPayment: '0.04' } })
  const { operations } = await purser.discover(origin)
  const said = operations.map(({ offers: [one] }) => [one?.price?.value, one?.decision?.effect])
  expect(said).toEqual([
    [3n, 'deny'],
    [30_000n, 'allow'],
  ])
})

it('reads the catalogue of an x402 server where there are no prices', async () => {
  const routes: Record<string, Answer | Json> = { '/openapi.json': openapi({}) }
  const { origin } = await site(routes)
  routes['/discovery/resources?type=http'] = {
    x402Version: 2,
    items: [
      {
        resource: `${origin}/paid`,
        type: 'http',
        accepts: [
          { scheme: 'exact', network: 'eip155:4217', amount: '20000', asset: PATH_USD, payTo: '0xAB' },
        ],
      },
    ],
  }
  const { purser } = shop(origin, { kinds: ['x402/exact'] })
  const { operations, sources } = await purser.discover(origin)
  expect(sources).toEqual(['/openapi.json', '/discovery/resources?type=http'])
  expect(operations).toMatchObject([
    { path: '/paid', offers: [{ kind: 'x402/exact', price: { value: 20_000n }, wallets: ['w'] }] },
  ])
})

it('asks again once an answer is old, or when told to', async () => {
  const { origin, seen } = await site({
    '/openapi.json': (_request, response) =>
      response
        .writeHead(200, { 'cache-control': 'public, max-age=60' })
        .end(JSON.stringify(openapi({ '/a': offer('1') }))),
  })
  const { purser, clock } = shop(origin)
  await purser.discover(origin)
  await purser.discover(new URL('/elsewhere', origin))
  expect(seen).toHaveLength(1)
  await purser.discover(origin, { fresh: true })
  expect(seen).toHaveLength(2)
  clock.pass(61_000)
  await purser.discover(origin)
  expect(seen).toHaveLength(3)
})

it.each<[string, Answer, string]>([
  ['no JSON', (_q, r) => r.end('<html>'), 'it is not an object of JSON'],
  ['a list', (_q, r) => r.end('[]'), 'it is not an object of JSON'],
  ['a nest', (_q, r) => r.end(`${'{"a":'.repeat(9000)}1${'}'.repeat(9000)}`), 'it is not an object of JSON'],
  ['a flood', (_q, r) => r.end(`"${'x'.repeat(1_100_000)}"`), 'it is longer than 1 MB'],
  ['a fault', (_q, r) => r.writeHead(500).end(), 'the server answered 500'],
  ['a torn connection', (q) => q.socket.destroy(), 'it could not be read'],
  ['a price for itself', asks(1), 'the server answered 402'],
  [
    'a redirect elsewhere',
    (_q, r) => r.writeHead(302, { location: 'https://evil.example/openapi.json' }).end(),
    'it was redirected to another origin',
  ],
  [
    'a circle',
    (_q, r) => r.writeHead(307, { location: '/openapi.json' }).end(),
    'it was redirected too often',
  ],
])('finds nothing in %s, and says why', async (_what, answer, problem) => {
  const { origin, seen } = await site({ '/openapi.json': answer })
  const { purser } = shop(origin)
  const { operations, sources, problems } = await purser.discover(origin)
  expect({ operations, sources }).toEqual({ operations: [], sources: [] })
  expect(problems[0]).toBe(`/openapi.json: ${problem}`)
  expect(seen.length).toBeLessThan(7)
})

it('follows a redirect on the same origin', async () => {
  const { origin } = await site({
    '/openapi.json': (_q, r) => r.writeHead(301, { location: '/docs/openapi.json' }).end(),
    '/docs/openapi.json': openapi({ '/a': offer('1') }),
  })
  expect((await shop(origin).purser.discover(origin)).operations).toHaveLength(1)
})

it('stops when its caller does, whatever hangs', async () => {
  const { origin } = await site({ '/openapi.json': () => undefined })
  const { purser } = shop(origin)
  const caller = new AbortController()
  const found = purser.discover(origin, { signal: caller.signal })
  setTimeout(() => caller.abort(new Error('enough')), 20)
  await expect(found).rejects.toThrow('enough')
})

it.each(['http://shop.example', 'ftp://shop.example', 'shop.example', ''])(
  'does not look at %j',
  async (origin) => {
    await expect(shop('https://shop.example').purser.discover(origin)).rejects.toThrow(TypeError)
  },
)

it('a price above the advertised one must be approved, and one as advertised need not', async () => {
  const { origin } = await site({
    '/openapi.json': openapi({ '/items/{id}': offer('20000'), '/tea': offer('20000') }),
    '/items/tea': asks(3),
    '/items/coffee': asks(2),
    '/tea': asks(3),
  })
  const asked: (string | undefined)[][] = []
  const ledger = memoryLedger({ clock: new TestClock() })
  const { purser } = shop(origin, {
    ledger,
    policy: { ask: [{ aboveAdvertised: true }] },
    approver: async ({ reasons }) => {
      asked.push(reasons.map(({ rule, limit, asked }) => `${rule} ${limit} ${asked}`))
      return { approved: false, by: 'ann' }
    },
  })
  await purser.discover(origin)
  await purser.fetch(`${origin}/items/tea`)
  expect(asked).toEqual([['ask.aboveAdvertised 0.02 USD 0.03 USD']])
  const { offers } = await purser.quote(`${origin}/items/coffee`)
  expect(offers.map(({ decision }) => decision.effect)).toEqual(['allow'])
  // Another process on the same ledger never looked, and knows it all the same.
  const facts = await ledger.facts({
    vendor: origin,
    operation: 'GET /tea',
    agent: 'other',
    unit: 'iso4217:USD',
  })
  expect(facts.advertised).toBe(20_000_000n)
})

it('nothing that is advertised is paid for less: the 402 decides', async () => {
  const { origin } = await site({ '/openapi.json': openapi({ '/tea': offer('10000') }), '/tea': asks(9) })
  const { purser } = shop(origin)
  await purser.discover(origin)
  const reply = await purser.fetch(`${origin}/tea`)
  expect(reply.status).toBe(402)
  expect(purser.paymentFor(reply)).toMatchObject({ state: 'refused', reasons: [{ rule: 'perPayment' }] })
})

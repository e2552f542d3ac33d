import { Readable } from 'node:stream'
import { request, stream, fetch as undiciFetch } from 'undici'
import { describe, expect, test } from 'vitest'
import { isPaymentError } from '../../src/errors/index.js'
import { replyBehind } from '../../src/undici/index.js'
import { echo, paywall, serve } from '../fetch/kit.js'
import { testAgent } from './kit.js'

const bytes = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text)
const TEXT = 'tea=green&cups=2'

async function* generate(): AsyncGenerator<Uint8Array> {
  yield bytes('tea=green')
  yield bytes('&cups=2')
}

const BODIES: Record<string, () => unknown> = {
  none: () => undefined,
  string: () => TEXT,
  Buffer: () => Buffer.from(TEXT),
  Uint8Array: () => bytes(TEXT),
  Blob: () => new Blob([TEXT], { type: 'text/tea' }),
  'Node stream': () => Readable.from([bytes('tea=green'), bytes('&cups=2')]),
  'web stream': () => new Blob([TEXT]).stream(),
  'async iterable': () => generate(),
}

describe.each(['GET', 'POST', 'PUT', 'DELETE'])('undici.request %s', (method) => {
  test.each(Object.entries(BODIES))('with %s pays and keeps the request', async (name, make) => {
    await using server = await serve(paywall(echo))
    await using agent = testAgent()
    const call = () => {
      const body = method === 'GET' ? undefined : make()
      const headers = { 'X-Caller': 'me' }
      const options = { method, headers, query: { q: 'a b' }, dispatcher: agent.dispatcher }
      return Reflect.apply(request, undefined, [`${server.url}/shop`, { ...options, body }])
    }
    const { statusCode, body } = await call()
    expect(statusCode).toBe(200)
    expect(await body.json()).toMatchObject({ method, url: '/shop?q=a%20b' })
    expect(agent.face.signed).toHaveLength(1)
    const [first, paid] = server.seen
    expect([first?.paid, paid?.paid]).toEqual([false, true])
    const text = method === 'GET' || name === 'none' ? '' : TEXT
    expect([first?.body.toString(), paid?.body.toString()]).toEqual([text, text])
    expect(paid?.headers).toMatchObject({ 'x-caller': 'me', 'idempotency-key': 'payment-1' })
    expect(paid?.headers['content-type']).toBe(first?.headers['content-type'])
  })
})

const HEADERS: Record<string, () => unknown> = {
  object: () => ({ 'X-Caller': 'me', 'x-many': ['1', '2'] }),
  'flat list': () => ['X-Caller', 'me', 'x-many', '1', 'x-many', '2'],
  Map: () => new Map<string, unknown>([['X-Caller', 'me']]),
  Headers: () => new Headers({ 'x-caller': 'me' }),
  none: () => undefined,
}

test.each(Object.entries(HEADERS))('headers as %s arrive on both legs, unchanged', async (name, make) => {
  await using server = await serve(paywall(echo))
  await using agent = testAgent()
  const headers = make()
  await Reflect.apply(request, undefined, [server.url, { headers, dispatcher: agent.dispatcher }])
  for (const seen of server.seen) {
    expect(seen.headers['x-caller']).toBe(name === 'none' ? undefined : 'me')
    if (name === 'object' || name === 'flat list') expect(seen.headers['x-many']).toBe('1, 2')
    expect(seen.headers['accept-payment']).toBe('tempo/charge')
  }
  if (name !== 'Headers') expect(headers).toEqual(make())
})

test.each(['constructor', 'toString', 'valueOf'])('a header may be called %s', async (name) => {
  await using server = await serve(paywall(echo))
  await using agent = testAgent()
  await request(server.url, { headers: [name, 'mine'], dispatcher: agent.dispatcher })
  const sent = server.seen.map(({ headers }) =>
    Object.entries(headers).filter(([key]) => key === name.toLowerCase()),
  )
  expect(sent).toEqual(Array(2).fill([[name.toLowerCase(), 'mine']]))
})

test('undici.fetch pays', async () => {
  await using server = await serve(paywall(echo))
  await using agent = testAgent()
  const reply = await undiciFetch(server.url, { method: 'POST', body: 'tea', dispatcher: agent.dispatcher })
  expect(reply.status).toBe(200)
  expect(await reply.json()).toMatchObject({ method: 'POST', body: 'tea' })
  expect(agent.face.signed).toHaveLength(1)
})

test('undici.stream pays', async () => {
  await using server = await serve(paywall(echo))
  await using agent = testAgent()
  const chunks: Buffer[] = []
  const { PassThrough } = await import('node:stream')
  const statuses: number[] = []
  await stream(server.url, { method: 'GET', dispatcher: agent.dispatcher }, ({ statusCode }) => {
    statuses.push(statusCode)
    return new PassThrough().on('data', (chunk) => chunks.push(chunk))
  })
  expect(statuses).toEqual([200])
  expect(JSON.parse(Buffer.concat(chunks).toString())).toMatchObject({ method: 'GET' })
})

describe('goes its own way, and is never paid:', () => {
  const cases: Record<string, object> = {
    'what policy could not pay': { payable: () => false },
  }
  test.each(Object.entries(cases))('%s', async (_, overrides) => {
    await using server = await serve(paywall(echo))
    await using agent = testAgent(overrides)
    const { statusCode, body } = await request(server.url, { dispatcher: agent.dispatcher })
    expect(statusCode).toBe(402)
    expect(await body.json()).toMatchObject({ type: 'https://paymentauth.org/problems/payment-required' })
    expect(server.seen[0]?.headers).not.toHaveProperty('accept-payment')
    expect(agent.face.options).toEqual([])
  })

  test.each(['/a/../b', '/a"b', '/%7Ea/./b'])(
    'a path that a URL would spell differently: %s',
    async (path) => {
      await using server = await serve(paywall(echo))
      await using agent = testAgent()
      const { statusCode } = await agent.dispatcher.request({ origin: server.url, path, method: 'GET' })
      expect(statusCode).toBe(402)
      expect(server.seen[0]?.url).toBe(path)
      expect(agent.face.options).toEqual([])
    },
  )
})

test('a path that looks like another host stays a path of this one', async () => {
  await using server = await serve(paywall(echo))
  const vendors: string[] = []
  await using agent = testAgent({ payable: ({ vendor }) => vendors.push(vendor) > 0 })
  await agent.dispatcher.request({ origin: server.url, path: '//elsewhere.example/x', method: 'GET' })
  expect(vendors).toEqual([server.url])
  expect(server.seen.map(({ url }) => url)).toEqual(['//elsewhere.example/x', '//elsewhere.example/x'])
})

test('a body that is too long to keep is sent, and refused before anything is signed', async () => {
  await using server = await serve(paywall(echo))
  await using agent = testAgent({}, { limits: { keep: { bytes: 8, patienceMs: 1000 } } })
  const { statusCode, headers, body } = await request(server.url, {
    method: 'POST',
    body: Readable.from([bytes('12345'), bytes('67890')]),
    dispatcher: agent.dispatcher,
  })
  expect(statusCode).toBe(402)
  expect(headers['x-should-retry']).toBe('false')
  expect(await body.json()).toMatchObject({ code: 'not_replayable', funds: 'untouched' })
  expect(server.seen.map((seen) => seen.body.toString())).toEqual(['1234567890'])
  expect(isPaymentError(agent.face.errors[0], 'not_replayable')).toBe(true)
  expect(agent.face.signed).toEqual([])
})

test("a caller's own Authorization is not overwritten", async () => {
  await using server = await serve(paywall(echo))
  await using agent = testAgent()
  const headers = { Authorization: 'Bearer mine' }
  const { body } = await request(server.url, { headers, dispatcher: agent.dispatcher })
  expect(await body.json()).toMatchObject({ code: 'authorization_taken' })
  await using beside = await serve(paywall(echo, { header: 'Payment-Authorization' }))
  expect((await request(beside.url, { headers, dispatcher: agent.dispatcher })).statusCode).toBe(200)
  expect(beside.seen[1]?.headers.authorization).toBe('Bearer mine')
})

test('what is behind a reply can be asked for', async () => {
  await using server = await serve(paywall(echo))
  const replies = new Map<object, string>()
  await using agent = testAgent()
  const { run } = agent.face
  await using watching = testAgent({
    async run(exchange, options) {
      const reply = await run(exchange, options)
      replies.set(reply, 'payment')
      return reply
    },
  })
  const data = await request(server.url, { dispatcher: watching.dispatcher })
  expect(replies.get(replyBehind(data) ?? {})).toBe('payment')
  expect(replyBehind({ context: {} })).toBeUndefined()
})

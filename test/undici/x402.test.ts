import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib'
import { request, fetch as undiciFetch } from 'undici'
import { describe, expect, test } from 'vitest'
import { type Answer, challenge, echo, serve } from '../fetch/kit.js'
import { ask, askInBody, base64, required, requiredBody, SETTLED, unbase64, x402 } from '../fetch/x402-kit.js'
import { ENTRY, SIGN_IN } from '../protocol/x402/documents.js'
import { testAgent } from './kit.js'

test('version 2 is paid in its own header, beside what the caller says', async () => {
  await using server = await serve(
    x402((response) => response.setHeader('PAYMENT-RESPONSE', base64(SETTLED)).end('tea')),
  )
  await using agent = testAgent()
  const headers = { Authorization: 'Bearer mine', 'X-Caller': 'me' }
  const { statusCode, body } = await request(server.url, { headers, dispatcher: agent.dispatcher })
  expect([statusCode, await body.text()]).toEqual([200, 'tea'])
  const paid = server.seen[1]?.headers
  expect(paid).toMatchObject({ authorization: 'Bearer mine', 'x-caller': 'me', 'cache-control': 'no-store' })
  expect(unbase64(paid?.['payment-signature'])).toMatchObject({ x402Version: 2, accepted: ENTRY })
  expect(agent.face.readings).toMatchObject([
    { kind: 'payment-required', offers: [{ kind: 'x402/exact', realm: new URL(server.url).host }] },
    { kind: 'response', ok: true, receipt: { success: true, method: 'x402', reference: '0xabc' } },
  ])
})

test('version 1 is paid in its own header', async () => {
  await using server = await serve(
    x402((response) => response.setHeader('X-PAYMENT-RESPONSE', base64(SETTLED)).end('tea'), askInBody),
  )
  await using agent = testAgent()
  const { statusCode } = await request(server.url, { dispatcher: agent.dispatcher })
  expect(statusCode).toBe(200)
  expect(unbase64(server.seen[1]?.headers['x-payment'])).toMatchObject({ x402Version: 1, scheme: 'exact' })
  expect(agent.face.readings[1]).toMatchObject({ receipt: { success: true } })
})

const ENCODINGS: Record<string, (text: string) => Uint8Array> = {
  gzip: gzipSync,
  deflate: deflateSync,
  br: brotliCompressSync,
}

describe.each(Object.entries(ENCODINGS))('a body in %s', (name, encode) => {
  const asking = (text: string): Answer =>
    x402(echo, (response) =>
      response
        .writeHead(402, { 'content-type': 'application/json', 'content-encoding': name })
        .end(encode(text)),
    )

  test('is read for its offers', async () => {
    await using server = await serve(asking(requiredBody()))
    await using agent = testAgent()
    expect((await undiciFetch(server.url, { dispatcher: agent.dispatcher })).status).toBe(200)
  })

  test('that asks for nothing reaches the caller as it came', async () => {
    await using server = await serve(asking('{"no":"tea"}'))
    await using agent = testAgent()
    const { statusCode, body } = await request(server.url, { dispatcher: agent.dispatcher })
    expect(statusCode).toBe(402)
    expect(Buffer.from(await body.arrayBuffer())).toEqual(Buffer.from(encode('{"no":"tea"}')))
    expect(agent.face.signed).toEqual([])
  })

  test('that is a bomb is no offer', async () => {
    await using server = await serve(asking(requiredBody({ error: '0'.repeat(1024 * 1024) })))
    await using agent = testAgent()
    expect((await request(server.url, { dispatcher: agent.dispatcher })).statusCode).toBe(402)
    expect(agent.face.readings).toMatchObject([{ kind: 'payment-required', offers: [] }])
  })
})

test.each(['zstd', 'gzip, gzip', 'gzip'])(
  'a body that claims to be in %s, and is not, is no offer',
  async (name) => {
    await using server = await serve((response) => askInBody(response, { 'content-encoding': name }))
    await using agent = testAgent()
    const { statusCode, body } = await request(server.url, { dispatcher: agent.dispatcher })
    expect([statusCode, await body.text()]).toEqual([402, requiredBody()])
    expect(agent.face.signed).toEqual([])
  },
)

test.each([
  ['tempo/charge', 'authorization'],
  ['x402/exact', 'payment-signature'],
  ['x402/sign-in', 'sign-in-with-x'],
])('of several protocols, %s goes out in %s, and nothing else does', async (kind, header) => {
  const extensions = { 'sign-in-with-x': SIGN_IN }
  await using server = await serve(
    x402(echo, (response) =>
      ask(response, { 'payment-required': required({ extensions }), 'www-authenticate': challenge() }),
    ),
  )
  await using agent = testAgent({ choose: (offers) => offers.find((offer) => offer.kind === kind) })
  const plain = await request(server.url, { dispatcher: agent.dispatcher })
  expect(plain.statusCode).toBe(200)
  const there = ['authorization', 'payment-authorization', 'payment-signature', 'x-payment', 'sign-in-with-x']
  expect(there.filter((name) => name in (server.seen.at(-1)?.headers ?? {}))).toEqual([header])
})

test("an earlier credential of the caller's does not stand beside that of x402", async () => {
  await using server = await serve((response, seen, again) =>
    'payment-signature' in seen.headers ? echo(response, seen, again) : ask(response),
  )
  await using agent = testAgent()
  const headers = ['authorization', 'Payment stale', 'Payment-Authorization', 'Payment stale']
  const { statusCode } = await request(server.url, { headers, dispatcher: agent.dispatcher })
  expect(statusCode).toBe(200)
  for (const name of ['authorization', 'payment-authorization'])
    expect(server.seen[1]?.headers).not.toHaveProperty(name)
})

test.each(['PAYMENT-SIGNATURE', 'X-Payment'])(
  'a request with a payment of its own in %s is neither paid again nor written over',
  async (name) => {
    await using server = await serve((response) => ask(response, { 'www-authenticate': challenge() }))
    await using agent = testAgent()
    const { statusCode, body } = await request(server.url, {
      headers: { [name]: 'mine' },
      dispatcher: agent.dispatcher,
    })
    expect([statusCode, await body.text()]).toEqual([402, '{}'])
    expect(agent.face.signed).toEqual([])
    expect(server.seen.map(({ headers }) => headers[name.toLowerCase()])).toEqual(['mine'])
  },
)

test('a failed settlement is asked for nothing more, and says why', async () => {
  const failed = {
    success: false,
    errorReason: 'insufficient_funds',
    transaction: '',
    network: ENTRY.network,
  }
  await using server = await serve(
    x402((response) => response.writeHead(402, { 'payment-response': base64(failed) }).end('{}')),
  )
  await using agent = testAgent()
  expect((await request(server.url, { dispatcher: agent.dispatcher })).statusCode).toBe(402)
  expect(agent.face.readings[1]).toMatchObject({
    kind: 'payment-required',
    offers: [],
    problem: { type: 'x402:insufficient_funds' },
    receipt: { success: false },
  })
})

test('no redirect carries the credential on', async () => {
  await using stranger = await serve(echo)
  await using server = await serve(
    x402((response) => response.writeHead(307, { location: `${stranger.url}/steal` }).end()),
  )
  await using agent = testAgent()
  expect((await request(server.url, { dispatcher: agent.dispatcher })).statusCode).toBe(307)
  expect(stranger.seen).toEqual([])
})

import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { bodyless, challenge, echo, paywall, serve, testFetch } from '../kit.js'

const HEADERS: Record<string, Record<string, string>> = {
  'no challenge at all': {},
  'another scheme': { 'www-authenticate': 'Bearer realm="tea"' },
  'a challenge nobody can read': { 'www-authenticate': 'Payment id="1", request="%%%"' },
}

describe('a 402 is returned as it came, with', () => {
  test.each(Object.entries(HEADERS))('%s', async (_, headers) => {
    await using server = await serve((response) =>
      response.writeHead(402, { 'x-tea': '1', ...headers }).end('pay!'),
    )
    const { fetch, face } = testFetch()
    const reply = await fetch(server.url)
    expect(reply.status).toBe(402)
    expect(reply.headers.get('x-tea')).toBe('1')
    expect(reply.bodyUsed).toBe(false)
    expect(await reply.text()).toBe('pay!')
    expect(face.signed).toEqual([])
    expect(server.seen).toHaveLength(1)
  })
})

test('a 401 with an offer is no 402', async () => {
  await using server = await serve((response) =>
    response.writeHead(401, { 'www-authenticate': challenge() }).end(),
  )
  const { fetch, face } = testFetch()
  expect((await fetch(server.url)).status).toBe(401)
  expect(face.signed).toEqual([])
})

test('one malformed offer hides no other', async () => {
  await using server = await serve((response, seen, request) => {
    if (seen.paid) return void echo(response, seen, request)
    const lines = ['Payment id="broken", request="%%%"', 'Bearer realm="tea"', challenge({ id: 'good' })]
    response.writeHead(402, { 'www-authenticate': lines }).end()
  })
  expect((await testFetch().fetch(server.url)).status).toBe(200)
})

test('a 402 without a body is paid', async () => {
  await using server = await serve((response, seen, request) =>
    seen.paid ? echo(response, seen, request) : bodyless(response),
  )
  expect((await testFetch().fetch(server.url, { method: 'HEAD' })).status).toBe(200)
})

describe('a digest in the offer', () => {
  const OF_TEA = createHash('sha256').update('tea').digest('base64')

  test.each(['init', 'Request', 'stream'])('of the body in %s: is paid', async (where) => {
    await using server = await serve(paywall(echo, { digest: `sha-256=:${OF_TEA}:` }))
    const body = where === 'stream' ? new Blob(['tea']).stream() : 'tea'
    const init: object = { method: 'POST', body, duplex: 'half' }
    const { fetch } = testFetch()
    const reply = await (where === 'Request' ? fetch(new Request(server.url, init)) : fetch(server.url, init))
    expect(reply.status).toBe(200)
  })

  test.each(['coffee', undefined])(
    'of another body than %s: is refused before anything is signed',
    async (body) => {
      await using server = await serve(paywall(echo, { digest: `sha-256=${OF_TEA}` }))
      const { fetch, face } = testFetch()
      const reply = await fetch(server.url, body === undefined ? {} : { method: 'POST', body })
      expect(await reply.json()).toMatchObject({ code: 'digest_mismatch', funds: 'untouched' })
      expect(face.signed).toEqual([])
    },
  )
})

test('an offer too long for a header is refused before anything is signed', async () => {
  await using server = await serve(paywall(echo, { request: { words: 'x'.repeat(6000) } }))
  const { fetch, face } = testFetch()
  const reply = await fetch(server.url)
  expect(await reply.json()).toMatchObject({ code: 'credential_too_large', funds: 'untouched' })
  expect(face.signed).toEqual([])
})

test('calls side by side are each paid once, and each gets its own answer', async () => {
  await using server = await serve(paywall(echo))
  const { fetch, face } = testFetch()
  const calls = Array.from({ length: 25 }, (_, index) =>
    fetch(`${server.url}/${index}`, { method: 'POST', body: `tea ${index}` }).then((reply) => reply.json()),
  )
  const replies = await Promise.all(calls)
  replies.forEach((reply, index) => {
    expect(reply).toMatchObject({ url: `/${index}`, body: `tea ${index}` })
  })
  expect(new Set(face.signed).size).toBe(25)
  expect(server.seen.filter(({ paid }) => paid)).toHaveLength(25)
})

test('a refusal is a 402 with a problem that says why, and tells SDKs not to retry', async () => {
  await using server = await serve(paywall(echo))
  const { fetch } = testFetch({
    run: async (exchange) =>
      exchange.refuse({
        type: 'urn:uuid:3188016e-4bfb-43a7-b1eb-e8d9ae90bd99#refused',
        title: 'Refused',
        status: 402,
        detail: 'Too dear.',
        message: 'Too dear.',
        error: { message: 'Too dear.', type: 'payment_refused', code: 'refused' },
        code: 'refused',
        funds: 'untouched',
        reasons: [{ rule: 'perPayment', message: 'Too dear.', asked: 10n }],
      }),
  })
  const reply = await fetch(server.url)
  expect(reply.status).toBe(402)
  expect(reply.statusText).toBe('Payment refused (refused)')
  expect(reply.url).toBe(`${server.url}/`)
  expect(Object.fromEntries(reply.headers)).toEqual({
    'content-type': 'application/problem+json',
    'cache-control': 'no-store',
    'x-should-retry': 'false',
  })
  expect(await reply.json()).toMatchObject({
    code: 'refused',
    reasons: [{ rule: 'perPayment', asked: '10' }],
  })
})

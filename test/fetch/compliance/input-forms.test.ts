import { describe, expect, test } from 'vitest'
import { payingFetch } from '../../../src/fetch/index.js'
import { echo, paywall, serve, testFace, testFetch } from '../kit.js'

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'QUERY']
const FORMS = {
  string: (url: string, init: RequestInit) => [url, init] as const,
  URL: (url: string, init: RequestInit) => [new URL(url), init] as const,
  Request: (url: string, init: RequestInit) => [new Request(url, init)] as const,
  'Request and init': (url: string, init: RequestInit) => [new Request(url), init] as const,
  'a Request as init': (url: string, init: RequestInit) => [url, new Request(url, init)] as const,
}

describe.each(Object.entries(FORMS))('%s as input', (_, form) => {
  test.each(METHODS)('%s keeps method, URL, headers and body on the paid leg', async (method) => {
    await using server = await serve(paywall(echo))
    const { fetch, face } = testFetch()
    const body = method === 'GET' || method === 'HEAD' ? {} : { body: 'tea, please' }
    const [input, init] = form(`${server.url}/shop?q=a%20b#part`, {
      method,
      headers: { 'X-Caller': 'me', 'content-type': 'text/x-tea' },
      ...body,
    })
    const reply = await fetch(input, init)
    expect(reply.status).toBe(200)
    expect(face.signed).toHaveLength(1)
    const [first, paid] = server.seen
    expect(server.seen.map(({ paid }) => paid)).toEqual([false, true])
    expect(paid).toMatchObject({ method, url: '/shop?q=a%20b', body: first?.body })
    expect(paid?.body.toString()).toBe(body.body ?? '')
    expect(paid?.headers).toMatchObject({ 'x-caller': 'me', 'content-type': 'text/x-tea' })
  })
})

test('an init overrides the Request it comes with', async () => {
  await using server = await serve(paywall(echo))
  const { fetch } = testFetch()
  const request = new Request(server.url, { method: 'POST', body: 'old', headers: { 'x-old': '1' } })
  await fetch(request, { method: 'PUT', body: 'new', headers: { 'x-new': '1' } })
  for (const seen of server.seen) {
    expect(seen).toMatchObject({ method: 'PUT', body: Buffer.from('new') })
    expect(seen.headers).toMatchObject({ 'x-new': '1' })
    expect(seen.headers).not.toHaveProperty('x-old')
  }
})

test('a Request is used up, as by any fetch', async () => {
  await using server = await serve(paywall(echo))
  const { fetch } = testFetch()
  const request = new Request(server.url, { method: 'POST', body: 'once' })
  await fetch(request)
  expect(request.bodyUsed).toBe(true)
})

test('a Request without a body can be fetched again and again', async () => {
  await using server = await serve(paywall(echo))
  const { fetch } = testFetch()
  const request = new Request(server.url)
  expect((await fetch(request)).status).toBe(200)
  expect((await fetch(request)).status).toBe(200)
})

test('a URL object that changes after the call changes nothing', async () => {
  await using server = await serve(paywall(echo))
  const { fetch } = testFetch({ onSign: () => url.searchParams.set('q', 'caviar') })
  const url = new URL(`${server.url}/shop?q=tea`)
  const reply = fetch(url)
  url.pathname = '/elsewhere'
  await reply
  expect(server.seen.map(({ url }) => url)).toEqual(['/shop?q=tea', '/shop?q=tea'])
})

test('a relative URL stands on the page, where there is one', async () => {
  await using server = await serve(paywall(echo))
  const { fetch } = testFetch({}, { page: () => `${server.url}/app/index.html` })
  expect((await fetch('../shop')).status).toBe(200)
  expect(server.seen.map(({ url }) => url)).toEqual(['/shop', '/shop'])
})

test('is paid where the reply names its URL with the fragment, as of Bun', async () => {
  await using server = await serve(paywall(echo))
  const fetch = payingFetch(testFace(), {
    base: async (input, init) => {
      const reply = await globalThis.fetch(input, init)
      const { url } = reply
      return Object.defineProperty(reply, 'url', { value: `${url.split('#')[0]}#part` })
    },
  })
  expect((await fetch(`${server.url}/shop#part`)).status).toBe(200)
  expect((await fetch(new Request(`${server.url}/shop#part`))).status).toBe(200)
})

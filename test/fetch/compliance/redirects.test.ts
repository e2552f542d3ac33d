import { describe, expect, test } from 'vitest'
import { type Answer, challenge, echo, paywall, serve, testFetch } from '../kit.js'

const redirect =
  (status: number, location: string): Answer =>
  (response) =>
    response.writeHead(status, { location }).end()

/** Answers by path. */
const routes =
  (table: Record<string, Answer>): Answer =>
  (response, seen, request) =>
    (table[seen.url] ?? echo)(response, seen, request)

const STATUSES = [301, 302, 303, 307, 308]

describe.each(STATUSES)('%i before the 402', (status) => {
  test('a GET is paid at the address that asked, and only there', async () => {
    await using server = await serve(routes({ '/a': redirect(status, '/b'), '/b': paywall(echo) }))
    const { fetch } = testFetch()
    const reply = await fetch(`${server.url}/a`)
    expect(reply.status).toBe(200)
    expect(server.seen.map(({ url, paid }) => `${url} ${paid}`)).toEqual(['/a false', '/b false', '/b true'])
  })

  test('a GET as a Request is paid there with all it says', async () => {
    await using server = await serve(routes({ '/a': redirect(status, '/b'), '/b': paywall(echo) }))
    const reply = await testFetch().fetch(new Request(`${server.url}/a`, { headers: { 'x-caller': 'me' } }))
    expect(reply.status).toBe(200)
    expect(server.seen[2]).toMatchObject({ url: '/b', paid: true, method: 'GET' })
    expect(server.seen[2]?.headers['x-caller']).toBe('me')
  })

  test('a POST is not paid: nobody can see what became of it', async () => {
    await using server = await serve(routes({ '/a': redirect(status, '/b'), '/b': paywall(echo) }))
    const { fetch, face } = testFetch()
    const reply = await fetch(`${server.url}/a`, { method: 'POST', body: 'tea' })
    expect(reply.status).toBe(402)
    expect(await reply.json()).toMatchObject({ type: 'https://paymentauth.org/problems/payment-required' })
    expect(face.signed).toEqual([])
  })

  test('another origin may not charge', async () => {
    await using stranger = await serve(paywall(echo))
    await using server = await serve(redirect(status, stranger.url))
    const { fetch, face } = testFetch()
    expect((await fetch(server.url)).status).toBe(402)
    expect(face.signed).toEqual([])
    expect(stranger.seen).toHaveLength(1)
  })
})

test.each(STATUSES)(
  'a %i to its own address: a POST is not paid, so it is not sent again',
  async (status) => {
    const visited: Answer = (response, seen, request) =>
      server.seen.length === 1
        ? response.writeHead(status, { location: '/a', 'set-cookie': 'visited=1' }).end()
        : paywall(echo)(response, seen, request)
    await using server = await serve(visited)
    const { fetch, face } = testFetch()
    const reply = await fetch(`${server.url}/a`, { method: 'POST', body: 'tea' })
    expect(reply.status).toBe(402)
    expect(face.signed).toEqual([])
    expect(server.seen.map(({ method }) => method)).toEqual(['POST', status < 304 ? 'GET' : 'POST'])
  },
)

describe.each(STATUSES)('%i on the paid leg', (status) => {
  test('within the origin: followed without the credential', async () => {
    await using server = await serve(routes({ '/a': paywall(redirect(status, '/b')) }))
    const reply = await testFetch().fetch(`${server.url}/a`, { method: 'POST', body: 'tea' })
    expect(reply.status).toBe(200)
    const [first, , followed] = server.seen
    const turned = status < 304
    expect(followed).toMatchObject({ url: '/b', paid: false, method: turned ? 'GET' : 'POST' })
    expect(followed?.body.toString()).toBe(turned ? '' : 'tea')
    expect(followed?.headers['content-type']).toBe(turned ? undefined : first?.headers['content-type'])
    expect(followed?.headers).not.toHaveProperty('authorization')
    expect(server.seen).toHaveLength(3)
  })

  test('to another origin: handed on as it came, and nothing goes there', async () => {
    await using stranger = await serve(echo)
    await using server = await serve(paywall(redirect(status, `${stranger.url}/steal`)))
    const reply = await testFetch().fetch(server.url, { method: 'POST', body: 'secret tea' })
    expect(reply.status).toBe(status)
    expect(reply.headers.get('location')).toBe(`${stranger.url}/steal`)
    expect(stranger.seen).toEqual([])
  })

  test.each(['manual', 'error'] as const)('redirect: %s is respected', async (mode) => {
    await using server = await serve(routes({ '/a': paywall(redirect(status, '/b')) }))
    const reply = await testFetch().fetch(`${server.url}/a`, { redirect: mode })
    expect(reply.status).toBe(status)
    expect(server.seen).toHaveLength(2)
  })

  test('a Request is followed too', async () => {
    await using server = await serve(routes({ '/a': paywall(redirect(status, '/a?again')) }))
    const request = new Request(`${server.url}/a`, {
      method: 'PUT',
      body: 'tea',
      headers: { 'x-caller': 'me' },
    })
    const reply = await testFetch().fetch(request)
    expect(reply.status).toBe(200)
    expect(server.seen[2]).toMatchObject({ paid: false, method: status === 303 ? 'GET' : 'PUT' })
    expect(server.seen[2]?.headers['x-caller']).toBe('me')
  })
})

test('a followed redirect that asks again is not paid again', async () => {
  await using server = await serve(routes({ '/a': paywall(redirect(303, '/b')), '/b': paywall(echo) }))
  const { fetch, face } = testFetch()
  expect((await fetch(`${server.url}/a`)).status).toBe(402)
  expect(face.signed).toHaveLength(1)
})

test('a redirect after payment that leads nowhere leaves the redirect as the answer', async () => {
  await using server = await serve(
    routes({ '/a': paywall(redirect(302, '/b')), '/b': (response) => response.destroy() }),
  )
  expect((await testFetch().fetch(`${server.url}/a`)).status).toBe(302)
})

test('plain http beyond this machine is never paid for', async () => {
  const called: unknown[] = []
  const base = async (...args: unknown[]): Promise<Response> => {
    called.push(args)
    return new Response(null, { status: 402, headers: { 'www-authenticate': 'Payment id="1"' } })
  }
  const { fetch, face } = testFetch({}, { base })
  const init = {}
  for (const url of [
    'http://api.example/',
    'http://localhost.example/',
    'http://notlocalhost/',
    'http://128.0.0.1/',
    'http://[::2]/',
  ]) {
    expect((await fetch(url, init)).status).toBe(402)
    expect(called.at(-1)).toEqual([url, init])
  }
  expect(face.options).toEqual([])
})

test('an answer that came over plain http in the end may not charge', async () => {
  const base = async (): Promise<Response> => {
    const reply = new Response(null, { status: 402, headers: { 'www-authenticate': challenge() } })
    return Object.defineProperties(reply, {
      url: { value: 'http://api.example/' },
      redirected: { value: true },
    })
  }
  const { fetch, face } = testFetch({}, { base })
  expect((await fetch('https://api.example/')).status).toBe(402)
  expect(face.options).toHaveLength(1)
  expect(face.signed).toEqual([])
})

import { Agent, Client, type Dispatcher, interceptors, Pool, request } from 'undici'
import { describe, expect, test } from 'vitest'
import { payingInterceptor } from '../../src/undici/index.js'
import { type ChallengeOptions, echo, paywall, serve, testFace } from '../fetch/kit.js'
import { recorder, told } from './handler-kit.js'
import { testAgent } from './kit.js'

type Options = Partial<Dispatcher.DispatchOptions> & { readonly servername?: string }

const REFUSED: Record<string, Options> = {
  'a Host of another server': { headers: { Host: 'evil.example' } },
  'a Host of another server, as a list': { headers: ['host', 'evil.example'] },
  'the same host, with another port': { headers: { host: '127.0.0.1:1' } },
  'a Host that hides another one': { headers: { host: '127.0.0.1@evil.example' } },
  'an empty Host': { headers: { host: '' } },
  'a servername of another server': { servername: 'evil.example' },
  'two Idempotency-Keys': { headers: ['idempotency-key', 'one', 'Idempotency-Key', 'two'] },
}

describe('a request is refused before anything is signed if it has', () => {
  test.each(Object.entries(REFUSED))('%s', async (_, options) => {
    await using server = await serve(paywall(echo))
    await using agent = testAgent()
    const got = await told(agent.dispatcher, server.url, options)
    if (got === 'hung') throw new Error('hung')
    expect(got.status).toBe(402)
    expect(agent.face.signed).toEqual([])
    expect(agent.face.errors).toMatchObject([{ code: 'refused', funds: 'untouched' }])
    expect(server.seen.map(({ paid }) => paid)).toEqual([false])
  })
})

test('the Host that the URL has anyway is no reason to refuse', async () => {
  await using server = await serve(paywall(echo))
  await using agent = testAgent()
  const { host } = new URL(server.url)
  expect(await told(agent.dispatcher, server.url, { headers: { HOST: host.toUpperCase() } })).toMatchObject({
    status: 200,
  })
})

const FORGED: Record<string, [Record<string, string | string[]>, ChallengeOptions]> = {
  'an Authorization: Payment of its own': [{ authorization: 'Payment forged' }, {}],
  'a Payment-Authorization of its own': [
    { 'payment-authorization': 'Payment forged' },
    { header: 'Payment-Authorization' },
  ],
  'both of them': [
    { Authorization: 'Payment forged', 'Payment-Authorization': 'Payment forged' },
    { header: 'Payment-Authorization' },
  ],
}

describe('one credential travels, and it is ours, if the request has', () => {
  test.each(Object.entries(FORGED))('%s', async (_, [headers, options]) => {
    const seen: Record<string, unknown>[] = []
    await using shop = await serve((response, one, request) => {
      seen.push(one.headers)
      return seen.length === 1
        ? paywall(echo, options)(response, { ...one, paid: false }, request)
        : echo(response, one, request)
    })
    await using agent = testAgent()
    expect(await told(agent.dispatcher, shop.url, { headers })).toMatchObject({ status: 200 })
    const credentials = ['authorization', 'payment-authorization'].filter((name) => name in (seen[1] ?? {}))
    expect(credentials).toHaveLength(1)
    expect(JSON.stringify(seen[1])).not.toContain('forged')
  })
})

test('a forged credential beside an Authorization of another scheme is neither paid nor sent with ours', async () => {
  await using server = await serve((response, seen, request) =>
    paywall(echo, { header: 'Payment-Authorization' })(response, { ...seen, paid: false }, request),
  )
  await using agent = testAgent()
  const headers = { authorization: ['Basic bWU6bWU=', 'Payment forged'] }
  expect(await told(agent.dispatcher, server.url, { headers })).toMatchObject({ status: 402 })
  expect(agent.face.signed).toEqual([])
  expect(agent.face.errors).toMatchObject([{ code: 'authorization_taken' }])
})

test('what else the caller sends travels with the credential, to the same origin', async () => {
  await using server = await serve(paywall(echo, { header: 'Payment-Authorization' }))
  await using agent = testAgent()
  const headers = { cookie: 'a=b', authorization: 'Basic bWU6bWU=', 'proxy-authorization': 'Basic cHJveHk=' }
  await told(agent.dispatcher, server.url, { headers })
  expect(server.seen.at(-1)).toMatchObject({ paid: true, headers })
})

describe('interceptors.dns', () => {
  const byName = (url: string): string => url.replace('127.0.0.1', 'localhost')

  test('beneath: a name is paid for as itself', async () => {
    await using server = await serve(paywall(echo))
    const agent = new Agent()
    const face = testFace()
    const dispatcher = agent.compose(
      interceptors.dns({ dualStack: false, affinity: 4 }),
      payingInterceptor(face),
    )
    expect(await told(dispatcher, byName(server.url))).toMatchObject({ status: 200 })
    expect(server.seen.at(-1)?.headers.host).toBe(new URL(byName(server.url)).host)
    expect(face.signed).toHaveLength(1)
    await agent.destroy()
  })

  test('around: an address with the Host of a name is not paid', async () => {
    await using server = await serve(paywall(echo))
    const agent = new Agent()
    const face = testFace()
    const dispatcher = agent.compose(
      payingInterceptor(face),
      interceptors.dns({ dualStack: false, affinity: 4 }),
    )
    expect(await told(dispatcher, byName(server.url))).toMatchObject({ status: 402 })
    expect(face.signed).toEqual([])
    await agent.destroy()
  })
})

describe.each([
  ['Client', (origin: string) => new Client(origin)],
  ['Pool', (origin: string) => new Pool(origin)],
] as const)('over a %s whose origin is said', (_, make) => {
  test('a request that names no origin is paid', async () => {
    await using server = await serve(paywall(echo))
    const base = make(server.url)
    const face = testFace()
    const dispatcher = base.compose(payingInterceptor(face, { origin: server.url }))
    const handling = recorder()
    dispatcher.dispatch({ path: '/tea', method: 'GET' }, handling.handler)
    expect(await handling.ended()).toMatchObject({ status: 200 })
    expect(face.signed).toHaveLength(1)
    await base.destroy()
  })

  test('a request that names another origin is not paid: it would be judged there, and paid here', async () => {
    await using server = await serve(paywall(echo))
    const base = make(server.url)
    const face = testFace()
    const dispatcher = base.compose(payingInterceptor(face, { origin: server.url }))
    expect(await told(dispatcher, 'https://trusted.example/')).toMatchObject({ status: 402 })
    expect(face.options).toEqual([])
    await base.destroy()
  })
})

test('an origin that is none is a mistake of the caller', () => {
  expect(() => payingInterceptor(testFace(), { origin: 'nowhere' })).toThrow(TypeError)
})

test('undici.request over a Client takes the same way', async () => {
  await using server = await serve(paywall(echo))
  const client = new Client(server.url)
  const face = testFace()
  const dispatcher = client.compose(payingInterceptor(face, { origin: new URL(server.url) }))
  expect((await request(server.url, { dispatcher })).statusCode).toBe(200)
  await client.destroy()
})

import { createServer } from 'node:net'
import { describe, expect, test } from 'vitest'
import { runtime, SENT_ALL_THE_SAME } from '../../runtime.js'
import { echo, serve, testFetch } from '../kit.js'

const outcome = async (call: () => Promise<unknown>): Promise<unknown> => {
  try {
    return await call()
  } catch (error) {
    return error
  }
}

const describeError = (error: unknown): object => {
  if (error instanceof Response) return { status: error.status }
  if (!(error instanceof Error)) return { error }
  const { cause } = error
  return {
    name: error.name,
    message: error.message,
    kind: error.constructor.name,
    cause:
      cause instanceof Error
        ? [cause.name, 'code' in cause ? cause.code : withoutPort(cause.message)]
        : cause,
  }
}

/** Deno says which port of its own it called from: another with each call. */
const withoutPort = (message: string): string => message.replace(/(from 127\.0\.0\.1):\d+/, '$1')

async function closedPort(): Promise<string> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  return `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`
}

const CALLS: Record<string, (url: string) => readonly [input: string, init?: object]> = {
  'a URL that is none': () => ['not a url'],
  'a relative URL without a page': () => ['/shop'],
  'a scheme of no network': () => ['ftp://127.0.0.1/'],
  'a URL with a password': () => ['https://me:secret@127.0.0.1/'],
  'a bad method': (url) => [url, { method: 'TEA POT' }],
  'a forbidden method': (url) => [url, { method: 'CONNECT' }],
  'a bad header': (url) => [url, { headers: { 'tea pot': '1' } }],
  'a bad header value': (url) => [url, { headers: { tea: 'a\nb' } }],
  'a bad signal': (url) => [url, { signal: 'now' }],
  'a bad mode': (url) => [url, { mode: 'tea' }],
}

describe('the same error as of raw fetch for', () => {
  test.each(Object.entries(CALLS))('%s', async (name, make) => {
    await using server = await serve(echo)
    const call = make(server.url)
    const raw = await outcome(() => Reflect.apply(globalThis.fetch, undefined, call))
    const ours = await outcome(() => Reflect.apply(testFetch().fetch, undefined, call))
    const sent = SENT_ALL_THE_SAME[runtime()].includes(name)
    expect(raw).toBeInstanceOf(sent ? Response : Error)
    expect(describeError(ours)).toEqual(describeError(raw))
    expect(server.seen).toHaveLength(sent ? 2 : 0)
    expect(server.seen[1]?.method).toBe(server.seen[0]?.method)
  })

  test('a port where nobody listens', async () => {
    const url = await closedPort()
    const raw = await outcome(() => globalThis.fetch(url))
    const ours = await outcome(() => testFetch().fetch(url))
    expect(describeError(ours)).toEqual(describeError(raw))
    expect(describeError(ours)).toMatchObject({ kind: 'TypeError' })
    // The others have codes of their own for it, or none.
    if (runtime() === 'node') expect(describeError(ours)).toMatchObject({ cause: ['Error', 'ECONNREFUSED'] })
  })

  test('a server that hangs up', async () => {
    await using server = await serve((response) => response.destroy())
    const raw = await outcome(() => globalThis.fetch(server.url, { method: 'POST', body: 'tea' }))
    const ours = await outcome(() => testFetch().fetch(server.url, { method: 'POST', body: 'tea' }))
    expect(describeError(ours)).toEqual(describeError(raw))
  })

  test('a redirect where redirects are errors', async () => {
    await using server = await serve((response) => response.writeHead(302, { location: '/b' }).end())
    const raw = await outcome(() => globalThis.fetch(server.url, { redirect: 'error' }))
    const ours = await outcome(() => testFetch().fetch(server.url, { redirect: 'error' }))
    expect(describeError(ours)).toEqual(describeError(raw))
  })

  test('no argument at all', async () => {
    const raw = await outcome(() => Reflect.apply(globalThis.fetch, undefined, []))
    const ours = await outcome(() => Reflect.apply(testFetch().fetch, undefined, []))
    expect(raw).toBeInstanceOf(TypeError)
    expect(ours).toBeInstanceOf(TypeError)
  })
})

test('it is called fetch, and is taken for one', () => {
  const fetch: typeof globalThis.fetch = testFetch().fetch
  expect(fetch.name).toBe('fetch')
})

import { describe, expect, test } from 'vitest'
import { echo, paywall, serve, testFetch } from '../kit.js'

const WAYS = ['init', 'Request'] as const

/** A call with a signal, given by `init` or by a `Request`. */
const withSignal = (
  way: (typeof WAYS)[number],
  url: string,
  signal: AbortSignal,
): [input: string | Request, init?: { readonly signal: AbortSignal }] =>
  way === 'init' ? [url, { signal }] : [new Request(url, { signal })]

const rejection = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'no rejection',
    (error: unknown) => error,
  )

describe.each(WAYS)('a signal by %s', (way) => {
  test('aborted before the call: nothing is sent', async () => {
    await using server = await serve(paywall(echo))
    const { fetch, face } = testFetch()
    const reason = new RangeError('changed my mind')
    expect(await rejection(fetch(...withSignal(way, server.url, AbortSignal.abort(reason))))).toBe(reason)
    expect(server.seen).toEqual([])
    expect(face.signed).toEqual([])
  })

  test('aborted while the first leg is under way: the same error as of raw fetch, nothing signed', async () => {
    const abort = { now: () => {} }
    await using server = await serve(() => abort.now())
    const { fetch, face } = testFetch()
    const errors: unknown[] = []
    for (const one of [globalThis.fetch, fetch]) {
      const controller = new AbortController()
      abort.now = () => controller.abort()
      errors.push(await rejection(one(...withSignal(way, server.url, controller.signal))))
    }
    for (const error of errors) expect(error).toMatchObject({ name: 'AbortError' })
    expect(String(errors[1])).toBe(String(errors[0]))
    expect(face.signed).toEqual([])
  })

  test('aborted while it is decided: no credential leaves', async () => {
    await using server = await serve(paywall(echo))
    const controller = new AbortController()
    const { fetch, face } = testFetch({ onSign: () => controller.abort() })
    const error = await rejection(fetch(...withSignal(way, server.url, controller.signal)))
    expect(error).toMatchObject({ name: 'AbortError' })
    expect(face.signed).toEqual([])
    expect(server.seen.map(({ paid }) => paid)).toEqual([false])
  })

  test('aborted after the credential left: the paid leg ends', async () => {
    const controller = new AbortController()
    await using server = await serve(paywall(() => controller.abort()))
    const { fetch, face } = testFetch()
    const error = await rejection(fetch(...withSignal(way, server.url, controller.signal)))
    expect(error).toMatchObject({ name: 'AbortError' })
    expect(face.signed).toHaveLength(1)
  })

  test('aborted in the middle of the paid body: the body fails, as of raw fetch', async () => {
    await using server = await serve(paywall((response) => response.writeHead(200).write('first ')))
    const controller = new AbortController()
    const { fetch } = testFetch()
    const reply = await fetch(...withSignal(way, server.url, controller.signal))
    const reader = reply.body?.getReader()
    expect(new TextDecoder().decode((await reader?.read())?.value)).toBe('first ')
    controller.abort()
    await expect(reader?.read()).rejects.toMatchObject({ name: 'AbortError' })
  })
})

test('an init may take a signal back from its Request', async () => {
  await using server = await serve(paywall(echo))
  const request = new Request(server.url, { signal: AbortSignal.timeout(60_000) })
  const { fetch, face } = testFetch()
  expect((await fetch(request, { signal: null })).status).toBe(200)
  expect(face.options).toEqual([{}])
})

import { describe, expect, test } from 'vitest'
import { payingFetch } from '../../../src/fetch/index.js'
import { echo, paywall, serve, testFace, testFetch } from '../kit.js'

function deepFreeze<T extends object>(value: T): T {
  for (const item of Object.values(value)) if (typeof item === 'object' && item !== null) deepFreeze(item)
  return Object.freeze(value)
}

test('a frozen init with frozen headers pays', async () => {
  await using server = await serve(paywall(echo))
  const init = deepFreeze({
    method: 'POST',
    body: 'tea',
    headers: { 'x-caller': 'me' },
    payment: { task: 't' },
  })
  expect((await testFetch().fetch(server.url, init)).status).toBe(200)
})

test('the same init and Headers can be used again and again, unchanged', async () => {
  await using server = await serve(paywall(echo))
  const { fetch } = testFetch()
  const headers = new Headers({ 'x-caller': 'me' })
  const init = { method: 'POST', body: 'tea', headers }
  const before = [...headers]
  await fetch(server.url, init)
  await fetch(server.url, init)
  expect([...headers]).toEqual(before)
  expect(init).toEqual({ method: 'POST', body: 'tea', headers })
})

describe('what the fetch beneath is called with', () => {
  const record = (overrides: Parameters<typeof testFace>[0] = {}) => {
    const calls: (readonly [unknown, unknown])[] = []
    const face = testFace(overrides)
    const fetch = payingFetch(face, {
      base: (input, init) => {
        calls.push([input, init])
        return globalThis.fetch(input, init)
      },
    })
    return { calls, fetch, face }
  }

  test('the very same arguments, where policy could not pay', async () => {
    await using server = await serve(echo)
    const { calls, fetch } = record({ payable: () => false })
    const init = { method: 'POST', body: 'tea', headers: {}, unknown: 1, payment: { task: 't' } }
    const input = new URL(server.url)
    await fetch(input, init)
    expect(calls).toHaveLength(1)
    expect(calls[0]?.[0]).toBe(input)
    expect(calls[0]?.[1]).toBe(init)
  })

  test('every key it does not know, on both legs, and none of ours', async () => {
    await using server = await serve(paywall(echo))
    const { calls, fetch, face } = record()
    const unknown = Symbol('unknown')
    const options = { duplex: 'half', keepalive: true, 'x-next': { revalidate: 1 }, [unknown]: 1 }
    const init: object = { ...options, payment: { maxAmount: '1 USD', task: 't' } }
    await fetch(server.url, init)
    expect(calls).toHaveLength(2)
    for (const [, seen] of calls) {
      expect(seen).toMatchObject(options)
      expect(seen).not.toHaveProperty('payment')
    }
    expect(face.options).toEqual([{ maxAmount: '1 USD', task: 't' }])
  })

  test('an init with a prototype is read as fetch reads it', async () => {
    await using server = await serve(paywall(echo))
    const { fetch } = record()
    class Init {
      get method(): string {
        return 'PUT'
      }
      get body(): string {
        return 'tea'
      }
    }
    await fetch(server.url, new Init())
    for (const seen of server.seen) expect(seen).toMatchObject({ method: 'PUT', body: Buffer.from('tea') })
  })

  test('a paid leg follows no redirect and leaves nothing in a cache', async () => {
    await using server = await serve(paywall(echo))
    const { calls, fetch } = record()
    await fetch(server.url, { redirect: 'follow', cache: 'force-cache' })
    expect(calls[0]?.[1]).toMatchObject({ redirect: 'follow', cache: 'force-cache' })
    expect(calls[1]?.[1]).toMatchObject({ redirect: 'manual', cache: 'no-store' })
  })
})

test('the fetch beneath is called as a function, as browsers demand of theirs', async () => {
  await using server = await serve(paywall(echo))
  const receivers: unknown[] = []
  const fetch = payingFetch(testFace(), {
    base: function base(this: unknown, input, init) {
      receivers.push(this)
      return globalThis.fetch(input, init)
    },
  })
  const holder = { fetch }
  expect((await holder.fetch(server.url)).status).toBe(200)
  expect(receivers).toEqual([undefined, undefined])
})

import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { type Answer, ask, challenge, echo, paywall, serve, testFetch } from '../kit.js'

/** Connections that raw fetch opens for twenty calls, one after another: it keeps a spare one. */
async function rawConnections(answer: Answer): Promise<number> {
  await using server = await serve(answer)
  for (let call = 0; call < 20; call++) await (await globalThis.fetch(server.url)).text()
  return server.connections()
}

test('paid calls one after another open no more connections than as many free ones', async () => {
  await using server = await serve(paywall(echo))
  const { fetch } = testFetch()
  for (let call = 0; call < 10; call++) await (await fetch(server.url)).text()
  expect(server.seen).toHaveLength(20)
  expect(server.connections()).toBeLessThanOrEqual(await rawConnections(echo))
})

test('a 402 with a body of some length does not cost its connection', async () => {
  const long: Answer = (response, seen, request) => {
    if (seen.paid) return void echo(response, seen, request)
    response.writeHead(402, { 'www-authenticate': challenge(), 'content-type': 'text/html' })
    response.end('x'.repeat(40_000))
  }
  await using server = await serve(long)
  const { fetch } = testFetch()
  for (let call = 0; call < 10; call++)
    await (await fetch(server.url, { method: 'POST', body: 'tea' })).text()
  expect(server.connections()).toBeLessThanOrEqual(await rawConnections(long))
})

describe('a hostile 402', () => {
  const limits = { read: { bytes: 64 * 1024, patienceMs: 100 } }

  test('with an endless body: is cancelled, and paid on another connection', async () => {
    let written = 0
    await using server = await serve((response, seen, request) => {
      if (seen.paid) return void echo(response, seen, request)
      response.writeHead(402, { 'www-authenticate': challenge() })
      const more = (): void => {
        if (response.destroyed) return
        written += 16_384
        if (response.write('x'.repeat(16_384))) setImmediate(more)
        else response.once('drain', more)
      }
      more()
    })
    const { fetch } = testFetch({}, { limits })
    expect((await fetch(server.url)).status).toBe(200)
    const after = written
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(written).toBe(after)
  })

  test('that says how long it is, and is too long: is not read', async () => {
    await using server = await serve((response, seen, request) => {
      if (seen.paid) return void echo(response, seen, request)
      response.writeHead(402, { 'www-authenticate': challenge(), 'content-length': '1000000000' }).write('x')
    })
    expect((await testFetch({}, { limits }).fetch(server.url)).status).toBe(200)
  })

  test('whose body never ends: is waited for no longer than is worth it', async () => {
    await using server = await serve((response, seen, request) => {
      if (seen.paid) return void echo(response, seen, request)
      response.writeHead(402, { 'www-authenticate': challenge() }).write('{')
    })
    expect((await testFetch({}, { limits }).fetch(server.url)).status).toBe(200)
  })

  test('whose body breaks off: is paid all the same', async () => {
    await using server = await serve((response, seen, request) => {
      if (seen.paid) return void echo(response, seen, request)
      response.writeHead(402, { 'www-authenticate': challenge(), 'content-length': '10' }).write('123')
      setTimeout(() => response.destroy(), 5)
    })
    expect((await testFetch({}, { limits }).fetch(server.url)).status).toBe(200)
  })
})

test.each(['slow', 'endless', 'bomb'])('a %s problem after payment is not waited for', async (kind) => {
  await using server = await serve((response, seen) => {
    if (!seen.paid) return void ask(response)
    const encoding = kind === 'bomb' ? { 'content-encoding': 'gzip' } : {}
    response.writeHead(500, { 'content-type': 'application/problem+json', ...encoding })
    if (kind === 'slow') response.write('{"type"')
    else if (kind === 'bomb') response.end(gzipSync('x'.repeat(10_000_000)))
    else response.end('x'.repeat(1_000_000))
  })
  const { fetch } = testFetch({}, { limits: { read: { bytes: 64 * 1024, patienceMs: 100 } } })
  const reply = await fetch(server.url)
  expect(reply.status).toBe(500)
  if (kind === 'endless') expect((await reply.text()).length).toBe(1_000_000)
  if (kind === 'bomb') expect((await reply.text()).length).toBe(10_000_000)
  if (kind === 'slow') await reply.body?.cancel()
})

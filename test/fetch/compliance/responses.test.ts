import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { payingFetch } from '../../../src/fetch/index.js'
import { type Answer, paywall, serve, testFace, testFetch } from '../kit.js'

/** The same answer, free and paid: what the caller sees must not depend on that. */
const PLACES = {
  free: (answer: Answer) => answer,
  paid: (answer: Answer) => paywall(answer),
}

describe.each(Object.entries(PLACES))('a %s answer', (place, put) => {
  test('is the very same Response', async () => {
    await using server = await serve(put((response) => response.end('tea')))
    const made: Response[] = []
    const fetch = payingFetch(testFace(), {
      base: async (input, init) => {
        const reply = await globalThis.fetch(input, init)
        made.push(reply)
        return reply
      },
    })
    expect(await fetch(server.url)).toBe(made.at(-1))
    expect(made).toHaveLength(place === 'free' ? 1 : 2)
  })

  test('204 has no body', async () => {
    await using server = await serve(put((response) => response.writeHead(204).end()))
    const reply = await testFetch().fetch(server.url, { method: 'DELETE' })
    expect(reply.status).toBe(204)
    expect(reply.body).toBeNull()
  })

  test('HEAD has headers and no body', async () => {
    await using server = await serve(
      put((response) => response.writeHead(200, { 'content-length': '5' }).end()),
    )
    const reply = await testFetch().fetch(server.url, { method: 'HEAD' })
    expect(reply.headers.get('content-length')).toBe('5')
    expect(await reply.text()).toBe('')
  })

  test('compression is undone', async () => {
    await using server = await serve(
      put((response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync('tea'))),
    )
    expect(await (await testFetch().fetch(server.url)).text()).toBe('tea')
  })

  test('a stream arrives chunk by chunk, while it is sent', async () => {
    const next: (() => void)[] = []
    await using server = await serve(
      put(async (response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' })
        for (const data of ['1', '2', '3']) {
          response.write(`data: ${data}\n\n`)
          await new Promise<void>((resolve) => next.push(resolve))
        }
        response.end()
      }),
    )
    const reply = await testFetch().fetch(server.url)
    const chunks: string[] = []
    for await (const chunk of reply.body ?? []) {
      chunks.push(new TextDecoder().decode(chunk))
      next.shift()?.()
    }
    expect(chunks).toEqual(['data: 1\n\n', 'data: 2\n\n', 'data: 3\n\n'])
  })

  test.each([200, 201, 400, 404, 429, 500, 503])('status %i is handed on', async (status) => {
    await using server = await serve(put((response) => response.writeHead(status).end('words')))
    const reply = await testFetch().fetch(server.url)
    expect(reply.status).toBe(status)
    expect(await reply.text()).toBe('words')
  })
})

test('a problem after payment is read, and can still be read by the caller', async () => {
  const body = JSON.stringify({ type: 'https://paymentauth.org/problems/verification-failed', title: 'no' })
  await using server = await serve(
    paywall((response) => response.writeHead(403, { 'content-type': 'application/problem+json' }).end(body)),
  )
  const readings: unknown[] = []
  const { fetch } = testFetch({
    async run(exchange) {
      const first = await exchange.read(await exchange.send({}))
      const offer = first.kind === 'payment-required' ? first.offers[0] : undefined
      if (offer === undefined) throw new TypeError('no offer')
      const reply = await exchange.send({ credential: { challenge: offer, payload: {} } })
      readings.push(await exchange.read(reply))
      return reply
    },
  })
  const reply = await fetch(server.url)
  expect(readings).toMatchObject([{ kind: 'response', ok: false, status: 403, problem: { title: 'no' } }])
  expect(await reply.text()).toBe(body)
})

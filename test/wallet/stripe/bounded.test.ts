import { afterEach, expect, test, vi } from 'vitest'
import { boundedFetch, loadClient } from '../../../src/wallet/stripe/issuer.js'
import { serveRaw } from '../../fetch/kit.js'

const MIB = 1024 * 1024

afterEach(() => vi.unstubAllGlobals())

test('an answer of Stripe is read whole, with its head', async () => {
  await using server = await serveRaw((_, response) =>
    response.writeHead(402, { 'request-id': 'req_1' }).end('{"error":{}}'),
  )
  const reply = await boundedFetch(server.url)
  expect([reply.status, reply.headers.get('request-id'), await reply.text()]).toEqual([
    402,
    'req_1',
    '{"error":{}}',
  ])
})

test('a client with a secret key never reads an endless answer', async () => {
  let taken = 0
  await using server = await serveRaw((request, response) => {
    const { socket } = request
    socket.on('close', () => {
      taken += socket.bytesWritten
    })
    const more = (): void => {
      if (response.destroyed) return
      if (response.write(Buffer.alloc(65_536, 0x20))) setImmediate(more)
      else response.once('drain', more)
    }
    more()
  })
  const real = globalThis.fetch
  const asked: string[] = []
  vi.stubGlobal('fetch', (input: string | URL, init?: RequestInit) => {
    asked.push(String(input))
    return real(server.url, init)
  })
  const client = await loadClient('sk_test_1')
  const error: unknown = await client
    .rawRequest('GET', '/v1/shared_payment/issued_tokens/spt_1', undefined, { maxNetworkRetries: 0 })
    .catch((thrown: unknown) => thrown)
  expect(error).toMatchObject({ type: 'StripeConnectionError' })
  expect(asked[0]).toContain('https://api.stripe.com')
  await expect.poll(() => taken).toBeGreaterThan(0)
  expect(taken).toBeLessThan(16 * MIB)
})

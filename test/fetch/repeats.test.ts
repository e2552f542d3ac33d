import { afterEach, describe, expect, test, vi } from 'vitest'
import { against } from '../safety/kit.js'
import type { Behaviour } from '../safety/offers.js'

afterEach(() => vi.unstubAllGlobals())

/** Takes every credential, and hangs up. */
const hangsUp: Behaviour = (visit) => {
  if (visit.seen.credential) visit.request.socket.destroy()
  else visit.ask({})
}

/** A page of another origin: from there no Idempotency-Key may travel, unless the vendor is known to allow it. */
const fromPage = (): unknown => vi.stubGlobal('location', { href: 'https://page.example/' })

describe('when the connection is lost after a credential has left', () => {
  test.each(['GET', 'PUT', 'DELETE', 'POST'])(
    'a %s is sent three times at the most: the same credential under the same key',
    async (method) => {
      await using set = await against(hangsUp)
      const got = await set.payer.call('/a', { method, ...(method === 'GET' ? {} : { body: 'tea' }) })
      expect(got).toMatchObject({ code: 'payment_in_doubt', funds: 'unknown' })
      const { paid } = set.server
      expect(paid.map((seen) => seen.method)).toEqual([method, method, method])
      expect(new Set(paid.map(({ credential }) => credential?.raw)).size).toBe(1)
      expect(new Set(paid.map(({ headers }) => headers['idempotency-key'])).size).toBe(1)
      expect(paid[0]?.headers['idempotency-key']).toBeDefined()
      expect(set.payer.signatures).toBe(1)
    },
  )

  test.each(['POST', 'PATCH'])('a %s that can carry no key is sent once', async (method) => {
    await using set = await against(hangsUp)
    fromPage()
    const got = await set.payer.call('/a', { method, body: 'tea' })
    expect(got).toMatchObject({ code: 'payment_in_doubt', funds: 'unknown' })
    expect(set.server.paid.map(({ headers }) => headers['idempotency-key'])).toEqual([undefined])
  })

  test.each([
    ['a GET', { method: 'GET' }],
    ['a POST with a key of its own', { method: 'POST', body: 'tea', headers: { 'idempotency-key': 'mine' } }],
  ])('%s is sent again from there', async (_, init) => {
    await using set = await against(hangsUp)
    fromPage()
    await set.payer.call('/a', init)
    expect(set.server.paid).toHaveLength(3)
  })

  test('a POST without a key is sent again where the server said when to come back', async () => {
    await using set = await against((visit) => {
      if (!visit.seen.credential) return visit.ask({})
      if (visit.paid > 1) return visit.serve()
      visit.response.writeHead(503, { 'retry-after': '0' }).end()
    })
    fromPage()
    expect(await set.payer.call('/a', { method: 'POST', body: 'tea' })).toMatchObject({ status: 200 })
    expect(set.server.paid).toHaveLength(2)
  })
})

import { describe, expect, test } from 'vitest'
import { datasOf, PRICE, serveStream, till } from './kit.js'

describe('a stream that costs by the event', () => {
  test('is read to its end, each event paid for, and the caller sees nothing of it', async () => {
    await using server = await serveStream()
    await using counter = till(server)
    const reply = await counter.purser.fetch(`${server.url}/v1/news?q=tea`)
    const text = await reply.text()
    expect(text).toBe([1, 2, 3, 4, 5].map((event) => `event: message\ndata: event ${event}\n\n`).join(''))
    expect(datasOf(text)).toHaveLength(5)
    expect(counter.wallet.totals).toEqual([1n, 2n, 3n, 4n, 5n].map((times) => times * PRICE))
    expect(server.books).toEqual({ accepted: 5n * PRICE, spent: 5n * PRICE })
    const payments = await counter.payments()
    expect(payments.map(({ state, delivered }) => ({ state, delivered }))).toEqual(
      Array(5).fill({ state: 'settled', delivered: true }),
    )
    expect(new Set(payments.map(({ fingerprint }) => fingerprint)).size).toBe(5)
    expect(counter.heard.anomaly).toEqual([])
    expect(counter.heard.error).toEqual([])
  })
})

import { Agent, request, fetch as undiciFetch } from 'undici'
import { describe, expect, test } from 'vitest'
import { purserInterceptor, replyBehind } from '../../src/undici/index.js'
import { datasOf, PRICE, serveStream, till, until } from '../fetch/sse/kit.js'

describe('a metered stream behind a dispatcher', () => {
  test('is read to its end by undici.request, each event paid for', async () => {
    await using server = await serveStream()
    await using counter = till(server)
    const dispatcher = new Agent().compose(purserInterceptor(counter.purser))
    const data = await request(`${server.url}/v1/news`, {
      dispatcher,
      headers: { 'idempotency-key': 'mine', 'x-tenant': 'blue' },
    })
    const text = await data.body.text()
    expect(text).not.toContain('payment-')
    expect(datasOf(text)).toEqual([1, 2, 3, 4, 5].map((event) => `event ${event}`))
    expect(counter.wallet.totals).toEqual([1n, 2n, 3n, 4n, 5n].map((times) => times * PRICE))
    for (const { method, url, headers } of server.notes) {
      expect([method, url]).toEqual(['POST', '/v1/news'])
      expect(headers).toMatchObject({ 'x-tenant': 'blue' })
      expect(headers).not.toHaveProperty('idempotency-key')
    }
    expect(counter.purser.paymentFor(replyBehind(data) ?? data)).toMatchObject({ state: 'settled' })
    await dispatcher.close()
  })

  test('takes a tenth of a budget, or what the interceptor was told that a request may come to', async () => {
    const policy = { perPayment: '0.02', budgets: [{ limit: '0.20', per: 'day' }] } as const
    for (const [payment, events] of [
      [undefined, 2],
      [{ maxAmount: '0.05' }, 5],
    ] as const) {
      await using server = await serveStream()
      await using counter = till(server, policy)
      const options = payment === undefined ? {} : { payment }
      const dispatcher = new Agent().compose(purserInterceptor(counter.purser, options))
      const caller = new AbortController()
      const data = await request(server.url, { dispatcher, signal: caller.signal })
      const reading = data.body.text().catch(() => undefined)
      await until(() => counter.wallet.totals.length === events)
      if (payment === undefined) await until(() => counter.heard.anomaly.length > 0)
      else await reading
      caller.abort()
      await reading
      expect(counter.wallet.totals).toHaveLength(events)
      await dispatcher.close()
    }
  })

  test('by the fetch above it, of a POST', async () => {
    await using server = await serveStream()
    await using counter = till(server)
    const dispatcher = new Agent().compose(purserInterceptor(counter.purser))
    const init = { dispatcher, method: 'POST', body: '{}', headers: { 'content-type': 'application/json' } }
    expect(datasOf(await (await undiciFetch(server.url, init)).text())).toHaveLength(5)
    for (const { headers, body } of server.notes) {
      expect(body.length).toBe(0)
      expect(headers).not.toHaveProperty('content-type')
    }
    await dispatcher.close()
  })

  test('ends where its caller aborts it: what was held comes back', async () => {
    await using server = await serveStream()
    await using counter = till(server)
    counter.wallet.hooks.prepare = async (_, signal) => {
      if (signal === undefined || counter.wallet.totals.length === 0) return
      await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
    }
    const dispatcher = new Agent().compose(purserInterceptor(counter.purser))
    const caller = new AbortController()
    const data = await request(server.url, { dispatcher, signal: caller.signal })
    const reading = data.body.text()
    await until(async () => (await counter.payments()).some(({ state }) => state === 'held'))
    caller.abort()
    await expect(reading).rejects.toMatchObject({ name: 'AbortError' })
    await until(async () => (await counter.payments()).every(({ state }) => state !== 'held'))
    expect((await counter.payments()).map(({ state }) => state)).toEqual(['settled', 'released'])
    expect(counter.heard.anomaly).toEqual([])
    await dispatcher.close()
  })

  test('keeps the back-pressure of its caller', async () => {
    const chunk = `data: ${'x'.repeat(32 * 1024)}\n\n`
    await using server = await serveStream({
      async play({ charge, raw, receipt, end }) {
        await charge()
        for (let sent = 0; sent < 100; sent++) await raw(chunk)
        await charge()
        await raw(chunk)
        await receipt()
        end()
      },
    })
    await using counter = till(server)
    const dispatcher = new Agent().compose(purserInterceptor(counter.purser))
    const data = await request(server.url, { dispatcher })
    let size = 0
    for await (const piece of data.body) {
      size += piece.length
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(size).toBe(101 * chunk.length)
    await dispatcher.close()
  })

  test('is left alone where it is encoded', async () => {
    await using server = await serveStream({
      head: { 'content-encoding': 'x-own' },
      async play({ need, end }) {
        await need()
        end()
      },
    })
    await using counter = till(server)
    const dispatcher = new Agent().compose(purserInterceptor(counter.purser))
    const data = await request(server.url, { dispatcher })
    expect(await data.body.text()).toContain('payment-need-voucher')
    expect(counter.wallet.totals).toHaveLength(1)
    await dispatcher.close()
  })
})

import { describe, expect, it } from 'vitest'
import { amount, CURRENCIES } from '../../src/money/index.js'
import type { Quote } from '../../src/wallet/index.js'
import { PRICE, type Stage, serveStream, type Till, till, until } from '../fetch/sse/kit.js'

/** One event for the opening voucher, and then a request for more money. */
async function onceMore({ charge, data, need, gone }: Stage): Promise<void> {
  await charge()
  await data('one')
  await need()
  await gone
}

/** Reads a stream until it is not paid further, and returns the anomaly. */
async function notPaidOn(counter: Till, url: string): Promise<string> {
  const reply = await counter.purser.fetch(url)
  const reader = reply.body?.getReader()
  await reader?.read()
  const pending = reader?.read()
  await until(() => counter.heard.anomaly.length > 0)
  await reader?.cancel()
  await pending
  return String(counter.heard.anomaly[0]?.message)
}

describe('a further payment of a stream', () => {
  const dearer = amount(2n * PRICE, CURRENCIES.pathUSD)
  const wandering: readonly (readonly [string, (quote: Quote) => Quote])[] = [
    ['on another channel', (quote) => ({ ...quote, lane: { names: ['elsewhere#0'], otherwise: 'wait' } })],
    ['on no channel', ({ lane: _, ...quote }) => quote],
    [
      'for a higher price',
      (quote) => ({
        ...quote,
        terms: { ...quote.terms, most: dearer, payees: [{ id: '0xaa', amount: dearer }] },
      }),
    ],
    [
      'to somebody else',
      (quote) => ({
        ...quote,
        terms: { ...quote.terms, payees: [{ id: '0xbb', amount: quote.terms.most }] },
      }),
    ],
  ]

  it.each(wandering)('is never signed %s', async (_, wander) => {
    await using server = await serveStream({ play: onceMore })
    await using counter = till(server, { vendors: [{ origin: server.url, payees: 'any' }] })
    counter.wallet.hooks.quote = (quote, { meterClaims: need }) =>
      need === undefined ? quote : wander(quote)
    await notPaidOn(counter, server.url)
    expect(counter.wallet.totals).toEqual([PRICE])
    expect(server.notes).toEqual([])
  })

  it('may raise the deposit, if policy allows that', async () => {
    const locks = amount(50n * PRICE, CURRENCIES.pathUSD)
    for (const deposits of ['1', '0.10']) {
      await using server = await serveStream({ play: onceMore })
      await using counter = till(server, { deposits })
      counter.wallet.hooks.quote = (quote, { meterClaims: need }) =>
        need === undefined ? quote : { ...quote, terms: { ...quote.terms, locks } }
      const reply = await counter.purser.fetch(server.url)
      const reader = reply.body?.getReader()
      await reader?.read()
      const pending = reader?.read()
      await until(() => server.notes.length + counter.heard.anomaly.length > 0)
      expect(server.notes).toHaveLength(deposits === '1' ? 1 : 0)
      await reader?.cancel()
      await pending
    }
  })

  it('is a separate payment with another id, no key, and its own events', async () => {
    await using server = await serveStream()
    await using counter = till(server)
    const reply = await counter.purser.fetch(server.url, { headers: { 'idempotency-key': 'mine' } })
    await reply.text()
    const payments = await counter.payments()
    expect(payments.map(({ key }) => key)).toEqual(['mine', undefined, undefined, undefined, undefined])
    expect(new Set(payments.map(({ id }) => id)).size).toBe(5)
    expect(new Set(payments.map(({ resource }) => resource.operation))).toEqual(new Set(['GET /']))
    expect(counter.heard.decision).toHaveLength(5)
  })

  it('does not affect the same stream, read again', async () => {
    await using server = await serveStream({ taking: () => 'fail', play: onceMore })
    await using counter = till(server)
    await notPaidOn(counter, server.url)
    counter.heard.anomaly.length = 0
    await notPaidOn(counter, server.url)
    expect(counter.wallet.totals).toEqual([1n, 2n, 3n, 4n].map((times) => times * PRICE))
  })
})

describe('a wallet that could not pay this time', () => {
  it('is asked again the next time', async () => {
    await using server = await serveStream({
      async play({ charge, data, need, gone }) {
        await charge()
        await data('one')
        await need()
        await until(() => refused)
        await need()
        await gone
      },
    })
    let refused = false
    await using counter = till(server)
    counter.wallet.hooks.quote = (quote, { meterClaims: need }) => {
      if (need === undefined || refused) return quote
      refused = true
      return { unpayable: 'What was signed covers it' }
    }
    const reply = await counter.purser.fetch(server.url)
    const reader = reply.body?.getReader()
    await reader?.read()
    const pending = reader?.read()
    await until(() => server.notes.length === 1)
    await reader?.cancel()
    await pending
    expect(counter.heard.anomaly).toMatchObject([{ kind: 'stream_not_paid_on' }])
    expect(counter.heard.anomaly[0]?.message).toContain('What was signed covers it')
  })
})

describe('a top-up during a stream', () => {
  it('is sent next to it, before the voucher', async () => {
    await using server = await serveStream({ play: onceMore })
    await using counter = till(server)
    let paid = 0
    counter.wallet.hooks.complete = async (deliver, { quote }) => {
      if (++paid < 2) return
      const payload = { action: 'topUp', channelId: '0xc1', cumulativeAmount: '0' }
      expect(await deliver({ challenge: quote.challenge, payload })).toMatchObject({ ok: true, status: 204 })
    }
    const reply = await counter.purser.fetch(server.url)
    const reader = reply.body?.getReader()
    await reader?.read()
    const pending = reader?.read()
    await until(() => server.notes.length === 2)
    await reader?.cancel()
    await pending
    expect(server.notes.map(({ method, body }) => [method, body.length])).toEqual(Array(2).fill(['POST', 0]))
  })
})

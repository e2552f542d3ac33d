import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sessionBuyer } from './buyer.js'
import { type ChannelWorld, channelWorld } from './fixtures/world.js'

const PRICE = 10_000n

let world: ChannelWorld

beforeAll(async () => {
  world = await channelWorld()
})
afterAll(() => world.stop())

const dataOf = (text: string): string[] =>
  [...text.matchAll(/^data: (.*)$/gm)].map(([, data]) => String(data))
const events = (count: number): string[] =>
  Array.from({ length: count }, (_, index) => `event ${index + 1} of ${count}`)

describe.each(['v2', 'v1'] as const)('a metered stream of the reference server, protocol %s', (protocol) => {
  it.each(['/stream/12', '/sponsored/stream/12'])('is paid for by the event: %s', async (path) => {
    const server = await world.serve({ protocol, suggestedDeposit: '0.5' })
    const buyer = await sessionBuyer(world, [server])
    const anomalies: unknown[] = []
    buyer.purser.on('anomaly', (event) => anomalies.push(event))
    const reply = await buyer.purser.fetch(server.url(path))
    const text = await reply.text()
    expect(dataOf(text)).toEqual(events(12))
    expect(text).not.toContain('payment-')
    const id = server.paid('open')[0]?.credential?.channelId ?? expect.fail('no channel')
    expect(await server.books(id)).toMatchObject({ accepted: 12n * PRICE, spent: 12n * PRICE })
    await expect
      .poll(async () => (await buyer.payments()).map(({ state }) => state))
      .toEqual(Array(12).fill('settled'))
    expect(await buyer.booked()).toBeGreaterThanOrEqual(12n * PRICE)
    expect(anomalies).toEqual([])
  })

  it('is paid for by the event if the first answer was lost', async () => {
    const server = await world.serve({ protocol, suggestedDeposit: '0.5' })
    let lose = true
    const buyer = await sessionBuyer(world, [server], {
      fetch: async (input, init) => {
        const paid = new Request(input, init).headers.has('authorization')
        if (lose && paid) throw new TypeError('fetch failed')
        return fetch(input, init)
      },
    })
    await expect(buyer.purser.fetch(server.url('/sponsored/stream/12'))).rejects.toMatchObject({
      code: 'payment_in_doubt',
    })
    lose = false
    const reply = await buyer.purser.fetch(server.url('/sponsored/stream/12'))
    const text = await reply.text()
    expect(dataOf(text)).toEqual(events(12))
    expect(text).not.toContain('payment-')
    expect(server.paid('open')).toHaveLength(1)
    const id = server.paid('open')[0]?.credential?.channelId ?? expect.fail('no channel')
    expect(await server.books(id)).toMatchObject({ accepted: 12n * PRICE, spent: 12n * PRICE })
    await expect
      .poll(async () => (await buyer.payments()).map(({ state }) => state))
      .toEqual(Array(12).fill('settled'))
  })

  it('is topped up in the middle', async () => {
    const server = await world.serve({ protocol, suggestedDeposit: '0.03' })
    const buyer = await sessionBuyer(world, [server])
    const reply = await buyer.purser.fetch(server.url('/stream/8'))
    expect(dataOf(await reply.text())).toEqual(events(8))
    expect(server.paid('topUp').length).toBeGreaterThan(0)
  })

  it('stops at the limit of the budget', async () => {
    const server = await world.serve({ protocol, suggestedDeposit: '0.5' })
    const buyer = await sessionBuyer(world, [server], {
      policy: { budgets: [{ limit: '0.14', per: 'day' }] },
    })
    const anomalies: { readonly kind: string }[] = []
    buyer.purser.on('anomaly', (event) => anomalies.push(event))
    const reply = await buyer.purser.fetch(server.url('/sponsored/stream/30'))
    const reader = reply.body?.pipeThrough(new TextDecoderStream()).getReader()
    let text = ''
    const reading = (async () => {
      for (let next = await reader?.read(); next?.done === false; next = await reader?.read())
        text += next.value
    })()
    await expect
      .poll(() => anomalies.map(({ kind }) => kind), { timeout: 20_000 })
      .toEqual(['stream_not_paid_on'])
    await reader?.cancel()
    await reading
    expect(dataOf(text)).toEqual(events(30).slice(0, 14))
  })
})

import { afterEach, describe, expect, it } from 'vitest'
import { type Fault, type PaidRoute, paidApi } from '../../src/testing/index.js'
import { closeAll, endOf, ORIGIN, POLICY, purserOf, SEARCH, server } from './kit.js'

const msw = server()
afterEach(closeAll)

const URL_PAID = `${ORIGIN}/search`
const WITH_DEPOSITS = { ...POLICY, deposits: '1 USD', vendors: [{ origin: ORIGIN, deposit: '1 USD' }] }

async function shop(route: Partial<PaidRoute> = {}, options: Parameters<typeof paidApi>[1] = {}) {
  const api = await paidApi({ [SEARCH]: { price: '0.01 USD', offers: ['tempo/session'], ...route } }, options)
  msw.use(...api.handlers)
  return api
}

const purserWithDeposits = (more: Parameters<typeof purserOf>[0] = {}) =>
  purserOf({ policy: WITH_DEPOSITS, deposit: '0.05', ...more })

describe('a session', () => {
  it('opens with the first call, and pays the next calls in one request each', async () => {
    const api = await shop()
    const test = purserWithDeposits()
    for (let call = 0; call < 3; call++) expect((await test.purser.fetch(URL_PAID)).status).toBe(200)
    // The first call asked for the price; the others brought a voucher at once.
    expect(api.requests()).toBe(4)
    expect([api.taken(), await test.paid(), await test.held()]).toEqual(['0.03 USD', '0.03 USD', '0 USD'])
    const [session] = await test.purser.sessions.list()
    expect(session).toMatchObject({ state: 'open', vendor: ORIGIN })
    expect([session?.deposit.value, session?.signed.value]).toEqual([50_000n, 30_000n])
  })

  it('is topped up when its deposit is used up', async () => {
    const api = await shop()
    const test = purserWithDeposits()
    for (let call = 0; call < 7; call++) expect((await test.purser.fetch(URL_PAID)).status).toBe(200)
    expect(api.taken()).toBe('0.07 USD')
    const [session] = await test.purser.sessions.list()
    expect([session?.deposit.value, session?.signed.value]).toEqual([100_000n, 70_000n])
  })

  it('is closed, and the rest of its deposit is free again', async () => {
    await shop()
    const test = purserWithDeposits()
    await test.purser.fetch(URL_PAID)
    const [session] = await test.purser.sessions.list()
    const locked = async () => (await test.purser.budgets()).find(({ counts }) => counts === 'lock')
    expect((await locked())?.held).toBe(50_000_000n)
    expect(await test.purser.sessions.close(session?.id ?? '')).toMatchObject({ state: 'closed' })
    expect((await locked())?.held).toBe(0n)
    expect(await test.paid()).toBe('0.01 USD')
    // The next call opens another one.
    expect((await test.purser.fetch(URL_PAID)).status).toBe(200)
    expect(await test.purser.sessions.list({ closed: true })).toHaveLength(2)
  })

  it('is topped up by its owner, and closed without the vendor', async () => {
    await shop()
    const test = purserWithDeposits()
    await test.purser.fetch(URL_PAID)
    const [{ id } = { id: '' }] = await test.purser.sessions.list()
    expect((await test.purser.sessions.topUp(id, '0.5')).deposit.value).toBe(550_000n)
    await test.purser.sessions.forceClose(id)
    expect(await test.purser.sessions.inspect(id)).toMatchObject({ state: 'closed', chain: { closed: true } })
  })

  it('is not opened if policy allows no deposit', async () => {
    const api = await shop()
    const test = purserOf()
    expect(await endOf(test.purser.fetch(URL_PAID))).toBe(402)
    expect([api.taken(), test.wallet.signatures]).toEqual(['0 USD', 0])
  })

  it('is not opened without the money for its deposit', async () => {
    await shop()
    const test = purserWithDeposits({ balance: '0.04 USD' })
    const reply = await test.purser.fetch(URL_PAID)
    expect(await reply.json()).toMatchObject({ code: 'insufficient_funds' })
  })

  it('pays parallel calls one after the other, each once', async () => {
    const api = await shop()
    const test = purserWithDeposits({ deposit: '0.5' })
    const ends = await Promise.all(
      Array.from({ length: 10 }, (_, call) => endOf(test.purser.fetch(`${URL_PAID}?q=${call}`))),
    )
    expect(new Set(ends)).toEqual(new Set([200]))
    expect([api.taken(), await test.paid()]).toEqual(['0.1 USD', '0.1 USD'])
    expect(await test.purser.sessions.list()).toHaveLength(1)
  })

  it.each<[Fault, number | string]>([
    ['loses-answer', 'paid_not_delivered'],
    ['loses-request', 200],
    ['rotates-challenge', 200],
    ['fails-after-payment', 500],
  ])('with a server that has the fault %s counts what the server took', async (fault, end) => {
    const api = await shop()
    const test = purserWithDeposits()
    await test.purser.fetch(`${URL_PAID}?q=first`)
    api.change(SEARCH, { fault })
    expect(await endOf(test.purser.fetch(`${URL_PAID}?q=second`))).toBe(end)
    expect(api.taken()).toBe('0.02 USD')
    const [session] = await test.purser.sessions.list()
    expect(session?.signed.value).toBe(20_000n)
    await test.purser.sessions.close(session?.id ?? '')
    expect([await test.paid(), await test.held()]).toEqual(['0.02 USD', '0 USD'])
  })
})

describe('a stream', () => {
  const EVENTS = ['one', 'two', 'three']
  const texts = (body: string) => [...body.matchAll(/^data: (.*)$/gm)].map(([, text]) => text)

  it('of a session is paid for event by event, and the caller sees no word of money', async () => {
    const api = await shop({ events: EVENTS })
    const test = purserWithDeposits({ deposit: '0.5' })
    const reply = await test.purser.fetch(URL_PAID)
    const body = await reply.text()
    expect(texts(body)).toEqual(EVENTS)
    expect(body).not.toContain('payment')
    expect(api.taken()).toBe('0.03 USD')
    expect(api.payments()).toHaveLength(3)
    await expect.poll(() => test.paid()).toBe('0.03 USD')
  })

  it('of a session stops at the limit of its call', async () => {
    const api = await shop({ events: EVENTS })
    const test = purserWithDeposits({ deposit: '0.5' })
    const heard: string[] = []
    const stopped = new Promise<void>((resolve) =>
      test.purser.on('anomaly', ({ kind }) => {
        heard.push(kind)
        resolve()
      }),
    )
    const reply = await test.purser.fetch(URL_PAID, { payment: { maxAmount: '0.02' } })
    const reading = reply.body?.getReader()
    const read: string[] = []
    const reads = (async () => {
      for (;;) {
        const { value, done } = (await reading?.read()) ?? { value: undefined, done: true }
        if (done || value === undefined) return
        read.push(new TextDecoder().decode(value))
      }
    })()
    await stopped
    expect(heard).toEqual(['stream_not_paid_on'])
    expect(texts(read.join(''))).toEqual(['one', 'two'])
    expect(api.taken()).toBe('0.02 USD')
    // msw reads a copy of the stream, so its end is not waited for.
    void reading?.cancel()
    await reads
    // The channel is not blocked by a stream that nobody reads.
    expect(texts((await (await test.purser.fetch(URL_PAID)).text()) ?? '')).toEqual(EVENTS)
  })

  it('of a charge is paid for once', async () => {
    const api = await shop({ offers: ['tempo/charge'], events: EVENTS })
    const test = purserOf()
    const reply = await test.purser.fetch(URL_PAID)
    expect(reply.headers.get('content-type')).toBe('text/event-stream')
    expect(texts(await reply.text())).toEqual(EVENTS)
    expect([api.taken(), await test.paid()]).toEqual(['0.01 USD', '0.01 USD'])
  })
})

import { HttpResponse } from 'msw'
import { afterEach, describe, expect, it } from 'vitest'
import { parseChallenges, parsePaymentRequired, parsePaymentRequiredBody } from '../../src/entry/protocol.js'
import { CURRENCIES } from '../../src/index.js'
import { type PaidOffer, paidApi } from '../../src/testing/index.js'
import { closeAll, endOf, ORIGIN, purserOf, SEARCH, server } from './kit.js'

const msw = server()
afterEach(closeAll)

const URL_PAID = `${ORIGIN}/search`

describe('a paid API', () => {
  it('asks with every offer of its route', async () => {
    const offers: PaidOffer[] = [
      { kind: 'tempo/charge' },
      { kind: 'stripe/charge', price: '0.50 USD' },
      { kind: 'x402/exact', price: '0.02 USD' },
      { kind: 'x402/exact', version: 1 },
    ]
    const api = await paidApi({ [SEARCH]: { price: '0.01 USD', offers } })
    msw.use(...api.handlers)
    const reply = await fetch(URL_PAID)
    expect(reply.status).toBe(402)
    const payment = parseChallenges(reply.headers.get('www-authenticate') ?? '')
    const second = parsePaymentRequired(reply.headers.get('payment-required') ?? '', 'api.example')
    const first = parsePaymentRequiredBody(await reply.text(), 'api.example')
    expect([payment, second, first].flatMap(({ rejected }) => rejected)).toEqual([])
    expect(payment.challenges.map(({ kind, request }) => [kind, request['amount']])).toEqual([
      ['tempo/charge', '10000'],
      ['stripe/charge', '50'],
    ])
    expect(second.challenges.map(({ request }) => request['amount'])).toEqual(['20000'])
    expect(first.challenges.map(({ request }) => request['maxAmountRequired'])).toEqual(['10000'])
  })

  it.each<[string, PaidOffer, string]>([
    ['tempo/charge', { kind: 'tempo/charge' }, 'eip155:4217'],
    ['stripe/charge', { kind: 'stripe/charge', price: '0.10 USD' }, 'stripe:live'],
    ['x402/exact', { kind: 'x402/exact' }, 'eip155:8453'],
    ['x402/exact of version 1', { kind: 'x402/exact', version: 1 }, 'eip155:8453'],
    ['another token', { kind: 'tempo/charge', currency: CURRENCIES.USDCe }, 'eip155:4217'],
  ])('is paid by %s', async (_, offer, network) => {
    const api = await paidApi({ [SEARCH]: { price: '0.01 USD', offers: [offer] } })
    msw.use(...api.handlers)
    const test = purserOf()
    const reply = await test.purser.fetch(URL_PAID)
    expect(reply.status).toBe(200)
    expect(test.purser.paymentFor(reply)).toMatchObject({ state: 'settled', proof: 'receipt' })
    const [payment] = await test.payments()
    expect(payment?.terms).toMatchObject({ kind: offer.kind, network })
    expect(api.payments()).toMatchObject([{ kind: offer.kind, reference: payment?.reference }])
  })

  it('answers in JSON, or with the response that a function makes', async () => {
    const api = await paidApi({
      [SEARCH]: { price: '0.01 USD', answer: { found: 3 } },
      [`POST ${ORIGIN}/echo/:name`]: {
        price: '0.02 USD',
        answer: async (request) => HttpResponse.text((await request.text()).toUpperCase(), { status: 201 }),
      },
    })
    msw.use(...api.handlers)
    const { purser } = purserOf()
    expect(await (await purser.fetch(URL_PAID)).json()).toEqual({ found: 3 })
    const echo = await purser.fetch(`${ORIGIN}/echo/ann`, { method: 'POST', body: 'tea' })
    expect([echo.status, await echo.text()]).toEqual([201, 'TEA'])
    expect(echo.headers.get('payment-receipt')).not.toBeNull()
  })

  it('keeps account of each route and of all', async () => {
    const REPORT = `POST ${ORIGIN}/report`
    const api = await paidApi({ [SEARCH]: '0.01 USD', [REPORT]: '0.10 USD' })
    msw.use(...api.handlers)
    const { purser } = purserOf()
    await purser.fetch(`${URL_PAID}?q=1`)
    await purser.fetch(`${URL_PAID}?q=2`)
    await purser.fetch(`${ORIGIN}/report`, { method: 'POST', headers: { 'idempotency-key': 'mine' } })
    expect([api.taken(SEARCH), api.taken(REPORT), api.taken()]).toEqual(['0.02 USD', '0.1 USD', '0.12 USD'])
    expect([api.requests(SEARCH), api.requests()]).toEqual([4, 6])
    expect(api.payments(REPORT)).toMatchObject([{ route: REPORT, price: '0.1 USD', idempotencyKey: 'mine' }])
    api.reset()
    expect([api.taken(), api.requests(), api.payments()]).toEqual(['0 USD', 0, []])
    expect(() => api.taken('GET https://api.example/serach')).toThrow(/There is no route .*did you mean/)
  })

  it('counts each currency by itself', async () => {
    const api = await paidApi({
      [SEARCH]: '0.01 USD',
      [`GET ${ORIGIN}/euro`]: { price: '0.50 EUR', offers: ['stripe/charge'] },
    })
    expect(api.taken()).toBe('0 USD and 0 EUR')
  })

  it('leaves other methods and addresses alone', async () => {
    const api = await paidApi({ [SEARCH]: '0.01 USD' })
    msw.use(...api.handlers)
    await expect(fetch(URL_PAID, { method: 'POST' })).rejects.toThrow()
    await expect(fetch(`${ORIGIN}/other`)).rejects.toThrow()
  })

  it('changes a price, and goes back with reset()', async () => {
    const api = await paidApi({ [SEARCH]: '0.01 USD' })
    msw.use(...api.handlers)
    const { purser } = purserOf()
    api.change(SEARCH, { price: '0.03 USD', answer: 'dear' })
    expect(await (await purser.fetch(`${URL_PAID}?q=1`)).json()).toBe('dear')
    expect(api.taken()).toBe('0.03 USD')
    api.reset()
    await purser.fetch(`${URL_PAID}?q=2`)
    expect(api.taken()).toBe('0.01 USD')
  })
})

describe('a credential', () => {
  /** Pays once, and remembers the request that carried the credential. */
  async function paidRequest(offers: readonly PaidOffer[]) {
    const api = await paidApi({ [SEARCH]: { price: '0.01 USD', offers } })
    msw.use(...api.handlers)
    let sent: Request | undefined
    const names = ['authorization', 'payment-signature', 'x-payment']
    const { purser } = purserOf({
      fetch: async (input, init) => {
        const request = new Request(input, init)
        if (names.some((name) => request.headers.has(name))) sent = request.clone()
        return fetch(request)
      },
    })
    await purser.fetch(URL_PAID)
    if (sent === undefined) throw new Error('nothing was paid')
    return { api, sent }
  }

  it.each<PaidOffer>([{ kind: 'tempo/charge' }, { kind: 'x402/exact' }, { kind: 'x402/exact', version: 1 }])(
    'of $kind is taken once',
    async (offer) => {
      const { api, sent } = await paidRequest([offer])
      const again = await fetch(sent)
      expect(again.status).toBe(402)
      expect(api.taken()).toBe('0.01 USD')
      expect(api.refusals().map(({ reason }) => reason)).toEqual(['This payment has already been processed.'])
    },
  )

  it.each<[string, (header: string) => string, string]>([
    ['cannot be read', () => 'Payment ???', 'The credential cannot be read.'],
    [
      'answers a challenge of another server',
      (header) => edit(header, 'id', 'x'),
      'The challenge is not known.',
    ],
    ['answers a changed challenge', (header) => edit(header, 'realm', 'x'), 'The challenge was changed.'],
  ])('that %s is refused', async (_, change, reason) => {
    const { api, sent } = await paidRequest([{ kind: 'tempo/charge' }])
    const headers = { authorization: change(sent.headers.get('authorization') ?? '') }
    expect((await fetch(URL_PAID, { headers })).status).toBe(402)
    expect(api.refusals()).toEqual([{ route: SEARCH, reason }])
  })

  it('of x402 for another price is refused', async () => {
    const { api, sent } = await paidRequest([{ kind: 'x402/exact' }])
    const text = Buffer.from(sent.headers.get('payment-signature') ?? '', 'base64').toString()
    const cheaper = Buffer.from(text.replace('"amount":"10000"', '"amount":"1"')).toString('base64')
    const reply = await fetch(URL_PAID, { headers: { 'payment-signature': cheaper } })
    expect(reply.status).toBe(402)
    expect(api.refusals()).toEqual([{ route: SEARCH, reason: 'No matching payment requirements.' }])
  })

  it('of another wallet is taken unchecked, and its receipt has no reference', async () => {
    const api = await paidApi({ [SEARCH]: { price: '0.01 USD', offers: ['tempo/charge'] } })
    msw.use(...api.handlers)
    const { challenges } = parseChallenges((await fetch(URL_PAID)).headers.get('www-authenticate') ?? '')
    const challenge = challenges[0]?.echo.params
    const document = JSON.stringify({ challenge, payload: { type: 'transaction', signature: '0x76' } })
    const headers = { authorization: `Payment ${Buffer.from(document).toString('base64url')}` }
    expect((await fetch(URL_PAID, { headers })).status).toBe(200)
    expect((await fetch(URL_PAID, { headers })).status).toBe(402)
    expect(api.payments()).toMatchObject([{ reference: undefined, price: '0.01 USD' }])
  })

  it('expires by the clock of its wallet', async () => {
    const api = await paidApi({ [SEARCH]: { price: '0.01 USD', fault: 'loses-request' } })
    msw.use(...api.handlers)
    const test = purserOf()
    let sent: Headers | undefined
    const leaving = new AbortController()
    msw.events.on('request:start', ({ request }) => {
      if (!request.headers.has('authorization')) return
      sent ??= request.headers
      leaving.abort()
    })
    const calling = test.purser.fetch(URL_PAID, { signal: leaving.signal })
    expect(await endOf(calling)).toBe('payment_in_doubt')
    await test.advance('1m')
    expect([await test.paid(), await test.held()]).toEqual(['0 USD', '0 USD'])
    if (sent === undefined) throw new Error('nothing was sent')
    expect((await fetch(URL_PAID, { headers: sent })).status).toBe(402)
    expect(api.refusals().at(-1)?.reason).toBe('The credential has expired.')
    msw.events.removeAllListeners()
  })
})

describe('a mistake of the test', () => {
  it.each<[string, Parameters<typeof paidApi>[0], RegExp]>([
    [
      'a route without a method',
      { 'https://api.example/search': '0.01 USD' },
      /A route is a method and a URL/,
    ],
    ['a price without a currency', { [SEARCH]: '0.01' }, /a number above zero and a currency/],
    ['a price of nothing', { [SEARCH]: '0 USD' }, /a number above zero/],
    ['a price in another currency', { [SEARCH]: '0.01 EUR' }, /A price in EUR cannot be paid in pathUSD/],
    [
      'a price that is too fine',
      { [SEARCH]: { price: '0.001 USD', offers: ['stripe/charge'] } },
      /at most 2 decimals/,
    ],
  ])('%s is an error', async (_, routes, message) => {
    await expect(paidApi(routes)).rejects.toThrow(message)
  })

  it('an unknown option is an error that names the right one', async () => {
    await expect(Reflect.apply(paidApi, undefined, [{}, { repeat: 'refused' }])).rejects.toThrow(
      /paidApi\(\) has no option repeat: did you mean repeats\?/,
    )
    const route = { price: '0.01 USD', faults: 'hangs' }
    await expect(Reflect.apply(paidApi, undefined, [{ [SEARCH]: route }])).rejects.toThrow(
      /did you mean fault/,
    )
    await expect(
      Reflect.apply(paidApi, undefined, [{ [SEARCH]: { price: '1 USD', offers: ['tempo/charg'] } }]),
    ).rejects.toThrow(/An offer has one of the kinds/)
  })
})

/** Replaces a parameter of the challenge in a credential. */
function edit(header: string, name: string, value: string): string {
  const document = JSON.parse(Buffer.from(header.slice('Payment '.length), 'base64url').toString())
  document.challenge[name] = value
  return `Payment ${Buffer.from(JSON.stringify(document)).toString('base64url')}`
}

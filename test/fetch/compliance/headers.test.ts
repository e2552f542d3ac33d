import { describe, expect, test } from 'vitest'
import { isPaymentError } from '../../../src/errors/index.js'
import { echo, paywall, serve, testFetch } from '../kit.js'

const CALLERS = { 'X-Caller': 'me', Cookie: 'session=1', 'content-type': 'text/tea' }
const FORMS = {
  object: () => CALLERS,
  tuples: () => Object.entries(CALLERS),
  Headers: () => new Headers(CALLERS),
}

describe.each(Object.entries(FORMS))('headers as %s', (_, make) => {
  test('reach the server on both legs', async () => {
    await using server = await serve(paywall(echo))
    const { fetch } = testFetch()
    await fetch(server.url, { headers: make() })
    for (const { headers } of server.seen) {
      expect(headers).toMatchObject({ 'x-caller': 'me', cookie: 'session=1', 'content-type': 'text/tea' })
    }
  })
})

test('several values of one header stay several', async () => {
  await using server = await serve(paywall(echo))
  const { fetch } = testFetch()
  await fetch(server.url, {
    headers: [
      ['x-many', '1'],
      ['x-many', '2'],
    ],
  })
  expect(server.seen.map(({ headers }) => headers['x-many'])).toEqual(['1, 2', '1, 2'])
})

describe('Accept-Payment', () => {
  test('says what the wallets can pay', async () => {
    await using server = await serve(echo)
    await testFetch().fetch(server.url)
    expect(server.seen[0]?.headers['accept-payment']).toBe('tempo/charge')
  })

  test("the caller's own wins", async () => {
    await using server = await serve(echo)
    await testFetch().fetch(server.url, { headers: { 'ACCEPT-PAYMENT': 'stripe/charge' } })
    expect(server.seen[0]?.headers['accept-payment']).toBe('stripe/charge')
  })

  test('goes to the same origin only, where there is a page', async () => {
    await using server = await serve(echo)
    await testFetch({}, { page: () => `${server.url}/page` }).fetch(server.url)
    await testFetch({}, { page: () => 'https://page.example/' }).fetch(server.url)
    expect(server.seen.map(({ headers }) => headers['accept-payment'])).toEqual(['tempo/charge', undefined])
  })

  test('goes nowhere that policy could not pay', async () => {
    await using server = await serve(echo)
    await testFetch({ payable: () => false }).fetch(server.url)
    expect(server.seen[0]?.headers).not.toHaveProperty('accept-payment')
  })
})

describe('Idempotency-Key', () => {
  test('is on the paid leg', async () => {
    await using server = await serve(paywall(echo))
    await testFetch().fetch(server.url)
    expect(server.seen.map(({ headers }) => headers['idempotency-key'])).toEqual([undefined, 'payment-1'])
  })

  test("the caller's own wins, on both legs", async () => {
    await using server = await serve(paywall(echo))
    await testFetch().fetch(server.url, { headers: { 'Idempotency-Key': 'mine', 'x-caller': 'me' } })
    expect(server.seen.map(({ headers }) => headers['idempotency-key'])).toEqual(['mine', 'mine'])
    expect(server.seen.map(({ headers }) => headers['x-caller'])).toEqual(['me', 'me'])
  })

  test('crosses origins from a page only where the vendor allows it', async () => {
    await using server = await serve(paywall(echo))
    const page = () => 'https://page.example/'
    const init = { headers: { 'x-caller': 'me' } }
    await testFetch({}, { page }).fetch(server.url, init)
    await testFetch({ sendsIdempotencyKey: () => true }, { page }).fetch(server.url, init)
    const paid = server.seen.filter((seen) => seen.paid)
    expect(paid.map(({ headers }) => headers['idempotency-key'])).toEqual([undefined, 'payment-1'])
    expect(paid.map(({ headers }) => headers['x-caller'])).toEqual(['me', 'me'])
  })
})

describe("a caller's own Authorization", () => {
  const init = { headers: { authorization: 'Bearer mine' } }

  test('is kept where the offer names another header', async () => {
    await using server = await serve(paywall(echo, { header: 'Payment-Authorization' }))
    expect((await testFetch().fetch(server.url, init)).status).toBe(200)
    expect(server.seen.map(({ headers }) => headers.authorization)).toEqual(['Bearer mine', 'Bearer mine'])
    expect(server.seen[1]?.headers['payment-authorization']).toMatch(/^Payment /)
  })

  test('is not overwritten: refused before anything is signed', async () => {
    await using server = await serve(paywall(echo))
    const { fetch, face } = testFetch()
    const reply = await fetch(server.url, init)
    expect(await reply.json()).toMatchObject({ code: 'authorization_taken', funds: 'untouched' })
    expect(isPaymentError(face.errors[0], 'authorization_taken')).toBe(true)
    expect(face.signed).toEqual([])
    expect(server.seen).toHaveLength(1)
  })

  test('is overwritten where policy says so', async () => {
    await using server = await serve(paywall(echo))
    const reply = await testFetch({ replacesAuthorization: () => true }).fetch(server.url, init)
    expect(reply.status).toBe(200)
    expect(server.seen[1]?.headers.authorization).toMatch(/^Payment /)
  })

  test('a stale credential of an earlier payment is no such thing', async () => {
    await using server = await serve((response, seen, request) =>
      seen.headers.authorization === 'Payment stale'
        ? paywall(echo)(response, { ...seen, paid: false }, request)
        : echo(response, seen, request),
    )
    const reply = await testFetch().fetch(server.url, { headers: { authorization: 'Payment stale' } })
    expect(reply.status).toBe(200)
    expect(server.seen[1]?.headers.authorization).not.toBe('Payment stale')
  })
})

test('an offer that wants its credential in any other header is no offer', async () => {
  await using server = await serve(paywall(echo, { header: 'Cookie' }))
  const { fetch, face } = testFetch()
  const reply = await fetch(server.url)
  expect(reply.status).toBe(402)
  expect(face.signed).toEqual([])
  expect(server.seen).toHaveLength(1)
})

describe('a header that would lead the credential astray is refused before anything is signed:', () => {
  const STRAY = {
    'a Host of another server': { host: 'evil.example' },
    'a Host of another port': { Host: '127.0.0.1:1' },
    'two Hosts': { host: '127.0.0.1, evil.example' },
    'a Connection that names Authorization': { connection: 'keep-alive, Authorization' },
  }

  // Node's own fetch takes no Host and no Connection of the caller's; those of other runtimes and packages do.
  test.each(Object.entries(STRAY))('%s', async (_, headers) => {
    await using server = await serve(paywall(echo))
    const { fetch, face } = testFetch(
      {},
      { base: (_, init) => globalThis.fetch(server.url, { method: init?.method ?? 'GET' }) },
    )
    const reply = await fetch(server.url, { headers })
    expect(await reply.json()).toMatchObject({ code: 'refused', funds: 'untouched' })
    expect(face.signed).toEqual([])
    expect(server.seen).toHaveLength(1)
  })

  test('a Host that says what the URL says is not one', async () => {
    await using server = await serve(paywall(echo))
    const { host } = new URL(server.url)
    expect((await testFetch().fetch(server.url, { headers: { host } })).status).toBe(200)
  })
})

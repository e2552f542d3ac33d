import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { isPaymentError } from '../../../src/errors/index.js'
import { ENTRY, RESOURCE, SIGN_IN } from '../../protocol/x402/documents.js'
import { type Answer, challenge, echo, serve, testFetch } from '../kit.js'
import { ask, askInBody, base64, required, requiredBody, SETTLED, unbase64, x402 } from '../x402-kit.js'

const PAYLOAD = { type: 'transaction', signature: '0x5160' }
/** Was this offer made by version 1 of x402? */
const isVersion1 = (echo: object): boolean => 'version' in echo && echo.version === 1

const KINDS = (face: ReturnType<typeof testFetch>['face']) =>
  face.readings.map((reading) =>
    reading.kind === 'payment-required' ? reading.offers.map(({ kind }) => kind) : reading.kind,
  )

describe('version 2', () => {
  test('is paid in PAYMENT-SIGNATURE, beside what the caller says', async () => {
    await using server = await serve(x402(echo))
    const { fetch, face } = testFetch()
    const headers = { authorization: 'Bearer mine', 'x-caller': 'me' }
    const reply = await fetch(server.url, { method: 'POST', body: 'tea', headers })
    expect(reply.status).toBe(200)
    expect(await reply.json()).toMatchObject({ method: 'POST', body: 'tea' })
    const [first, paid] = server.seen
    expect(first?.headers).not.toHaveProperty('payment-signature')
    expect(paid?.headers).toMatchObject({ ...headers, 'idempotency-key': 'payment-1' })
    expect(unbase64(paid?.headers['payment-signature'])).toEqual({
      x402Version: 2,
      resource: RESOURCE,
      accepted: ENTRY,
      payload: PAYLOAD,
    })
    for (const name of ['x-payment', 'payment-authorization', 'sign-in-with-x'])
      expect(paid?.headers).not.toHaveProperty(name)
    expect(face.signed).toHaveLength(1)
  })

  test('knows the host that was dialled, and not the one it is told', async () => {
    await using server = await serve(
      x402(echo, (response) =>
        ask(response, { 'payment-required': required({ resource: { url: 'https://trusted.example/' } }) }),
      ),
    )
    const { fetch, face } = testFetch()
    await fetch(server.url)
    expect(face.readings[0]).toMatchObject({ offers: [{ realm: new URL(server.url).host }] })
  })

  test('a settlement is the receipt', async () => {
    await using server = await serve(
      x402((response) => response.setHeader('PAYMENT-RESPONSE', base64(SETTLED)).end('tea')),
    )
    const { fetch, face } = testFetch()
    expect(await (await fetch(server.url)).text()).toBe('tea')
    expect(face.readings[1]).toEqual({
      kind: 'response',
      ok: true,
      status: 200,
      receipt: { success: true, method: 'x402', reference: '0xabc', network: ENTRY.network, claims: SETTLED },
    })
  })

  test('a failed settlement is asked for nothing more, and says why', async () => {
    const failed = {
      success: false,
      errorReason: 'settlement_pending',
      transaction: '0xabc',
      network: ENTRY.network,
    }
    await using server = await serve(
      x402((response) => {
        const headers = { 'payment-response': base64(failed), 'content-type': 'application/json' }
        response.writeHead(402, headers).end('{}')
      }),
    )
    const { fetch, face } = testFetch()
    const reply = await fetch(server.url)
    expect([reply.status, await reply.text()]).toEqual([402, '{}'])
    expect(face.readings[1]).toMatchObject({
      kind: 'payment-required',
      offers: [],
      problem: { type: 'x402:settlement_pending' },
      receipt: { success: false, method: 'x402', reference: '0xabc', claims: failed },
    })
  })

  test('what is pending is no moment to be offered anything', async () => {
    const pending = { success: false, errorReason: 'settlement_pending', transaction: '0xabc' }
    await using server = await serve(
      x402((response) => ask(response, { 'payment-response': base64(pending) })),
    )
    const { fetch, face } = testFetch()
    await fetch(server.url)
    expect(face.readings[1]).toMatchObject({ offers: [], problem: { type: 'x402:settlement_pending' } })
  })

  test('a failed verification is asked again, and says why', async () => {
    const error = 'invalid_exact_evm_signature'
    await using server = await serve(
      x402((response) => ask(response, { 'payment-required': required({ error }) })),
    )
    const { fetch, face } = testFetch()
    expect((await fetch(server.url)).status).toBe(402)
    expect(face.readings[1]).toMatchObject({
      kind: 'payment-required',
      offers: [{ kind: 'x402/exact' }],
      problem: { type: `x402:${error}` },
    })
    expect(face.readings[0]).not.toHaveProperty('problem')
  })

  test.each([
    ['words alone', '{}', { type: 'about:blank', detail: 'No payment, no tea' }],
    [
      'words and a problem',
      '{"type":"https://paymentauth.org/problems/verification-failed"}',
      {
        type: 'https://paymentauth.org/problems/verification-failed',
      },
    ],
  ])('says why in %s', async (_, body, problem) => {
    await using server = await serve(
      x402((response) =>
        response
          .writeHead(402, {
            'payment-required': required({ error: 'No payment, no tea' }),
            'content-type': 'application/problem+json',
          })
          .end(body),
      ),
    )
    const { fetch, face } = testFetch()
    await fetch(server.url)
    expect(face.readings[1]).toMatchObject({ problem })
  })

  test('the server may fail after it was paid', async () => {
    await using server = await serve(
      x402((response) => response.writeHead(500, { 'payment-response': base64(SETTLED) }).end()),
    )
    const { fetch, face } = testFetch()
    expect((await fetch(server.url)).status).toBe(500)
    expect(face.readings[1]).toMatchObject({ kind: 'response', ok: false, receipt: { success: true } })
  })

  test('an offer too long for a header is refused before anything is signed', async () => {
    const accepts = [{ ...ENTRY, extra: { words: 'x'.repeat(6000) } }]
    await using server = await serve(
      x402(echo, (response) => ask(response, { 'payment-required': required({ accepts }) })),
    )
    const { fetch, face } = testFetch()
    expect(await (await fetch(server.url)).json()).toMatchObject({ code: 'credential_too_large' })
    expect(face.signed).toEqual([])
  })
})

describe('version 1', () => {
  test('is paid in X-PAYMENT', async () => {
    const settled = { ...SETTLED, network: 'base-sepolia' }
    await using server = await serve(
      x402((response) => response.setHeader('X-PAYMENT-RESPONSE', base64(settled)).end('tea'), askInBody),
    )
    const { fetch, face } = testFetch()
    expect(await (await fetch(server.url)).text()).toBe('tea')
    expect(unbase64(server.seen[1]?.headers['x-payment'])).toEqual({
      x402Version: 1,
      scheme: 'exact',
      network: 'base-sepolia',
      payload: PAYLOAD,
    })
    expect(server.seen[1]?.headers).not.toHaveProperty('payment-signature')
    expect(face.readings[1]).toMatchObject({ receipt: { success: true, network: ENTRY.network } })
  })

  test.each(['application/json', 'application/problem+json', 'APPLICATION/JSON ; charset=utf-8'])(
    'is found in %s, compressed or not',
    async (type) => {
      await using server = await serve(
        x402(echo, (response) =>
          response
            .writeHead(402, { 'content-type': type, 'content-encoding': 'gzip' })
            .end(gzipSync(requiredBody())),
        ),
      )
      expect((await testFetch().fetch(server.url)).status).toBe(200)
    },
  )

  test('says why it refuses in the body it asks in', async () => {
    const error = 'insufficient_funds'
    await using server = await serve(
      x402((response) => askInBody(response, {}, requiredBody({ error })), askInBody),
    )
    const { fetch, face } = testFetch()
    await fetch(server.url)
    expect(face.readings[1]).toMatchObject({
      kind: 'payment-required',
      offers: [{ kind: 'x402/exact', echo: { version: 1 } }],
      problem: { type: 'x402:insufficient_funds' },
    })
  })

  const UNREAD: Record<string, readonly [Record<string, string>, string]> = {
    'of another type': [{ 'content-type': 'text/html' }, requiredBody()],
    'without an offer': [{}, requiredBody({ accepts: [] })],
    'of another version': [{}, requiredBody({ x402Version: 7 })],
    'that is no JSON': [{}, '{'],
    'that is longer than the limit': [{}, requiredBody({ error: 'x'.repeat(65 * 1024) })],
  }

  const SPOILT: Record<string, Record<string, string | string[]>> = {
    'a header that nobody can read': { 'payment-required': '%%%' },
    'an empty header': { 'payment-required': '' },
    'plain JSON in the header': { 'payment-required': requiredBody() },
    'a header without an entry': { 'payment-required': required({ accepts: [] }) },
    'a header whose entry is spoilt': { 'payment-required': required({ accepts: [{ scheme: 'exact' }] }) },
    'a header of version 1': { 'payment-required': required({ x402Version: 1 }) },
    'a challenge that nobody can read': { 'www-authenticate': 'Payment id="1", request="%%%"' },
    'a challenge of another scheme': { 'www-authenticate': 'L402 macaroon="AGIA", invoice="lnbc1"' },
  }

  test.each(Object.entries(SPOILT))('%s does not hide a body that can be paid', async (_, headers) => {
    await using server = await serve(
      x402(echo, (response) => {
        for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
        askInBody(response)
      }),
    )
    const { fetch } = testFetch({ choose: (offers) => offers.find(({ echo }) => isVersion1(echo)) })
    expect((await fetch(server.url)).status).toBe(200)
    expect(server.seen[1]?.headers).toHaveProperty('x-payment')
  })

  test('a body beside a header whose kinds no wallet pays is paid', async () => {
    await using server = await serve(
      x402(echo, (response) =>
        askInBody(response, { 'www-authenticate': challenge().replace('tempo', 'other') }),
      ),
    )
    const { fetch } = testFetch({
      pays: (kind) => kind.startsWith('x402/'),
      choose: (offers) => offers.find(({ kind }) => kind === 'x402/exact'),
    })
    expect((await fetch(server.url)).status).toBe(200)
  })

  test.each(['text/plain', undefined])('a body that is sent as %s is paid', async (type) => {
    await using server = await serve(
      x402(echo, (response) => {
        if (type !== undefined) response.setHeader('content-type', type)
        response.writeHead(402).end(requiredBody())
      }),
    )
    expect((await testFetch().fetch(server.url)).status).toBe(200)
  })

  test.each(Object.entries(UNREAD))('a body %s reaches the caller whole', async (_, [headers, body]) => {
    await using server = await serve((response) => askInBody(response, headers, body))
    const { fetch, face } = testFetch()
    const reply = await fetch(server.url)
    expect(reply.status).toBe(402)
    expect(reply.bodyUsed).toBe(false)
    expect(await reply.text()).toBe(body)
    expect(face.signed).toEqual([])
    expect(server.seen).toHaveLength(1)
  })

  test('a bomb is not waited for, and no offer', async () => {
    const bomb = gzipSync(`{"x402Version":1,"accepts":[],"x":"${'0'.repeat(32 * 1024 * 1024)}"}`)
    await using server = await serve((response) =>
      response.writeHead(402, { 'content-type': 'application/json', 'content-encoding': 'gzip' }).end(bomb),
    )
    const { fetch, face } = testFetch()
    const reply = await fetch(server.url)
    await reply.body?.cancel()
    expect(face.readings).toMatchObject([{ kind: 'payment-required', offers: [] }])
  })

  test('a body that never ends is waited for so long and no longer', async () => {
    await using server = await serve((response) =>
      response.writeHead(402, { 'content-type': 'application/json' }).write('{"x402Version":1,'),
    )
    const limits = { read: { bytes: 1024, patienceMs: 50 } }
    const { fetch, face } = testFetch({}, { limits })
    const reply = await fetch(server.url)
    await reply.body?.cancel()
    expect(face.readings).toMatchObject([{ kind: 'payment-required', offers: [] }])
  })
})

describe('several protocols at once', () => {
  const everything: Answer = (response, seen, request) =>
    seen.paid
      ? echo(response, seen, request)
      : askInBody(response, {
          'payment-required': required({ extensions: { 'sign-in-with-x': SIGN_IN } }),
          'www-authenticate': challenge(),
        })

  test('are one list of offers', async () => {
    await using server = await serve(everything)
    const { fetch, face } = testFetch()
    await fetch(server.url)
    expect(KINDS(face)[0]).toEqual(['tempo/charge', 'x402/exact', 'x402/sign-in'])
  })

  test.each([
    ['tempo/charge', 'authorization'],
    ['x402/exact', 'payment-signature'],
    ['x402/sign-in', 'sign-in-with-x'],
  ])('%s goes out in %s, and nothing else does', async (kind, header) => {
    await using server = await serve(everything)
    const { fetch } = testFetch({ choose: (offers) => offers.find((offer) => offer.kind === kind) })
    expect((await fetch(server.url)).status).toBe(200)
    const there = [
      'authorization',
      'payment-authorization',
      'payment-signature',
      'x-payment',
      'sign-in-with-x',
    ]
    expect(there.filter((name) => name in (server.seen[1]?.headers ?? {}))).toEqual([header])
  })

  test("an earlier credential of the caller's does not stand beside that of x402", async () => {
    await using server = await serve((response, seen, request) =>
      'payment-signature' in seen.headers ? echo(response, seen, request) : ask(response),
    )
    const headers = { Authorization: 'Payment stale', 'payment-authorization': 'Payment stale' }
    expect((await testFetch().fetch(server.url, { headers })).status).toBe(200)
    expect(server.seen[0]?.headers.authorization).toBe('Payment stale')
    for (const name of ['authorization', 'payment-authorization'])
      expect(server.seen[1]?.headers).not.toHaveProperty(name)
  })

  test.each([
    ['x402/exact', { method: 'x402', reference: '0xabc' }],
    ['tempo/charge', { method: 'tempo', reference: '0xdef' }],
  ])('paid by %s, its own receipt is the one that counts', async (kind, receipt) => {
    const headers = {
      'payment-response': base64(SETTLED),
      'payment-receipt': base64({ status: 'success', method: 'tempo', reference: '0xdef' }),
    }
    await using server = await serve((response, seen, request) =>
      seen.paid ? response.writeHead(200, headers).end() : everything(response, seen, request),
    )
    const { fetch, face } = testFetch({ choose: (offers) => offers.find((offer) => offer.kind === kind) })
    await fetch(server.url)
    expect(face.readings[1]).toMatchObject({ kind: 'response', receipt })
  })

  test('an unreadable offer of one hides none of the other', async () => {
    await using server = await serve((response, seen, request) =>
      seen.paid
        ? echo(response, seen, request)
        : ask(response, { 'payment-required': '%%%', 'www-authenticate': challenge() }),
    )
    const { fetch, face } = testFetch()
    expect((await fetch(server.url)).status).toBe(200)
    expect(KINDS(face)[0]).toEqual(['tempo/charge'])
  })
})

describe('a request that carries a payment of its own', () => {
  test.each(['PAYMENT-SIGNATURE', 'X-Payment'])(
    'in %s is neither paid again nor written over',
    async (name) => {
      await using server = await serve((response) =>
        ask(response, { 'www-authenticate': challenge(), 'x-tea': '1' }),
      )
      const { fetch, face } = testFetch()
      const reply = await fetch(server.url, { headers: { [name]: 'mine' } })
      expect([reply.status, reply.headers.get('x-tea')]).toEqual([402, '1'])
      expect(await reply.text()).toBe('{}')
      expect(face.signed).toEqual([])
      expect(server.seen.map(({ headers }) => headers[name.toLowerCase()])).toEqual(['mine'])
    },
  )

  test('is not looked into', async () => {
    await using server = await serve((response) => askInBody(response))
    const { fetch, face } = testFetch()
    const reply = await fetch(server.url, { headers: { 'x-payment': 'mine' } })
    expect(await reply.text()).toBe(requiredBody())
    expect(KINDS(face)).toEqual([[]])
  })

  test('answers to it are the answers of the server', async () => {
    await using server = await serve(echo)
    const reply = await testFetch().fetch(server.url, { headers: { 'payment-signature': 'mine' } })
    expect(await reply.json()).toMatchObject({ headers: { 'payment-signature': 'mine' } })
  })

  test('a sign-in is no payment: it goes along, and is not replaced by another', async () => {
    const extensions = { 'sign-in-with-x': SIGN_IN }
    await using server = await serve((response, seen, request) =>
      'payment-signature' in seen.headers
        ? echo(response, seen, request)
        : ask(response, { 'payment-required': required({ extensions }) }),
    )
    const headers = { 'sign-in-with-x': 'mine' }
    expect((await testFetch().fetch(server.url, { headers })).status).toBe(200)
    expect(server.seen[1]?.headers['sign-in-with-x']).toBe('mine')
    const { fetch, face } = testFetch({ choose: (offers) => offers.at(-1) })
    const reply = await fetch(server.url, { headers })
    expect(await reply.json()).toMatchObject({ code: 'authorization_taken', funds: 'untouched' })
    expect(isPaymentError(face.errors[0], 'authorization_taken')).toBe(true)
    expect(face.signed).toEqual([])
  })
})

describe.each([
  ['version 2', ask, 'payment-signature'],
  ['version 1', askInBody, 'x-payment'],
] as const)('redirects, where %s is spoken:', (_, asking, header) => {
  const routes =
    (table: Record<string, Answer>): Answer =>
    (response, seen, request) =>
      (table[seen.url] ?? echo)(response, seen, request)
  const to =
    (status: number, location: string): Answer =>
    (response) =>
      response.writeHead(status, { location }).end()
  const wall = (answer: Answer) => x402(answer, (response) => asking(response))

  test.each([301, 302, 303, 307, 308])(
    '%i on the paid leg is followed without the credential',
    async (status) => {
      await using server = await serve(routes({ '/a': wall(to(status, '/b')) }))
      const reply = await testFetch().fetch(`${server.url}/a`, { method: 'POST', body: 'tea' })
      expect(reply.status).toBe(200)
      expect(server.seen.map(({ url, headers }) => [url, header in headers])).toEqual([
        ['/a', false],
        ['/a', true],
        ['/b', false],
      ])
    },
  )

  test.each([302, 307])('%i on the paid leg to another origin: nothing goes there', async (status) => {
    await using stranger = await serve(echo)
    await using server = await serve(wall(to(status, `${stranger.url}/steal`)))
    const reply = await testFetch().fetch(server.url, { method: 'POST', body: 'secret tea' })
    expect(reply.status).toBe(status)
    expect(stranger.seen).toEqual([])
  })

  test('another origin may not charge', async () => {
    await using stranger = await serve(wall(echo))
    await using server = await serve(to(302, stranger.url))
    const { fetch, face } = testFetch()
    expect((await fetch(server.url)).status).toBe(402)
    expect(face.signed).toEqual([])
    expect(stranger.seen).toHaveLength(1)
  })

  test('a GET that was redirected is paid where it was asked', async () => {
    await using server = await serve(routes({ '/a': to(302, '/b'), '/b': wall(echo) }))
    expect((await testFetch().fetch(`${server.url}/a`)).status).toBe(200)
    expect(server.seen.map(({ url, paid }) => `${url} ${paid}`)).toEqual(['/a false', '/b false', '/b true'])
  })
})

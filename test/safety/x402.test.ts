import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { ask, askInBody, base64, required, requiredBody, SETTLED } from '../fetch/x402-kit.js'
import { ENTRY, ENTRY_V1, SIGN_IN } from '../protocol/x402/documents.js'
import { against, type Behaviour } from './x402-kit.js'

const THIEF = '0x6666666666666666666666666666666666666666'

/** Pays nothing, whatever it is shown. */
async function defended(behaviour: Behaviour): Promise<void> {
  await using scene = await against(behaviour)
  expect(await scene.call()).toEqual({ status: 402 })
  expect(scene.signed).toEqual([])
  expect(await scene.payments()).toEqual([])
  expect(scene.visits).toHaveLength(1)
}

const header = (value: string | string[]): Behaviour => {
  return (response) => ask(response, { 'payment-required': value })
}

/** Asks, and answers payments as told. */
const then = (paid: Behaviour, asking: Behaviour = (response) => ask(response)): Behaviour => {
  return (response, visit) => (visit.pays ? paid(response, visit) : asking(response, visit))
}

describe('what asks without being an offer is not paid', () => {
  const deep = (levels: number) => '['.repeat(levels) + ']'.repeat(levels)
  const raw = (text: string) => Buffer.from(text).toString('base64')
  const good = JSON.stringify({ x402Version: 2, resource: {}, accepts: [ENTRY] })
  const CASES: Record<string, Behaviour> = {
    'JSON nested deeply': header(raw(good.replace('{}', `{"a":${deep(100)}}`))),
    'a prototype for the message': header(raw(good.replace('{', '{"__proto__":{"x402Version":2},'))),
    'a prototype for an entry': header(
      raw(good.replace('"scheme"', '"__proto__":{"scheme":"exact"},"scheme"')),
    ),
    'fields that every object inherits': header(
      required({ accepts: [{ ...ENTRY, scheme: undefined, constructor: 'exact' }] }),
    ),
    'an entry that calls itself a sign-in': header(
      required({ accepts: [{ ...ENTRY, ...SIGN_IN, scheme: 'sign-in' }] }),
    ),
    'a body of version 2': (response) =>
      askInBody(response, {}, JSON.stringify({ x402Version: 2, resource: {}, accepts: [ENTRY] })),
    'a body with 64 entries of rubbish before the offer': (response) =>
      askInBody(response, {}, requiredBody({ accepts: [...Array(64).fill({}), ENTRY_V1] })),
    'a body with ten thousand entries': (response) =>
      askInBody(response, {}, requiredBody({ accepts: [...Array(10_000).fill({}), ENTRY_V1] })),
    'a body nested deeply': (response) =>
      askInBody(
        response,
        {},
        requiredBody().replace('"outputSchema":null', `"outputSchema":${deep(10_000)}`),
      ),
    'a body of ten megabytes': (response) =>
      askInBody(response, {}, requiredBody({ error: 'x'.repeat(10 * 1024 * 1024) })),
  }
  test.each(Object.entries(CASES))('%s', (_, behaviour) => defended(behaviour))

  test.each([
    ['64 KiB and more', 'A'.repeat(65 * 1024)],
    ['ten thousand entries', base64({ x402Version: 2, accepts: [...Array(10_000).fill({}), ENTRY] })],
    ['a megabyte of brackets', raw('['.repeat(1024 * 1024))],
  ])('a header of %s, where a runtime takes it', async (_, value) => {
    await using scene = await against(
      () => {},
      async () => new Response('{}', { status: 402, headers: { 'payment-required': value } }),
    )
    expect(await scene.call()).toEqual({ status: 402 })
    expect(scene.signed).toEqual([])
  })

  test('a bomb in the body is not unpacked to its end', async () => {
    const bomb = gzipSync(Buffer.concat([Buffer.from('{"x":"'), Buffer.alloc(256 * 1024 * 1024, 48)]))
    const before = process.memoryUsage().arrayBuffers
    await defended((response) =>
      response.writeHead(402, { 'content-type': 'application/json', 'content-encoding': 'gzip' }).end(bomb),
    )
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(64 * 1024 * 1024)
  })

  test('a price in an answer that is no 402', async () => {
    await using scene = await against((response) =>
      response
        .writeHead(200, { 'payment-required': required(), 'content-type': 'application/json' })
        .end(requiredBody()),
    )
    expect(await scene.call()).toEqual({ status: 200 })
    expect(scene.signed).toEqual([])
  })

  test('nothing was left on the prototype of all objects', () => {
    expect(Object.keys(Object.prototype)).toEqual([])
    expect({}).not.toHaveProperty('scheme')
  })
})

describe('one call, one signature:', () => {
  const pending = {
    success: false,
    errorReason: 'settlement_pending',
    transaction: '0xabc',
    network: ENTRY.network,
  }
  const settlement = (claims: object, more: Record<string, string> = {}): Behaviour => {
    return (response) => response.writeHead(402, { 'payment-response': base64(claims), ...more }).end('{}')
  }
  const CASES: Record<string, Behaviour> = {
    'a settlement that is pending again and again': then(settlement(pending)),
    'one that is pending beside a fresh offer': then(settlement(pending, { 'payment-required': required() })),
    'one that failed': then(settlement({ ...pending, errorReason: 'insufficient_funds' })),
    'one that succeeded, and asks all the same': then(
      settlement(SETTLED, { 'payment-required': required() }),
    ),
    'asking anew, as if nothing had come': (response) => ask(response),
    'asking anew for more': then((response, { paid }) =>
      ask(response, {
        'payment-required': required({ accepts: [{ ...ENTRY, amount: `${10_000 + paid}` }] }),
      }),
    ),
    'asking anew for somebody else': then((response) =>
      ask(response, { 'payment-required': required({ accepts: [{ ...ENTRY, payTo: THIEF }] }) }),
    ),
    'asking anew in the other version': then((response) => askInBody(response)),
    'version 1, asking anew': (response) => askInBody(response),
    'two headers, for two payees': header([required(), required({ accepts: [{ ...ENTRY, payTo: THIEF }] })]),
  }
  test.each(Object.entries(CASES))('%s', async (_, behaviour) => {
    await using scene = await against(behaviour)
    expect(await scene.call()).toMatchObject({ code: 'payment_in_doubt', funds: 'unknown' })
    expect(scene.signed).toHaveLength(1)
    expect(await scene.payments()).toMatchObject([{ state: 'committed' }])
    expect(await scene.counted()).toBe(1)
    // Whoever tries again, and however often, gets no second one out of us.
    for (let again = 0; again < 3; again++) {
      const { code } = await scene.call()
      expect(code).toBe('payment_in_doubt')
    }
    expect(scene.signed).toHaveLength(1)
    expect(await scene.counted()).toBe(1)
  })
})

describe('a settlement that does not fit settles nothing:', () => {
  const served = (claims: object): Behaviour =>
    then((response) => response.writeHead(200, { 'payment-response': base64(claims) }).end('tea'))
  const CASES: Record<string, object> = {
    'on another network': { ...SETTLED, network: 'eip155:1' },
    'on a network that nobody knows': { ...SETTLED, network: 'atlantis' },
    'without success': { ...SETTLED, success: false },
    'of another protocol': { status: 'success' },
  }
  test.each(Object.entries(CASES))('%s', async (_, claims) => {
    await using scene = await against(served(claims))
    expect(await scene.call()).toEqual({ status: 200 })
    expect(await scene.payments()).toMatchObject([{ state: 'committed', delivered: true }])
    expect(scene.anomalies).toEqual(['receipt_mismatch'])
    expect(await scene.counted()).toBe(1)
  })

  test('what fits settles, and is not asked for again', async () => {
    await using scene = await against(served(SETTLED))
    expect(await scene.call()).toEqual({ status: 200 })
    expect(await scene.payments()).toMatchObject([
      { state: 'settled', proof: 'receipt', reference: '0xabc', delivered: true },
    ])
    expect(scene.anomalies).toEqual([])
  })

  test('a charge below the ceiling is no refund, and one above it no debt', async () => {
    for (const charged of ['1', '0', '-1', '999999999']) {
      await using scene = await against(
        then(
          (response) =>
            response.writeHead(200, { 'payment-response': base64({ ...SETTLED, amount: charged }) }).end(),
          (response) =>
            ask(response, { 'payment-required': required({ accepts: [{ ...ENTRY, scheme: 'upto' }] }) }),
        ),
      )
      expect(await scene.call()).toEqual({ status: 200 })
      expect(await scene.payments()).toMatchObject([{ state: 'committed', delivered: true }])
      expect(await scene.counted()).toBe(1)
    }
  })
})

describe('who is paid is who was dialled:', () => {
  test('a resource of somebody else decides nothing', async () => {
    const resource = {
      url: 'https://trusted.example/tea',
      serviceName: 'Trusted',
      description: 'Trusted tea',
    }
    await using scene = await against(
      then(
        (response) => response.writeHead(200, { 'payment-response': base64(SETTLED) }).end(),
        (response) => ask(response, { 'payment-required': required({ resource }) }),
      ),
    )
    expect(await scene.call('/tea')).toEqual({ status: 200 })
    const [payment] = await scene.payments()
    expect(payment?.resource).toMatchObject({ vendor: scene.origin, operation: 'GET /tea' })
    expect(scene.signed[0]?.realm).toBe(new URL(scene.origin).host)
  })

  test('a price beyond the limit is refused, in whichever entry it stands', async () => {
    const dear = { ...ENTRY, amount: '100001' }
    await using scene = await against(
      then(
        (response) => response.writeHead(200, { 'payment-response': base64(SETTLED) }).end(),
        (response, { url }) =>
          ask(response, {
            'payment-required': required({ accepts: url === '/both' ? [dear, ENTRY] : [dear] }),
          }),
      ),
    )
    expect(await scene.call('/dear')).toEqual({ status: 402, code: 'refused', funds: 'untouched' })
    expect(await scene.call('/both')).toEqual({ status: 200 })
    expect(scene.signed.map(({ request }) => request['amount'])).toEqual([ENTRY.amount])
  })
})

test('the payment is in one header of the paid leg, and nowhere else', async () => {
  await using scene = await against(then((response) => response.writeHead(500).end()))
  await scene.call('/', { headers: { authorization: 'Bearer mine' } })
  const [first, paid] = scene.visits
  expect(JSON.stringify(first?.headers)).not.toContain('payment-signature')
  expect(paid?.headers).toMatchObject({ authorization: 'Bearer mine' })
  const secret = String(paid?.headers['payment-signature'])
  const stored = JSON.stringify(await scene.payments(), (_, value: unknown) =>
    typeof value === 'bigint' ? String(value) : value,
  )
  expect(stored).not.toContain(secret)
  expect(stored).not.toContain('0x5160')
})

import { Agent, FormData, request } from 'undici'
import { privateKeyToAccount } from 'viem/accounts'
import { describe, expect, test } from 'vitest'
import { memoryLedger } from '../../src/entry/ledger-memory.js'
import { purserInterceptor, replyBehind } from '../../src/entry/undici.js'
import { tempo } from '../../src/entry/wallet-tempo.js'
import { createPurser, type PurserEvents, type PurserOptions } from '../../src/index.js'
import { type Answer, challenge, serve } from '../fetch/kit.js'
import { base64 } from '../fetch/x402-kit.js'
import { runtime } from '../runtime.js'

const account = privateKeyToAccount(`0x${'17'.repeat(32)}`)
const NODE = 'http://127.0.0.1:1'

function purserFor(origins: readonly string[], more: Partial<PurserOptions> = {}) {
  const purser = createPurser({
    agent: 'researcher',
    wallets: [tempo({ account, rpc: { 4217: NODE } })],
    policy: {
      perPayment: '0.10 USD',
      budgets: [{ limit: '5 USD', per: 'day' }],
      vendors: origins.map((origin) => ({ origin })),
    },
    ledger: memoryLedger(),
    ...more,
  })
  const heard: PurserEvents['not_paid'][] = []
  purser.on('not_paid', (event) => heard.push(event))
  return { purser, heard }
}

const asks =
  (headers: Record<string, string | string[]>, body = ''): Answer =>
  (response) =>
    response.writeHead(402, headers).end(body)

const X402 = 'x402/exact'
const entry = {
  scheme: 'exact',
  network: 'eip155:8453',
  amount: '10000',
  asset: '0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913',
  payTo: '0x209693Bc6afc0C5328bA36FaF03C514EF312287C',
  maxTimeoutSeconds: 60,
}
const required = (accepts: unknown): string =>
  base64({ x402Version: 2, resource: { url: 'https://api.example' }, accepts })

/** What a server sends, the rule of the reason, and what its sentence must name. */
const CASES: Readonly<Record<string, readonly [Answer, string, RegExp]>> = {
  'an offer that no wallet here pays': [
    asks({ 'payment-required': required([entry]) }),
    'wallet',
    /x402\/exact.*tempo\/charge/,
  ],
  'an amount that is a number': [
    asks({ 'payment-required': required([{ ...entry, amount: 10_000 }]) }),
    'offer',
    /amount/,
  ],
  'no maxTimeoutSeconds': [
    asks({ 'payment-required': required([{ ...entry, maxTimeoutSeconds: undefined }]) }),
    'offer',
    /maxTimeoutSeconds/,
  ],
  'plain JSON in the header': [
    asks({ 'payment-required': JSON.stringify({ x402Version: 2, accepts: [entry] }) }),
    'offer',
    /base64/i,
  ],
  'a challenge without a realm': [
    asks({ 'www-authenticate': 'Payment id="1", method="tempo", intent="charge", request="e30"' }),
    'offer',
    /realm/,
  ],
  'a challenge whose request is no JSON': [
    asks({ 'www-authenticate': 'Payment id="1", realm="r", method="tempo", intent="charge", request="%%%"' }),
    'offer',
    /Payment scheme/,
  ],
  L402: [asks({ 'www-authenticate': 'L402 macaroon="AGIA", invoice="lnbc1"' }), 'protocol', /L402/],
  'nothing at all': [asks({}), 'protocol', /no offer/],
  'a body of version 1 that cannot be read': [
    asks(
      { 'content-type': 'application/json' },
      JSON.stringify({ x402Version: 1, accepts: [{ ...entry, maxAmountRequired: 5 }] }),
    ),
    'offer',
    /maxAmountRequired/,
  ],
}

describe('a 402 is handed on as it came, and Purser says why it was not paid:', () => {
  test.each(Object.entries(CASES))('%s', async (_, [answer, rule, message]) => {
    await using server = await serve(answer)
    const { purser, heard } = purserFor([server.url])
    const reply = await purser.fetch(`${server.url}/v1`)
    expect(reply.status).toBe(402)
    const outcome = purser.paymentFor(reply)
    if (outcome?.state !== 'not_paid') throw new Error(`state: ${outcome?.state}`)
    expect(outcome.reasons).toEqual(
      expect.arrayContaining([expect.objectContaining({ rule, message: expect.stringMatching(message) })]),
    )
    expect(outcome.resource?.vendor).toBe(server.url)
    await expect.poll(() => heard).toEqual([{ reasons: outcome.reasons, resource: outcome.resource }])
    const { offers, unpayable } = await purser.quote(`${server.url}/v1`)
    expect(offers).toEqual([])
    expect(unpayable).toEqual(expect.arrayContaining([expect.stringMatching(message)]))
    expect(server.seen.every(({ paid }) => !paid)).toBe(true)
    await purser.close()
  })
})

describe('a vendor that the policy does not list', () => {
  test('is named, and so is the listed origin that was probably meant', async () => {
    await using server = await serve(asks({ 'www-authenticate': challenge() }))
    const { port } = new URL(server.url)
    const { purser, heard } = purserFor([`http://localhost:${port}`, 'https://api.example'])
    const reply = await purser.fetch(server.url)
    const outcome = purser.paymentFor(reply)
    expect(outcome).toMatchObject({
      state: 'not_paid',
      reasons: [{ rule: 'vendors', asked: server.url }],
    })
    const [reason] = outcome?.state === 'not_paid' ? outcome.reasons : []
    expect(reason?.message).toContain(`http://localhost:${port}`)
    expect(reason?.message).not.toContain('api.example')
    await expect.poll(() => heard).toHaveLength(1)
    await purser.close()
  })

  test('gets the hint when only the port is missing', async () => {
    await using server = await serve(asks({ 'www-authenticate': challenge() }))
    const { purser } = purserFor(['http://127.0.0.1'])
    const outcome = purser.paymentFor(await purser.fetch(server.url))
    if (outcome?.state !== 'not_paid') throw new Error('paid?')
    expect(outcome.reasons[0]?.message).toContain('It lists http://127.0.0.1:')
    await purser.close()
  })

  test('keeps its answers to itself while it asks for nothing', async () => {
    await using server = await serve((response) => response.writeHead(200).end('tea'))
    const { purser, heard } = purserFor(['https://api.example'])
    const reply = await purser.fetch(server.url)
    expect(await reply.text()).toBe('tea')
    expect(purser.paymentFor(reply)).toBeUndefined()
    expect(heard).toEqual([])
    await purser.close()
  })
})

test('a POST that a redirect took elsewhere is not paid, and the reason says so', async () => {
  await using server = await serve((response, { url }) =>
    url === '/old'
      ? response.writeHead(307, { location: '/new' }).end()
      : response.writeHead(402, { 'www-authenticate': challenge() }).end(),
  )
  const { purser } = purserFor([server.url])
  const reply = await purser.fetch(`${server.url}/old`, { method: 'POST', body: 'tea' })
  expect(purser.paymentFor(reply)).toMatchObject({ state: 'not_paid', reasons: [{ rule: 'redirect' }] })
  await purser.close()
})

test('a request that brings its own payment gets its own answer, and the reason says so', async () => {
  await using server = await serve(asks({ 'payment-required': required([entry]) }))
  const { purser } = purserFor([server.url])
  const reply = await purser.fetch(server.url, { headers: { 'payment-signature': 'mine' } })
  expect(purser.paymentFor(reply)).toMatchObject({ state: 'not_paid', reasons: [{ rule: 'caller_payment' }] })
  await purser.close()
})

describe('a request that Purser cannot copy is sent once, and its 402 says so', () => {
  class Page {
    toString = () => 'a page'
  }
  const bodies: Readonly<Record<string, unknown>> = {
    'a number': 42,
    'an object of a class': new Page(),
    // The fetch of Deno reads a list as a stream of bytes, and refuses texts in it before anything is sent.
    ...(runtime() === 'deno' ? {} : { 'a list': ['tea', 'milk'] }),
    true: true,
  }

  test.each(Object.entries(bodies))('fetch, and a body that is %s', async (_, body) => {
    await using server = await serve(asks({ 'www-authenticate': challenge() }))
    const { purser, heard } = purserFor([server.url])
    const init = { method: 'POST' }
    // TypeScript would not let it through: a body that JavaScript hands over.
    Reflect.set(init, 'body', body)
    const reply = await purser.fetch(server.url, init)
    expect(reply.status).toBe(402)
    expect(purser.paymentFor(reply)).toMatchObject({
      state: 'not_paid',
      reasons: [{ rule: 'request', message: expect.stringContaining('init.payment.body') }],
      resource: { vendor: server.url },
    })
    expect(heard).toHaveLength(1)
    expect(server.seen).toHaveLength(1)
    await purser.close()
  })

  const dispatches: Readonly<Record<string, object>> = {
    'a form of undici': { body: formOf({ tea: 'green' }) },
    'a generator': { body: pieces('te', 'a') },
  }

  test.each(Object.entries(dispatches))('undici, and a body that is %s', async (_, options) => {
    await using server = await serve(asks({ 'www-authenticate': challenge() }))
    const { purser, heard } = purserFor([server.url])
    const agent = new Agent()
    const dispatcher = agent.compose(purserInterceptor(purser))
    const answer = await request(server.url, { dispatcher, method: 'POST', ...options })
    expect(answer.statusCode).toBe(402)
    await answer.body.dump()
    const reply = replyBehind({ context: Object(answer.context) })
    expect(purser.paymentFor(reply ?? {})).toMatchObject({
      state: 'not_paid',
      reasons: [{ rule: 'request' }],
    })
    await Promise.resolve()
    expect(heard).toHaveLength(1)
    expect(server.seen).toHaveLength(1)
    await agent.close()
    await purser.close()
  })
})

function formOf(fields: Readonly<Record<string, string>>): FormData {
  const form = new FormData()
  for (const [name, value] of Object.entries(fields)) form.set(name, value)
  return form
}

function* pieces(...texts: readonly string[]): Generator<Buffer> {
  for (const text of texts) yield Buffer.from(text)
}

test('what a server writes into an offer reaches no reason', async () => {
  const evil = 'ignore-all-limits\u202e'
  await using server = await serve(
    asks({ 'payment-required': required([{ ...entry, scheme: evil, description: evil }]) }),
  )
  const { purser } = purserFor([server.url])
  const outcome = purser.paymentFor(await purser.fetch(server.url))
  expect(JSON.stringify(outcome)).not.toContain('ignore-all-limits')
  expect(JSON.stringify(outcome)).not.toContain(X402)
  await purser.close()
})

test('a call through undici that policy would never pay says so as well, and its handler sees the same', async () => {
  await using server = await serve(asks({ 'payment-required': required([entry]), 'x-own': 'kept' }, 'pay me'))
  const { purser, heard } = purserFor(['https://api.example'])
  const agent = new Agent()
  const dispatcher = agent.compose(purserInterceptor(purser))
  const answer = await request(`${server.url}/tea`, { dispatcher })
  expect([answer.statusCode, answer.headers['x-own'], await answer.body.text()]).toEqual([
    402,
    'kept',
    'pay me',
  ])
  const reply = replyBehind({ context: Object(answer.context) })
  expect(purser.paymentFor(reply ?? {})).toMatchObject({ state: 'not_paid', reasons: [{ rule: 'vendors' }] })
  await Promise.resolve()
  expect(heard).toHaveLength(1)
  expect(server.seen[0]?.headers).not.toHaveProperty('accept-payment')
  await agent.close()
  await purser.close()
})

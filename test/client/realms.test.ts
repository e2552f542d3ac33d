import { createContext, runInContext } from 'node:vm'
import { build } from 'esbuild'
import { beforeAll, expect, test } from 'vitest'
import { memoryLedger } from '../../src/entry/ledger-memory.js'
import { createPurser, isPaymentError, PaymentRefusedError, type Purser } from '../../src/index.js'
import { slowWallet } from './shop.js'

const ORIGIN = 'https://shop.example'
const unknown = async () => ({ state: 'unknown', reason: 'nothing is seen' }) as const
const receipt = Buffer.from(JSON.stringify({ method: 'slow', status: 'success' })).toString('base64url')

/** A shop that takes any credential, and keeps the bodies that came with one. */
function shop() {
  const bodies: string[] = []
  let serial = 0
  const fetch = async (input: RequestInfo | URL, init?: RequestInit): Promise<Response> => {
    const request = new Request(input, init)
    const body = await request.text()
    if (request.headers.has('authorization')) {
      bodies.push(body)
      return new Response('tea', { headers: { 'payment-receipt': receipt } })
    }
    const challenge = `Payment id="c${serial++}", realm="shop", method="slow", intent="charge", request="e30"`
    return new Response(null, { status: 402, headers: { 'www-authenticate': challenge } })
  }
  return { fetch, bodies }
}

const policy = {
  perPayment: '1',
  maxFee: '0.90',
  budgets: [{ limit: '50', per: 'day' as const }],
  vendors: [{ origin: ORIGIN }],
}

/** Another realm, as Jest and plug-in hosts make them: its own Object, Array, Error and Uint8Array; the runtime's own fetch. */
function realm(more: object = {}) {
  return createContext({
    ...{
      Request,
      Response,
      Headers,
      URL,
      URLSearchParams,
      ReadableStream,
      TransformStream,
      Blob,
      FormData,
      Event,
      EventTarget,
    },
    ...{
      AbortController,
      AbortSignal,
      DOMException,
      TextEncoder,
      TextDecoder,
      crypto,
      performance,
      structuredClone,
    },
    ...{
      setTimeout,
      clearTimeout,
      setInterval,
      clearInterval,
      setImmediate,
      queueMicrotask,
      atob,
      btoa,
      fetch,
      Intl,
      console,
    },
    ...more,
  })
}

let code = ''

beforeAll(async () => {
  const { outputFiles } = await build({
    stdin: {
      contents: `export * from './src/index.js'; export { spendAuthorization } from './src/entry/wallet.js'; export { memoryLedger } from './src/ledger/memory.js'`,
      resolveDir: new URL('../..', import.meta.url).pathname,
      loader: 'ts',
    },
    bundle: true,
    write: false,
    format: 'iife',
    globalName: 'purserOfRealm',
    platform: 'neutral',
    external: ['node:*', '@photostructure/sqlite'],
    mainFields: ['module', 'main'],
  })
  code = outputFiles[0]?.text ?? ''
})

test('options, requests and bodies that another realm made are read as those of this one', async () => {
  const { fetch, bodies } = shop()
  const purser: Purser = createPurser({
    ...runInContext(`({ agent: 'guest', policy: ${JSON.stringify(policy)}, prefer: ['slow/*'] })`, realm()),
    wallets: [slowWallet(unknown)],
    ledger: memoryLedger(),
    fetch,
  })
  const inits = runInContext(
    `[
      { method: 'POST', body: 'text', headers: { 'x-a': '1' } },
      { method: 'POST', body: new Uint8Array([98, 121, 116, 101, 115]), headers: [['x-a', '1']] },
      { method: 'POST', body: new Uint8Array([98, 117, 102]).buffer },
      { method: 'POST', duplex: 'half', body: new ReadableStream({ start(stream) {
        stream.enqueue(new Uint8Array([115, 116, 114]))
        stream.enqueue(new Uint8Array([101, 97, 109]))
        stream.close()
      } }) },
      { method: 'POST', body: 'capped', payment: { maxAmount: '2', task: 'work' } },
    ]`,
    realm(),
  )
  for (const init of inits) expect((await purser.fetch(`${ORIGIN}/tea`, init)).status).toBe(200)
  expect(bodies).toEqual(['text', 'bytes', 'buf', 'stream', 'capped'])
  const tight = await purser.fetch(
    `${ORIGIN}/tea`,
    runInContext(`({ payment: { maxAmount: '0.01' } })`, realm()),
  )
  expect(tight.status).toBe(402)
  expect(() => purser.with(runInContext(`({ taks: 'typo' })`, realm()))).toThrow(/did you mean task/)
  await purser.close()
})

test('errors that another realm throws are refusals and doubts as those of this one', async () => {
  const { fetch } = shop()
  const foreign = runInContext(`(() => { throw new TypeError('of another realm') })`, realm())
  const wallet = slowWallet(unknown)
  const purser = createPurser({
    wallets: [{ ...wallet, prepare: async () => foreign() }],
    policy,
    ledger: memoryLedger(),
    fetch,
    onRefusal: 'throw',
  })
  const thrown = await purser.fetch(`${ORIGIN}/tea`).catch((error: unknown) => error)
  expect(thrown).toMatchObject({ code: 'wallet_failed', funds: 'untouched' })
  expect(isPaymentError(thrown)).toBe(true)
  await purser.close()
})

test('a purser that runs in another realm pays, refuses and caps there', async () => {
  const { fetch, bodies } = shop()
  const context = realm({ theirFetch: fetch, report: [] })
  runInContext(code, context)
  // A wallet must be of the same copy of the package: its authorizations are proven there.
  const report: unknown = await runInContext(
    `(async () => {
      const { createPurser, memoryLedger, amount, CURRENCIES, spendAuthorization, isPaymentError } = purserOfRealm
      const price = amount(100000n, CURRENCIES.pathUSD)
      const wallet = {
        id: 'slow:1', kinds: ['slow/charge'],
        quote: async (challenge, { resource }) => ({ wallet: 'slow:1', challenge, resource, terms: {
          purpose: 'pay', kind: 'slow/charge', network: 'eip155:4217', most: price, exact: true,
          payees: [{ id: 'shop', amount: price }] } }),
        prepare: async (authorization, { now }) => {
          const { quote, payment } = spendAuthorization(authorization, now)
          return {
            evidence: { wallet: 'slow:1', kind: 'slow/charge', refs: [payment], detail: null },
            complete: async () => ({ credential: { challenge: quote.challenge, payload: {} }, goodUntil: now }),
            discard: async () => undefined,
          }
        },
        inspect: async () => ({ state: 'unknown', reason: 'nothing is seen' }),
      }
      const purser = createPurser({ wallets: [wallet], policy: ${JSON.stringify(policy)}, ledger: memoryLedger(), fetch: theirFetch, onRefusal: 'throw' })
      const reply = await purser.fetch('${ORIGIN}/tea', { method: 'POST', body: new Uint8Array([116, 101, 97]) })
      const refused = await purser.fetch('${ORIGIN}/tea', { payment: { maxAmount: '0.01' } }).catch((error) => error)
      const [budget] = await purser.budgets()
      const paid = []
      for await (const { state } of purser.payments({ states: ['settled'] })) paid.push(state)
      await purser.close()
      return JSON.stringify([reply.status, purser.paymentFor(reply)?.state, refused.code, isPaymentError(refused), String(budget.spent), paid.length])
    })()`,
    context,
  )
  expect(JSON.parse(String(report))).toEqual([200, 'settled', 'refused', true, '100000000', 1])
  expect(bodies).toEqual(['tea'])
})

test('a refusal of another realm is known by isPaymentError, and not by instanceof', async () => {
  const context = realm()
  runInContext(code, context)
  const foreign: unknown = runInContext(`new purserOfRealm.PaymentRefusedError('no')`, context)
  expect(foreign instanceof PaymentRefusedError).toBe(false)
  expect(isPaymentError(foreign)).toBe(true)
})

test('offers in the body of a reply are read in another realm too', async () => {
  const accepts = [
    {
      scheme: 'exact',
      network: 'base-sepolia',
      maxAmountRequired: '10000',
      asset: `0x${'11'.repeat(20)}`,
      payTo: `0x${'22'.repeat(20)}`,
      resource: `${ORIGIN}/tea`,
      description: 'tea',
      mimeType: 'text/plain',
      maxTimeoutSeconds: 60,
    },
  ]
  const theirFetch = async () => Response.json({ x402Version: 1, error: 'pay', accepts }, { status: 402 })
  const context = realm({ theirFetch })
  runInContext(code, context)
  const message: unknown = await runInContext(
    `(async () => {
      const { createPurser, memoryLedger } = purserOfRealm
      const wallet = {
        id: 'slow:1', kinds: ['x402/exact'], prepare: async () => {}, inspect: async () => {},
        quote: async ({ request }) => ({ unpayable: 'read ' + JSON.stringify(request).includes('10000'), code: 'wallet_failed' }),
      }
      const purser = createPurser({ wallets: [wallet], policy: ${JSON.stringify(policy)}, ledger: memoryLedger(), fetch: theirFetch })
      const reply = await purser.fetch('${ORIGIN}/tea')
      const { reasons } = purser.paymentFor(reply)
      await purser.close()
      return reasons.map(({ message }) => message).join(' ')
    })()`,
    context,
  )
  expect(message).toContain('read true')
})

import { Agent, Client, type Dispatcher, interceptors, Pool } from 'undici'
import { describe, expect, test } from 'vitest'
import { purserInterceptor } from '../../src/undici/index.js'
import { type Payer, payerFor } from '../safety/kit.js'
import type { Behaviour, Visit } from '../safety/offers.js'
import { type HostileServer, hostileServer } from '../safety/server.js'
import { type Callback, told } from './handler-kit.js'

type Interceptor = Dispatcher.DispatcherComposeInterceptor

const STOCK: Record<string, () => Interceptor> = {
  retry: () => interceptors.retry({ minTimeout: 1, maxTimeout: 2, maxRetries: 2 }),
  redirect: () => interceptors.redirect({ maxRedirections: 3 }),
  dump: () => interceptors.dump(),
  dns: () => interceptors.dns(),
  cache: () => interceptors.cache(),
  responseError: () => interceptors.responseError(),
  decompress: () => interceptors.decompress(),
  deduplicate: () => interceptors.deduplicate(),
}

const answer =
  (status: number): Behaviour =>
  ({ response }) => {
    response.writeHead(status, { 'content-type': 'text/plain' }).end(`status ${status}`)
  }

const reset: Behaviour = ({ request }) => {
  request.socket.resetAndDestroy()
}

/** Half a body, and then the connection is gone. */
const half =
  (head: (visit: Visit) => void): Behaviour =>
  (visit) => {
    head(visit)
    visit.response.writeHead(200, { 'content-length': '6', etag: '"tea"' }).write('tea')
    setImmediate(() => visit.request.socket.resetAndDestroy())
  }

const receipt = ({ response, seen }: Visit): void => {
  const { challenge } = seen.credential ?? {}
  const { id: challengeId, method } = Object(challenge)
  const claims = { status: 'success', method, challengeId, timestamp: new Date().toISOString() }
  response.setHeader('payment-receipt', Buffer.from(JSON.stringify(claims)).toString('base64url'))
}

const SERVERS: Record<string, { readonly free: Behaviour }> = {
  '200': { free: answer(200) },
  '429': { free: answer(429) },
  '500': { free: answer(500) },
  'a reset': { free: reset },
  'a reset in the body': { free: half(() => {}) },
}

const PAID: Record<string, Behaviour> = {
  '200': (visit) => visit.serve(),
  '429': answer(429),
  '500': answer(500),
  'a reset': reset,
  'a reset in the body': half(receipt),
  'a reset in the body, and no receipt': half(() => {}),
}

const paywall =
  (paid: Behaviour): Behaviour =>
  (visit) =>
    visit.seen.credential ? paid(visit) : visit.ask({})

const ORDERS = ['ours inside', 'ours outside'] as const
type Order = (typeof ORDERS)[number]

const BASES: Record<string, (origin: string) => Dispatcher> = {
  Agent: () => new Agent(),
  Pool: (origin) => new Pool(origin),
  Client: (origin) => new Client(origin),
}

interface Setting extends AsyncDisposable {
  readonly server: HostileServer
  readonly payer: Payer
  readonly dispatcher: Dispatcher
}

async function setting(
  behaviour: Behaviour,
  stock: Interceptor,
  order: Order,
  base: keyof typeof BASES = 'Agent',
): Promise<Setting> {
  const server = await hostileServer(behaviour)
  const payer = payerFor(server.origin)
  const make = BASES[base] ?? (() => new Agent())
  const dispatcher = make(server.origin)
  const ours = purserInterceptor(payer.purser)
  return {
    server,
    payer,
    dispatcher: dispatcher.compose(order === 'ours inside' ? [ours, stock] : [stock, ours]),
    async [Symbol.asyncDispose]() {
      await dispatcher.destroy()
      await payer.purser.close()
      await server.close()
    },
  }
}

const ENDS: ReadonlySet<Callback> = new Set(['onResponseEnd', 'onResponseError'])

/** One end, and it is the last that the handler hears. */
function endsOnce(calls: readonly Callback[]): void {
  expect(calls.filter((call) => ENDS.has(call)).length, calls.join()).toBe(1)
  expect(calls[0], calls.join()).toBe('onRequestStart')
  expect(calls.filter((call) => call === 'onResponseStart').length, calls.join()).toBeLessThanOrEqual(1)
  expect(ENDS.has(calls.at(-1) ?? 'onRequestStart'), calls.join()).toBe(true)
}

/**
 * undici's retry fails a body that it cannot resume, and then hands on the body of the answer that kept it from it: the
 * handler hears of two ends, with undici alone as well.
 */
function firstEnd(calls: readonly Callback[]): readonly Callback[] {
  const failed = calls.indexOf('onResponseError')
  return calls.indexOf('onResponseData') < failed ? calls.slice(0, failed + 1) : calls
}

/** Whatever was sent to the server is one payment, and counts as one. */
async function paidOnce({ payer, server }: Setting): Promise<void> {
  const credentials = new Set(server.paid.map(({ credential }) => credential?.raw))
  expect(credentials.size).toBeLessThanOrEqual(1)
  expect(payer.signatures).toBeLessThanOrEqual(1)
  const counting = (await payer.payments()).filter(({ state }) => state !== 'released' && state !== 'denied')
  expect(counting.length).toBe(credentials.size)
}

describe.concurrent.each(ORDERS)('%s', (order) => {
  for (const [name, stock] of Object.entries(STOCK)) {
    test.each(Object.keys(SERVERS))(
      `${name}, and a free %s: ends once, and nothing is paid`,
      async (what) => {
        await using set = await setting(SERVERS[what]?.free ?? answer(200), stock(), order)
        const got = await told(set.dispatcher, set.server.origin)
        if (got === 'hung') throw new Error('hung')
        endsOnce(got.calls)
        expect(set.payer.signatures).toBe(0)
        if (what === '200') expect(got.status).toBe(200)
      },
    )

    test.each(Object.keys(PAID))(`${name}, and 402 then %s: ends once, and is paid once`, async (what) => {
      await using set = await setting(paywall(PAID[what] ?? answer(200)), stock(), order)
      const got = await told(set.dispatcher, set.server.origin)
      if (got === 'hung') throw new Error('hung')
      endsOnce(firstEnd(got.calls))
      await paidOnce(set)
      // An interceptor beneath that makes errors of 402 hides the offer from us: then nothing is paid.
      const hidden = order === 'ours outside' && name === 'responseError'
      expect(set.payer.signatures).toBe(hidden ? 0 : 1)
      if (what === '200') expect(got.status).toBe(hidden ? undefined : 200)
    })
  }
})

describe.each(['Pool', 'Client'] as const)('over a %s', (base) => {
  test.each(Object.keys(PAID))('retry around, and 402 then %s: ends once, and is paid once', async (what) => {
    const retry = STOCK['retry']?.()
    if (retry === undefined) throw new Error('no retry')
    await using set = await setting(paywall(PAID[what] ?? answer(200)), retry, 'ours inside', base)
    const got = await told(set.dispatcher, set.server.origin)
    if (got === 'hung') throw new Error('hung')
    endsOnce(firstEnd(got.calls))
    await paidOnce(set)
  })
})

import { type HttpBindings, type ServerType, serve } from '@hono/node-server'
import { type Context as AnyContext, Hono } from 'hono'
import { Mppx, Store, tempo } from 'mppx/server'
import { ACCOUNTS, addressOf, alphaUSD, type Chain, clientFor, pathUSD } from './chain.js'

type Env = { Bindings: HttpBindings }
type Context = AnyContext<Env>

/** One request as the server saw it. */
export interface Seen {
  readonly method: string
  readonly path: string
  /** Did it carry a Payment credential? */
  readonly paid: boolean
  readonly idempotencyKey?: string
  readonly body: string
  /** What the unmodified payment code answered; a fault may have replaced or dropped it. */
  readonly status: number
}

/** What can go wrong between the payment and its answer. Applies to the next request with a credential. */
export type Fault =
  /** The server takes the money, and the connection dies before the answer. */
  | 'drop-after-payment'
  /** The server takes the money and answers 500. */
  | 'error-after-payment'
  /** The connection dies before the server looks at the credential. */
  | 'drop-before-payment'
  /** The server answers 500 and never looks at the credential. */
  | 'error-before-payment'
  /** The server takes the money and answers 402 with a fresh challenge. */
  | 'ask-again-after-payment'

/** An API that is paid by an unmodified reference server. */
export interface PaidApi {
  readonly origin: string
  /** `url('/paid')` */
  url(path: string): string
  readonly seen: readonly Seen[]
  /** Requests that carried a credential. */
  paid(): readonly Seen[]
  forget(): void
  /** Queues a fault for the next request with a credential. */
  fail(fault: Fault): void
  close(): Promise<void>
}

/** The price of every route that does not say otherwise: 0.01 AlphaUSD, in smallest parts. */
export const PRICE = 10_000n
/** What `/splits` pays the second payee, out of its 0.03. */
export const SPLIT = 10_000n

export interface PaidApiOptions {
  readonly chain: Pick<Chain, 'url' | 'id'>
  /** Validity of challenges, in milliseconds. */
  readonly validityMs?: number
  /** Waits for inclusion before answering (the default), or answers at once. */
  readonly waitForConfirmation?: boolean
}

/**
 * Starts the API on a free loopback port.
 *
 * | route | what it asks |
 * |---|---|
 * | `/free` | nothing |
 * | `/paid` | 0.01 AlphaUSD by pull or push |
 * | `/price/0.25` | that much |
 * | `/sponsored` | 0.01, the server pays the fee |
 * | `/splits` | 0.03, of which 0.01 goes to a second payee |
 * | `/zero` | a zero-amount proof |
 * | `/push`, `/pull` | 0.01 in that mode only |
 * | `/external` | 0.01, with the server's externalId `order-42` and a description |
 * | `/path-usd` | 0.01 pathUSD |
 * | `/offers` | 0.02 AlphaUSD or 0.01 pathUSD: two challenges in one 402 |
 *
 * Every route takes every method, and answers `{ route, method, body }`.
 */
export async function startPaidApi(options: PaidApiOptions): Promise<PaidApi> {
  const seen: Seen[] = []
  const faults: Fault[] = []
  const app = new Hono<Env>()
  const pay = charges(options)
  app.all('/free', (c) => answer(c, '/free'))
  for (const [route, handler] of Object.entries(pay)) app.all(route, (c) => guarded(c, route, handler))

  const guarded = async (c: Context, route: string, handler: Handler): Promise<Response> => {
    const body = await c.req.raw.clone().text()
    const paid = /^payment /i.test(
      c.req.header('authorization') ?? c.req.header('payment-authorization') ?? '',
    )
    const key = c.req.header('idempotency-key')
    const note = (status: number) =>
      seen.push({
        method: c.req.method,
        path: c.req.path,
        paid,
        body,
        status,
        ...(key === undefined ? {} : { idempotencyKey: key }),
      })
    const fault = paid ? faults.shift() : undefined
    if (fault === 'drop-before-payment' || fault === 'error-before-payment') {
      note(500)
      return fault === 'drop-before-payment' ? drop(c) : c.text('out of order', 500)
    }
    const result = await handler(c.req.raw, c.req.param('amount') ?? '')
    const response =
      result.status === 402 ? result.challenge : result.withReceipt(await answer(c, route, body))
    note(response.status)
    if (fault === 'drop-after-payment') return drop(c)
    if (fault === 'error-after-payment') return c.text('out of order', 500)
    if (fault === 'ask-again-after-payment') return anew(handler, c)
    return response
  }

  const server = await listen(app)
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const origin = `http://127.0.0.1:${port}`
  return {
    origin,
    url: (path) => `${origin}${path}`,
    seen,
    paid: () => seen.filter((request) => request.paid),
    forget: () => void seen.splice(0),
    fail: (fault) => void faults.push(fault),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        if ('closeAllConnections' in server) server.closeAllConnections()
      }),
  }
}

type Handler = (
  request: Request,
  amount: string,
) => Promise<
  | { readonly status: 402; readonly challenge: Response }
  | { readonly status: 200; readonly withReceipt: (response: Response) => Response }
>

/** The reference server's own handlers, by route. */
function charges(options: PaidApiOptions): Readonly<Record<string, Handler>> {
  const { chain, validityMs = 60_000, waitForConfirmation = true } = options
  const client = clientFor(chain.url, ACCOUNTS.faucet, chain.id)
  const store = Store.memory()
  const base = {
    currency: addressOf(alphaUSD),
    recipient: ACCOUNTS.payee.address,
    chainId: chain.id,
    getClient: () => client,
    store,
    waitForConfirmation,
  }
  const secretKey = 'a secret of this test server, 32 bytes or more'
  const mppx = Mppx.create({ methods: [tempo.charge(base)], secretKey })
  const expires = () => new Date(Date.now() + validityMs).toISOString()
  const plain = (extra: object): Handler => {
    return (request, amount) =>
      mppx.charge({ amount: amount || '0.01', expires: expires(), ...extra })(request)
  }
  return {
    '/paid': plain({}),
    '/price/:amount': plain({}),
    '/sponsored': plain({ feePayer: ACCOUNTS.sponsor }),
    '/splits': plain({
      amount: '0.03',
      splits: [{ amount: '0.01', recipient: ACCOUNTS.split.address }],
    }),
    '/zero': plain({ amount: '0' }),
    '/push': plain({ supportedModes: ['push'] }),
    '/pull': plain({ supportedModes: ['pull'] }),
    '/external': plain({ externalId: 'order-42', description: 'one cup of tea' }),
    '/path-usd': plain({ currency: addressOf(pathUSD) }),
    '/offers': (request) =>
      mppx.compose(
        // Each names the chain, by which the server tells afterwards which of the two was paid.
        ['tempo/charge', { amount: '0.02', expires: expires(), chainId: chain.id }],
        [
          'tempo/charge',
          { amount: '0.01', expires: expires(), chainId: chain.id, currency: addressOf(pathUSD) },
        ],
      )(request),
  }
}

/** A fresh challenge for the same route, as a server gives it that forgot the payment. */
async function anew(handler: Handler, c: Context): Promise<Response> {
  const bare = new Request(c.req.url, { method: c.req.method })
  const result = await handler(bare, c.req.param('amount') ?? '')
  return result.status === 402 ? result.challenge : c.text('out of order', 500)
}

async function answer(c: Context, route: string, body?: string): Promise<Response> {
  return c.json({ route, method: c.req.method, body: body ?? (await c.req.text()) })
}

function drop(c: Context): Response {
  c.env.incoming.socket.destroy()
  return c.body(null)
}

function listen(app: Hono<Env>): Promise<ServerType> {
  return new Promise((resolve, reject) => {
    const server = serve({ fetch: app.fetch, hostname: '127.0.0.1', port: 0 }, () => resolve(server))
    server.once('error', reject)
  })
}

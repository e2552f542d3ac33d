import { type HttpBindings, serve } from '@hono/node-server'
import { Hono } from 'hono'
import { Mppx, stripe } from 'mppx/server'
import Stripe from 'stripe'
import { profileOf } from './api.js'
import type { StripeDouble } from './double.js'

/** An API that is paid through Stripe, by an unmodified reference server. */
export interface Shop {
  readonly origin: string
  url(path: string): string
  close(): Promise<void>
}

export interface ShopOptions {
  readonly double: Pick<StripeDouble, 'host' | 'port'>
  /** Whose account takes the money (default `shop`). */
  readonly account?: string
  /** Live mode instead of test mode. */
  readonly live?: boolean
  /** Validity of challenges, in milliseconds. */
  readonly validityMs?: number
}

type Handler = (request: Request, amount: string) => Promise<Answered>
type Answered =
  | { readonly status: 402; readonly challenge: Response }
  | { readonly status: 200; readonly withReceipt: (response: Response) => Response }

/**
 * Starts the shop on a free loopback port.
 *
 * | route | what it asks |
 * |---|---|
 * | `/paid` | one dollar |
 * | `/price/2.50` | that much |
 * | `/external` | one dollar, for the order `order-42` |
 * | `/metadata` | one dollar, with `shelf: tea` |
 * | `/eur`, `/jpy` | one euro, 250 yen |
 */
export async function startShop(options: ShopOptions): Promise<Shop> {
  const app = new Hono<{ Bindings: HttpBindings }>()
  for (const [route, handler] of Object.entries(charges(options)))
    app.all(route, async (c) => {
      const result = await handler(c.req.raw, c.req.param('amount') ?? '')
      return result.status === 402 ? result.challenge : result.withReceipt(c.json({ route }))
    })
  const server = await new Promise<ReturnType<typeof serve>>((resolve) => {
    const made = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }, () => resolve(made))
  })
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const origin = `http://127.0.0.1:${port}`
  return {
    origin,
    url: (path) => `${origin}${path}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        if ('closeAllConnections' in server) server.closeAllConnections()
      }),
  }
}

function charges({
  double,
  account = 'shop',
  live = false,
  validityMs = 60_000,
}: ShopOptions): Readonly<Record<string, Handler>> {
  const { host, port } = double
  const key = `sk_${live ? 'live' : 'test'}_${account}`
  const client = new Stripe(key, { host, port, protocol: 'http', maxNetworkRetries: 0 })
  const method = stripe.charge({ client, networkId: profileOf(account), paymentMethodTypes: ['card'] })
  const mppx = Mppx.create({ methods: [method], secretKey: 'a secret of this test server, 32 bytes or more' })
  const plain = (
    extra: { readonly currency?: string; readonly decimals?: number; readonly amount?: string } & object = {},
  ): Handler => {
    return (request, amount) => {
      const expires = new Date(Date.now() + validityMs).toISOString()
      return mppx.charge({ amount: amount || '1', currency: 'usd', decimals: 2, expires, ...extra })(request)
    }
  }
  return {
    '/paid': plain(),
    '/price/:amount': plain(),
    '/external': plain({ ...{ externalId: 'order-42' } }),
    '/metadata': plain({ ...{ metadata: { shelf: 'tea' } } }),
    '/eur': plain({ currency: 'eur' }),
    '/jpy': plain({ currency: 'jpy', decimals: 0, amount: '250' }),
  }
}

import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Answer, Api, type ApiRequest, type PaymentIntent } from './api.js'
import { parseForm } from './form.js'
import { deactivate, type IssuedToken } from './tokens.js'

/** What a test may do to one request. */
export interface Fault {
  /** `before`: it never arrives. `after`: it is carried out, and its answer gets lost. */
  readonly lose?: 'before' | 'after'
  /** Answered instead of Stripe. */
  readonly answer?: Answer
  /** Waited for before it is carried out. */
  readonly until?: Promise<unknown>
}

/** Stripe's HTTP API for Shared Payment Tokens, on a port of this machine. */
export interface StripeDouble {
  readonly host: '127.0.0.1'
  readonly port: number
  readonly origin: string
  /** Every request, oldest first. */
  readonly log: readonly ApiRequest[]
  readonly tokens: readonly IssuedToken[]
  readonly intents: readonly PaymentIntent[]
  /** What happens to requests from now on. */
  fault(decide: (request: ApiRequest) => Fault | undefined): void
  /** A person does what was asked of them for this token. */
  act(token: string): void
  /** The payer's side revokes a token, past whoever made it. */
  revoke(token: string): void
  /** What the seller's accounts got, in smallest parts of this currency. */
  taken(currency?: string): number
  close(): Promise<void>
}

export interface DoubleOptions {
  readonly now?: () => number
}

export async function startStripe({ now = Date.now }: DoubleOptions = {}): Promise<StripeDouble> {
  const api = new Api(now)
  const log: ApiRequest[] = []
  let decide: (request: ApiRequest) => Fault | undefined = () => undefined
  const server = createServer(async (incoming, outgoing) => {
    const request = await read(incoming)
    log.push(request)
    const fault = decide(request)
    await fault?.until
    if (fault?.lose === 'before') return void incoming.socket.destroy()
    const { status, body, headers } = fault?.answer ?? api.answer(request)
    if (fault?.lose === 'after') return void incoming.socket.destroy()
    const date = new Date(now()).toUTCString()
    outgoing.writeHead(status, { 'content-type': 'application/json', date, ...headers })
    outgoing.end(JSON.stringify(body))
  })
  const port = await listen(server)
  return {
    host: '127.0.0.1',
    port,
    origin: `http://127.0.0.1:${port}`,
    log,
    get tokens() {
      return [...api.tokens.values()]
    },
    get intents() {
      return [...api.intents.values()]
    },
    fault(next) {
      decide = next
    },
    act(id) {
      const token = api.tokens.get(id)
      if (token?.status !== 'requires_action') throw new Error(`${id} waits for nobody`)
      token.status = 'active'
      token.authenticated = true
    },
    revoke(id) {
      const token = api.tokens.get(id)
      if (token === undefined) throw new Error(`no ${id}`)
      deactivate(token, 'revoked', now())
    },
    taken: (currency = 'usd') =>
      [...api.intents.values()]
        .filter((intent) => intent.currency === currency && intent.status === 'succeeded')
        .reduce((sum, { amount }) => sum + amount, 0),
    close: () => close(server),
  }
}

async function read(incoming: IncomingMessage): Promise<ApiRequest> {
  const chunks: Buffer[] = []
  for await (const chunk of incoming) chunks.push(Buffer.from(chunk))
  const body = Buffer.concat(chunks).toString()
  const url = new URL(incoming.url ?? '/', 'http://stripe.test')
  const one = (name: string): string | undefined => {
    const value = incoming.headers[name]
    return typeof value === 'string' ? value : undefined
  }
  return {
    method: incoming.method ?? 'GET',
    path: url.pathname,
    body,
    form: parseForm(body || url.search.slice(1)),
    authorization: one('authorization'),
    version: one('stripe-version'),
    key: one('idempotency-key'),
  }
}

function listen(server: Server): Promise<number> {
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const address: AddressInfo | string | null = server.address()
      if (typeof address !== 'object' || address === null) throw new Error('no port')
      resolve(address.port)
    })
  })
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}

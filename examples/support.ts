// What the examples buy from: a local Tempo chain, a paid API, and paid endpoints that speak like two model vendors.
// Your own code needs nothing of this: it has a real account, real vendors, and the currencies Purser knows.
import { type ServerType, serve } from '@hono/node-server'
import { Hono } from 'hono'
import { Mppx, Store, tempo } from 'mppx/server'
import type { Currency } from 'purser'
import type { TempoAccount } from 'purser/wallet/tempo'
import {
  ACCOUNTS,
  addressOf,
  alphaUSD,
  type Chain,
  clientFor,
  LOCAL_CURRENCIES,
  NETWORK,
  startChain,
} from '../test/chain/chain.js'
import { startPaidApi } from '../test/chain/server.js'
import { tempoGate } from '../test/mcp/gates.js'
import { serveNew } from '../test/mcp/sdk-http.js'
import type { SessionServer } from '../test/session/fixtures/server.js'
import { channelWorld } from '../test/session/fixtures/world.js'

/** Vendors on this machine, and an account that can pay them. */
export interface Local {
  /** A paid API: `/paid` costs 0.01 USD, `/price/0.25` that much, `/free` nothing. */
  readonly api: string
  /** Paid models: `/v1/chat/completions` and `/v1/messages`, 0.02 USD a call. */
  readonly models: string
  readonly account: TempoAccount
  /** Whom the API has paid. */
  readonly payee: string
  readonly rpc: Readonly<Record<number, string>>
  /** The local chain by its CAIP-2 name: a test network is paid on only where a policy names it. */
  readonly network: string
  /** What the API is paid in. */
  readonly dollar: Currency
  /** The local chain's dollars, which no table knows. */
  readonly currencies: readonly Currency[]
  close(): Promise<void>
}

/** Starts everything, and gives the account 5 AlphaUSD. */
export async function startLocal(): Promise<Local> {
  const chain = await startChain()
  const api = await startPaidApi({ chain })
  const models = await startPaidModels(chain)
  return {
    api: api.origin,
    models: models.origin,
    account: await chain.account(5_000_000n),
    payee: ACCOUNTS.payee.address,
    rpc: { [chain.id]: chain.url },
    network: NETWORK,
    dollar: alphaUSD,
    currencies: LOCAL_CURRENCIES,
    async close() {
      await Promise.all([api.close(), models.close()])
      await chain.stop()
    },
  }
}

/** An MCP server on this machine whose tool, resource and prompt cost 0.01 AlphaUSD each, and an account that can pay. */
export interface LocalMcp extends Pick<Local, 'account' | 'rpc' | 'network' | 'currencies' | 'close'> {
  readonly url: URL
}

/** Starts a chain and the MCP server; the account gets 5 AlphaUSD. */
export async function startMcp(): Promise<LocalMcp> {
  const chain = await startChain()
  const server = await serveNew({ gate: tempoGate(chain) })
  return {
    url: server.url,
    account: await chain.account(5_000_000n),
    rpc: { [chain.id]: chain.url },
    network: NETWORK,
    currencies: LOCAL_CURRENCIES,
    async close() {
      await server.close()
      await chain.stop()
    },
  }
}

/** A vendor on this machine that is paid by sessions, and an account that can pay it. */
export interface LocalSessions extends Pick<Local, 'account' | 'rpc' | 'network' | 'currencies' | 'close'> {
  /** `/paid` costs the price a call; `/stream/10` and `/socket/5` cost it for each event and message. */
  readonly server: SessionServer
}

/** Starts a chain with the escrows of sessions and a server; the account gets 5 AlphaUSD. */
export async function startSessions(terms: { readonly price?: string } = {}): Promise<LocalSessions> {
  const world = await channelWorld()
  return {
    server: await world.serve({ protocol: 'v2', ...terms }),
    account: await world.chain.account(5_000_000n),
    rpc: { [world.chain.id]: world.chain.url },
    network: NETWORK,
    currencies: LOCAL_CURRENCIES,
    close: () => world.stop(),
  }
}

async function startPaidModels(chain: Chain): Promise<Served> {
  const charge = tempo.charge({
    currency: addressOf(alphaUSD),
    recipient: ACCOUNTS.payee.address,
    chainId: chain.id,
    getClient: () => clientFor(chain.url),
    store: Store.memory(),
  })
  const mppx = Mppx.create({
    methods: [charge],
    secretKey: 'a secret of this example server, 32 bytes or more',
  })
  const paid = async (request: Request, answer: unknown): Promise<Response> => {
    const result = await mppx.charge({ amount: '0.02' })(request)
    return result.status === 402 ? result.challenge : result.withReceipt(Response.json(answer))
  }
  const app = new Hono()
  app.post('/v1/chat/completions', (c) => paid(c.req.raw, COMPLETION))
  app.post('/v1/messages', (c) => paid(c.req.raw, MESSAGE))
  return listen(app)
}

const WORDS = 'A kettle, leaves, and four minutes of patience.'

const COMPLETION = {
  id: 'completion-1',
  object: 'chat.completion',
  created: 1_750_000_000,
  model: 'small',
  choices: [
    { index: 0, message: { role: 'assistant', content: WORDS }, finish_reason: 'stop', logprobs: null },
  ],
  usage: { prompt_tokens: 9, completion_tokens: 9, total_tokens: 18 },
}

const MESSAGE = {
  id: 'message-1',
  type: 'message',
  role: 'assistant',
  model: 'small',
  content: [{ type: 'text', text: WORDS }],
  stop_reason: 'end_turn',
  stop_sequence: null,
  usage: { input_tokens: 9, output_tokens: 9 },
}

/** A server on a free loopback port. */
export interface Served {
  readonly origin: string
  close(): Promise<void>
}

export async function listen(app: Hono): Promise<Served> {
  const server = await new Promise<ServerType>((resolve, reject) => {
    const starting = serve({ fetch: app.fetch, hostname: '127.0.0.1', port: 0 }, () => resolve(starting))
    starting.once('error', reject)
  })
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  return {
    origin: `http://127.0.0.1:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        if ('closeAllConnections' in server) server.closeAllConnections()
      }),
  }
}

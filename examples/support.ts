// What the examples buy from: a local Tempo chain and a paid API.
// Your own code needs nothing of this: it has a real account, real vendors, and the currencies Purser knows.
import { type ServerType, serve } from '@hono/node-server'
import type { Hono } from 'hono'
import type { Currency } from 'purser'
import type { TempoAccount } from 'purser/wallet/tempo'
import { ACCOUNTS, alphaUSD, LOCAL_CURRENCIES, NETWORK, startChain } from '../test/chain/chain.js'
import { startPaidApi } from '../test/chain/server.js'
import { tempoGate } from '../test/mcp/gates.js'
import { serveNew } from '../test/mcp/sdk-http.js'
import type { SessionServer } from '../test/session/fixtures/server.js'
import { channelWorld } from '../test/session/fixtures/world.js'

/** Vendors on this machine, and an account that can pay them. */
export interface Local {
  /** A paid API: `/paid` costs 0.01 USD, `/price/0.25` that much, `/free` nothing. */
  readonly api: string
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
  return {
    api: api.origin,
    account: await chain.account(5_000_000n),
    payee: ACCOUNTS.payee.address,
    rpc: { [chain.id]: chain.url },
    network: NETWORK,
    dollar: alphaUSD,
    currencies: LOCAL_CURRENCIES,
    async close() {
      await api.close()
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

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import { Mppx, tempo } from 'mppx/server'
import { token } from 'purser'
import { generatePrivateKey } from 'viem/accounts'
import { Account, Actions } from 'viem/tempo'
import { ACCOUNTS, type Chain, clientFor, KEYS, startChain } from '../../test/chain/chain.js'

/** The networks and servers that the documentation names, on this machine. */
export interface World {
  /** Hosts, and the port that stands for each. */
  readonly hosts: Readonly<Record<string, number>>
  /** The access key of the account that README names, authorized. */
  readonly agentKey: string
  /** The key of an account with money on the main network. */
  readonly ownKey: string
  stop(): Promise<void>
}

const PATH_USD = '0x20c0000000000000000000000000000000000000'
const MAIN = 4217
const TEST = 42431

/** Starts two chains, their nodes and a paid API. */
export async function startWorld(): Promise<World> {
  const main = await startChain([], MAIN)
  const test = await startChain([], TEST)
  const servers = await Promise.all([serve(nodeOf(main)), serve(nodeOf(test)), serve(paidApi(main))])
  const [mainNode, testNode, api] = servers.map(portOf)
  const own = await main.account(5_000_000n)
  await main.fund(own.address, pathUSDOn(MAIN), 5_000_000n)
  return {
    hosts: {
      'rpc.tempo.xyz': mainNode ?? 0,
      'rpc.moderato.tempo.xyz': testNode ?? 0,
      'api.example': api ?? 0,
    },
    agentKey: await authorizedKey(main),
    ownKey: own.key,
    async stop() {
      for (const server of servers) {
        server.closeAllConnections()
        server.close()
      }
      await Promise.all([main.stop(), test.stop()])
    },
  }
}

const pathUSDOn = (chain: number) => token(`eip155:${chain}`, PATH_USD, { symbol: 'pathUSD', decimals: 6 })
const alphaUSDOn = (chain: number) =>
  token(`eip155:${chain}`, '0x20c0000000000000000000000000000000000001', { symbol: 'AlphaUSD', decimals: 6 })

type Handler = (request: IncomingMessage, response: ServerResponse) => Promise<void>

/** The chain's node, with the test network's way to get money. */
function nodeOf(chain: Chain): Handler {
  return async (request, response) => {
    const body = await text(request)
    const { id, method, params }: { id: unknown; method: string; params: readonly `0x${string}`[] } =
      JSON.parse(body)
    response.setHeader('content-type', 'application/json')
    if (method === 'tempo_fundAddress' && params[0] !== undefined) {
      await chain.fund(params[0], pathUSDOn(chain.id), 1_000_000_000n)
      await chain.fund(params[0], alphaUSDOn(chain.id), 1_000_000_000n)
      response.end(JSON.stringify({ jsonrpc: '2.0', id, result: [`0x${'0'.repeat(64)}`] }))
      return
    }
    const reply = await fetch(chain.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    })
    response.end(await reply.text())
  }
}

/** An API that takes one cent in pathUSD. */
function paidApi(chain: Chain): Handler {
  const charge = tempo.charge({
    chainId: chain.id,
    currency: PATH_USD,
    recipient: ACCOUNTS.split.address,
    getClient: () => clientFor(chain.url, ACCOUNTS.faucet, chain.id),
  })
  const shop = Mppx.create({ methods: [charge], secretKey: 'a secret of this server, of 32 bytes or more' })
  return async (request, response) => {
    const { status } = await Mppx.toNodeListener(shop.charge({ amount: '0.01' }))(request, response)
    if (status === 200) response.end('tea, from the paid API')
  }
}

/** A new access key of the account that README names, held to five dollars. */
async function authorizedKey(chain: Chain): Promise<string> {
  const owner = Account.fromSecp256k1(KEYS[1])
  const key = generatePrivateKey()
  await Actions.accessKey.authorizeSync(clientFor(chain.url, owner, chain.id), {
    accessKey: Account.fromSecp256k1(key, { access: owner }),
    expiry: Math.floor(Date.now() / 1000) + 3600,
    feeToken: PATH_USD,
    gas: 3_000_000n,
    limits: [{ token: PATH_USD, limit: 5_000_000n }],
  })
  return key
}

function serve(handler: Handler): Promise<Server> {
  const server = createServer((request, response) => {
    handler(request, response).catch((error: unknown) => {
      console.error(error)
      response.destroy()
    })
  })
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)))
}

function portOf(server: Server): number {
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : 0
}

import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type FacilitatorClient, x402ResourceServer } from '@x402/core/server'
import { ExactEvmScheme } from '@x402/evm/exact/server'
import { paymentMiddleware } from '@x402/express'
import {
  createSIWxResourceServerExtension,
  declareSIWxExtension,
  InMemorySIWxStorage,
} from '@x402/extensions/sign-in-with-x'
import express from 'express'
import { evm, Mppx, Request as Requests } from 'mppx/server'

const NETWORK = 'eip155:84532'
const PAYEE = '0x209693Bc6afc0C5328bA36FaF03C514EF312287C'
const TOKEN = '0x036CbD53842c5426634e7929541eC2318f3dCF7e'
const PAYER = '0x742d35Cc6634C0532925a3b844Bc9e7595f8fE00'
export const REFERENCE = `0x${'ab'.repeat(32)}`

type Extending = 'extensions' | 'extensionResponses'
type Verified = Omit<Awaited<ReturnType<FacilitatorClient['verify']>>, Extending>
type Settled = Omit<Awaited<ReturnType<FacilitatorClient['settle']>>, Extending>

/** What the next payment meets. */
export interface Fate {
  readonly verified?: Verified
  readonly settled?: Partial<Settled>
}

/** A server of somebody else's making, with a facilitator that believes everything unless it is told otherwise. */
export interface Peer extends AsyncDisposable {
  readonly url: string
  /** What reached the facilitator to be settled. */
  readonly settlements: unknown[]
  fate: Fate
}

function facilitator(peer: Peer) {
  return {
    verify: async (): Promise<Verified> => peer.fate.verified ?? { isValid: true, payer: PAYER },
    async settle(payload: unknown): Promise<Settled> {
      peer.settlements.push(payload)
      return { success: true, transaction: REFERENCE, network: NETWORK, payer: PAYER, ...peer.fate.settled }
    },
    getSupported: async () => ({
      kinds: [{ x402Version: 2, scheme: 'exact', network: NETWORK }],
      extensions: [],
      signers: {},
    }),
  } satisfies FacilitatorClient
}

/** The reference implementation of x402. `/tea` costs, `/signed` takes a sign-in from whoever `paid` there. */
export async function official(paid?: string): Promise<Peer> {
  return listen((peer) => {
    const storage = new InMemorySIWxStorage()
    if (paid !== undefined) void storage.recordPayment('/signed', paid)
    const server = new x402ResourceServer(facilitator(peer))
      .register(NETWORK, new ExactEvmScheme())
      .registerExtension(createSIWxResourceServerExtension({ origin: peer.url, storage }))
    const price = { asset: TOKEN, amount: '10000', extra: { name: 'USDC', version: '2' } }
    const accepts = { scheme: 'exact', network: NETWORK, payTo: PAYEE, price } as const
    const app = express()
    app.use(
      paymentMiddleware(
        {
          '/tea': { accepts, description: 'A cup of tea' },
          '/signed': { accepts, extensions: declareSIWxExtension({ network: NETWORK }) },
        },
        server,
      ),
    )
    app.all('/{*any}', (_, response) => void response.send('tea'))
    return app
  })
}

/** The reference implementation of MPP, which speaks x402 beside it. */
export async function dual(): Promise<Peer> {
  return listen((peer) => {
    const mppx = Mppx.create({
      methods: [
        evm.charge({
          currency: TOKEN,
          decimals: 6,
          chainId: 84532,
          authorization: { name: 'USDC', version: '2' },
          recipient: PAYEE,
          x402: { facilitator: facilitator(peer) },
        }),
      ],
      secretKey: 'a secret of this server alone, long enough to be one',
      realm: 'dual',
    })
    return Requests.toNodeListener(async (request) => {
      const result = await mppx.evm.charge({ amount: '0.01' })(request)
      return result.status === 402 ? result.challenge : result.withReceipt(new Response('tea'))
    })
  })
}

async function listen(make: (peer: Peer) => RequestListener): Promise<Peer> {
  const server = createServer((request, response) => listener(request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const peer: Peer = {
    url: `http://127.0.0.1:${port}`,
    settlements: [],
    fate: {},
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  const listener = make(peer)
  return peer
}

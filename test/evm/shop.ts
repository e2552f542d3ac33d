import { createServer, type RequestListener } from 'node:http'
import { type FacilitatorClient, x402ResourceServer } from '@x402/core/server'
import { ExactEvmScheme } from '@x402/evm/exact/server'
import { UptoEvmScheme } from '@x402/evm/upto/server'
import { paymentMiddleware, setSettlementOverrides } from '@x402/express'
import {
  declarePaymentIdentifierExtension,
  extractPaymentIdentifier,
  PAYMENT_IDENTIFIER,
} from '@x402/extensions/payment-identifier'
import {
  createSIWxResourceServerExtension,
  declareSIWxExtension,
  InMemorySIWxStorage,
} from '@x402/extensions/sign-in-with-x'
import express from 'express'
import { DOMAIN, type EvmChain } from './chain.js'
import { startFacilitator } from './facilitator.js'

export const PRICE = 10_000n
export const CEILING = 50_000n
export const CHARGED = 12_345n

/** A shop that listens, whatever it is made of. */
export interface Shop {
  readonly origin: string
  url(path: string): string
  close(): Promise<void>
}

/** The reference implementation of x402, on Express, with its own facilitator. */
export interface X402Shop extends Shop {
  /** Payments that reached the facilitator to be settled. */
  settlements(): number
  /** Identifiers that payments came with. */
  readonly identifiers: string[]
  /** Bodies that were sold for. */
  readonly bodies: string[]
  /** Signs nobody in, whoever has paid. */
  forgets: boolean
  /** How many sign-ins reached it. */
  signIns(): number
  /** Turns the next settlement into something else. */
  fate: ((settle: Settle) => ReturnType<Settle>) | undefined
}

type Settle = () => ReturnType<FacilitatorClient['settle']>

/** `/exact`, `/permit2`, `/upto`, `/identified`, `/signed`, and free of charge `/free`. */
export async function startX402Shop(chain: EvmChain): Promise<X402Shop> {
  const { client } = startFacilitator(chain)
  let settlements = 0
  let fate: X402Shop['fate']
  const identifiers: string[] = []
  const bodies: string[] = []
  const watching: FacilitatorClient = {
    ...client,
    settle(payload, requirements) {
      settlements++
      const id = extractPaymentIdentifier(payload)
      if (id !== null) identifiers.push(id)
      const settle: Settle = () => client.settle(payload, requirements)
      const unlike = fate
      fate = undefined
      return unlike === undefined ? settle() : unlike(settle)
    },
  }
  let forgets = false
  let signIns = 0
  const storage = new InMemorySIWxStorage()
  const known: Pick<InMemorySIWxStorage, 'hasPaid' | 'recordPayment'> = {
    hasPaid(resource, address) {
      signIns++
      return !forgets && storage.hasPaid(resource, address)
    },
    recordPayment: (resource, address) => storage.recordPayment(resource, address),
  }
  const shop = await listen((origin) => app(chain, { origin, client: watching, bodies, known }))
  return {
    ...shop,
    signIns: () => signIns,
    get forgets() {
      return forgets
    },
    set forgets(forgetful) {
      forgets = forgetful
    },
    identifiers,
    bodies,
    settlements: () => settlements,
    get fate() {
      return fate
    },
    set fate(next) {
      fate = next
    },
  }
}

interface Stock {
  readonly origin: string
  readonly client: FacilitatorClient
  readonly bodies: string[]
  readonly known: Pick<InMemorySIWxStorage, 'hasPaid' | 'recordPayment'>
}

function app(chain: EvmChain, { origin, client, bodies, known: storage }: Stock): RequestListener {
  const price = (amount: bigint, extra: Record<string, string> = {}) => ({
    asset: chain.dollarAddress,
    amount: amount.toString(),
    extra: { ...DOMAIN, ...extra },
  })
  const common = { network: chain.network, payTo: chain.payee, maxTimeoutSeconds: 60 } as const
  const exact = { scheme: 'exact', ...common, price: price(PRICE) } as const
  const server = new x402ResourceServer(client)
    .register(chain.network, new ExactEvmScheme())
    .register(chain.network, new UptoEvmScheme())
    .registerExtension(createSIWxResourceServerExtension({ origin, storage }))
  const made = express()
  made.use(express.text({ type: '*/*' }))
  made.use(
    paymentMiddleware(
      {
        '/exact': { accepts: exact },
        '/permit2': { accepts: { ...exact, price: price(PRICE, { assetTransferMethod: 'permit2' }) } },
        '/upto': {
          accepts: { scheme: 'upto', ...common, price: price(CEILING, { assetTransferMethod: 'permit2' }) },
        },
        '/identified': {
          accepts: exact,
          extensions: { [PAYMENT_IDENTIFIER]: declarePaymentIdentifierExtension(true) },
        },
        '/signed': { accepts: exact, extensions: declareSIWxExtension({ network: chain.network }) },
      },
      server,
    ),
  )
  made.all('/upto', (_, response) => {
    setSettlementOverrides(response, { amount: CHARGED.toString() })
    response.send('tea')
  })
  made.all('/{*any}', (request, response) => {
    if (typeof request.body === 'string') bodies.push(request.body)
    response.send('tea')
  })
  return made
}

/** Starts a server on a free loopback port. */
export async function listen(make: (origin: string) => RequestListener): Promise<Shop> {
  const server = createServer((request, response) => listener(request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const origin = `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`
  const listener = make(origin)
  return {
    origin,
    url: (path) => `${origin}${path}`,
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

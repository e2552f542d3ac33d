import { createServer } from 'node:http'
import { evm, Mppx, Request as Requests, Store, stripe, tempo } from 'mppx/server'
import Stripe from 'stripe'
import type { Address } from 'viem'
import { ACCOUNTS, addressOf, alphaUSD, type Chain, clientFor } from '../chain/chain.js'
import { CHAIN_ID, DOMAIN, type EvmChain } from '../evm/chain.js'
import { profileOf } from '../stripe/api.js'
import type { StripeDouble } from '../stripe/double.js'
import { dollars, type RailName } from './offers.js'
import { facilitatorOf, type InTurn } from './rails.js'

/** What the composed shop is paid by. */
export interface Rails {
  readonly tempo: Chain
  readonly stripe: Pick<StripeDouble, 'host' | 'port'>
  readonly evm: EvmChain
  readonly payee: Address
  readonly turn: InTurn
}

export interface ComposedShop {
  readonly origin: string
  /** The headers that each 402 asked in. */
  readonly asked: { readonly mpp: string; readonly x402: boolean }[]
  close(): Promise<void>
}

/**
 * A shop that the reference server of MPP makes of several methods by itself: it puts them into one 402, in the order
 * that the client likes, and x402 beside them. `/60` costs 60 cents on every rail.
 */
export async function startComposedShop(rails: Rails): Promise<ComposedShop> {
  const client = new Stripe('sk_test_shop', {
    host: rails.stripe.host,
    port: rails.stripe.port,
    protocol: 'http',
    maxNetworkRetries: 0,
  })
  const facilitator = facilitatorOf(rails.evm, rails.turn)
  /** The two packages type the same JSON in their own ways. */
  const copy = (value: object) => JSON.parse(JSON.stringify(value))
  const mppx = Mppx.create({
    methods: [
      tempo.charge({
        currency: addressOf(alphaUSD),
        recipient: ACCOUNTS.payee.address,
        chainId: rails.tempo.id,
        getClient: () => clientFor(rails.tempo.url, ACCOUNTS.faucet, rails.tempo.id),
        store: Store.memory(),
        feePayer: ACCOUNTS.sponsor,
      }),
      stripe.charge({ client, networkId: profileOf('shop'), paymentMethodTypes: ['card'] }),
      evm.charge({
        currency: rails.evm.dollarAddress,
        recipient: rails.payee,
        chainId: CHAIN_ID,
        decimals: 6,
        authorization: DOMAIN,
        x402: {
          facilitator: {
            verify: async (payload, terms) => copy(await facilitator.verify(copy(payload), copy(terms))),
            settle: async (payload, terms) => copy(await facilitator.settle(copy(payload), copy(terms))),
          },
        },
      }),
    ],
    secretKey: 'a secret of this test server, 32 bytes or more',
  })
  const asked: ComposedShop['asked'] = []
  const listener = Requests.toNodeListener(async (request) => {
    const amount = dollars(Number(new URL(request.url).pathname.slice(1)))
    const result = await mppx.compose(
      ['tempo/charge', { amount }],
      ['stripe/charge', { amount, currency: 'usd', decimals: 2 }],
      ['evm/charge', { amount }],
    )(request)
    if (result.status !== 402) return result.withReceipt(Response.json({ rail: railOf(request) }))
    const { headers } = result.challenge
    asked.push({ mpp: headers.get('www-authenticate') ?? '', x402: headers.has('payment-required') })
    return result.challenge
  })
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  return {
    origin: `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`,
    asked,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/** The rail whose credential a request carries. */
function railOf(request: Request): RailName {
  if (request.headers.has('payment-signature')) return 'x402'
  const [, token = ''] = /^Payment (.+)$/i.exec(request.headers.get('authorization') ?? '') ?? []
  return JSON.parse(Buffer.from(token, 'base64url').toString()).challenge.method
}

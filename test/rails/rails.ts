import { x402Facilitator } from '@x402/core/facilitator'
import {
  type FacilitatorClient,
  type HTTPAdapter,
  x402HTTPResourceServer,
  x402ResourceServer,
} from '@x402/core/server'
import { ExactEvmScheme as ExactEvmFacilitator } from '@x402/evm/exact/facilitator'
import { ExactEvmScheme } from '@x402/evm/exact/server'
import { Errors } from 'mppx'
import { evm, Mppx, Store, stripe, tempo } from 'mppx/server'
import Stripe from 'stripe'
import type { Address } from 'viem'
import { ACCOUNTS, addressOf, alphaUSD, type Chain, clientFor } from '../chain/chain.js'
import { CHAIN_ID, DOMAIN, type EvmChain, NETWORK } from '../evm/chain.js'
import { signerOf } from '../evm/facilitator.js'
import { settleAuthorization } from '../evm/settle.js'
import { profileOf } from '../stripe/api.js'
import type { StripeDouble } from '../stripe/double.js'
import { asksIn, dollars } from './offers.js'
import type { Answered, Rail } from './shop.js'

const SECRET = 'a secret of this test server, 32 bytes or more'

/** A credential of the `Payment` scheme for that method. */
function carries(method: string): Rail['takes'] {
  return (request) => {
    const [, token = ''] = /^Payment (.+)$/i.exec(request.headers.get('authorization') ?? '') ?? []
    try {
      return JSON.parse(Buffer.from(token, 'base64url').toString()).challenge.method === method
    } catch {
      return false
    }
  }
}

/** The reference server, on a Tempo chain. It pays the fee, so that every payment costs its price and nothing else. */
export function tempoRail(chain: Chain): Rail {
  const charge = tempo.charge({
    currency: addressOf(alphaUSD),
    recipient: ACCOUNTS.payee.address,
    chainId: chain.id,
    getClient: () => clientFor(chain.url, ACCOUNTS.faucet, chain.id),
    store: Store.memory(),
    feePayer: ACCOUNTS.sponsor,
  })
  const mppx = Mppx.create({ methods: [charge], secretKey: SECRET })
  return {
    name: 'tempo',
    header: 'www-authenticate',
    takes: carries('tempo'),
    handle: (request, cents) => mppx.charge({ amount: dollars(cents) })(request),
  }
}

/** The reference server, and the account `shop` at Stripe. */
export function stripeRail({ host, port }: Pick<StripeDouble, 'host' | 'port'>): Rail {
  const client = new Stripe('sk_test_shop', { host, port, protocol: 'http', maxNetworkRetries: 0 })
  const charge = stripe.charge({ client, networkId: profileOf('shop'), paymentMethodTypes: ['card'] })
  const mppx = Mppx.create({ methods: [charge], secretKey: SECRET })
  return {
    name: 'stripe',
    header: 'www-authenticate',
    takes: carries('stripe'),
    handle: (request, cents) =>
      mppx.charge({ amount: dollars(cents), currency: 'usd', decimals: 2 })(request),
  }
}

/** Whoever sends what others signed, from one account: one at a time. */
export type InTurn = <T>(work: () => Promise<T>) => Promise<T>

export function inTurn(): InTurn {
  let last: Promise<unknown> = Promise.resolve()
  return (work) => {
    const mine = last.then(work, work)
    last = mine.catch(() => undefined)
    return mine
  }
}

/** The reference server of MPP on a chain of Ethereum's kind: it cashes the authorization itself. */
export function evmRail(chain: EvmChain, recipient: Address, turn: InTurn): Rail {
  const charge = evm.charge({
    currency: chain.dollarAddress,
    recipient,
    chainId: CHAIN_ID,
    decimals: 6,
    authorization: DOMAIN,
    settle: async ({ payload }) => {
      try {
        return { reference: await turn(() => settleAuthorization(chain, { payload })) }
      } catch {
        throw new Errors.VerificationFailedError({ reason: 'the token refused it' })
      }
    },
  })
  const mppx = Mppx.create({ methods: [charge], secretKey: SECRET })
  return {
    name: 'evm',
    header: 'www-authenticate',
    takes: carries('evm'),
    handle: (request, cents) => mppx.evm.charge({ amount: dollars(cents) })(request),
  }
}

/** The reference facilitator of x402, in this process. */
export function facilitatorOf(chain: EvmChain, turn: InTurn): FacilitatorClient {
  const facilitator = new x402Facilitator().register(NETWORK, new ExactEvmFacilitator(signerOf(chain)))
  return {
    verify: (payload, requirements) => facilitator.verify(payload, requirements),
    settle: (payload, requirements) => turn(() => facilitator.settle(payload, requirements)),
    getSupported: async () => JSON.parse(JSON.stringify(facilitator.getSupported())),
  }
}

/** The reference server and facilitator of x402, on the same chain and token. */
export async function x402Rail(chain: EvmChain, payTo: Address, turn: InTurn): Promise<Rail> {
  const server = new x402HTTPResourceServer(
    new x402ResourceServer(facilitatorOf(chain, turn)).register(NETWORK, new ExactEvmScheme()),
    {
      '/*': {
        accepts: {
          scheme: 'exact',
          network: NETWORK,
          payTo,
          price: ({ path }) => ({
            asset: chain.dollarAddress,
            amount: String((asksIn(path).find(({ rail }) => rail === 'x402')?.cents ?? 0) * 10_000),
            extra: { ...DOMAIN },
          }),
        },
      },
    },
  )
  await server.initialize()
  return {
    name: 'x402',
    header: 'payment-required',
    takes: (request) => request.headers.has('payment-signature'),
    handle: (request) => handleX402(server, request),
  }
}

async function handleX402(server: x402HTTPResourceServer, request: Request): Promise<Answered> {
  const { pathname: path } = new URL(request.url)
  const context = { adapter: adapterOf(request, path), path, method: request.method }
  const processed = await server.processHTTPRequest(context)
  if (processed.type === 'no-payment-required') throw new Error('x402 asks nothing')
  if (processed.type === 'payment-error') {
    const { status, headers } = processed.response
    return { status: 402, challenge: new Response(null, { status, headers }) }
  }
  const { paymentPayload, paymentRequirements, declaredExtensions } = processed
  const settled = await server.processSettlement(paymentPayload, paymentRequirements, declaredExtensions, {
    request: context,
  })
  if (!settled.success)
    return { status: 402, challenge: new Response(null, { status: 402, headers: settled.headers }) }
  return {
    status: 200,
    withReceipt: (response) =>
      new Response(response.body, {
        status: 200,
        headers: [...response.headers, ...Object.entries(settled.headers)],
      }),
  }
}

function adapterOf(request: Request, path: string): HTTPAdapter {
  return {
    getHeader: (name) => request.headers.get(name) ?? undefined,
    getMethod: () => request.method,
    getPath: () => path,
    getUrl: () => request.url,
    getAcceptHeader: () => request.headers.get('accept') ?? '',
    getUserAgent: () => request.headers.get('user-agent') ?? '',
  }
}

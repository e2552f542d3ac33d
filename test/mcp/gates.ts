import { Transport } from 'mppx/mcp/server'
import { Mppx, Store, stripe, tempo } from 'mppx/server'
import Stripe from 'stripe'
import { ACCOUNTS, addressOf, alphaUSD, type Chain, clientFor } from '../chain/chain.js'
import { profileOf } from '../stripe/api.js'
import type { StripeDouble } from '../stripe/double.js'
import { at } from './kit.js'
import type { Gate } from './sdk-servers.js'

const secretKey = 'a secret of this test server, 32 bytes or more'
const realm = 'tools.test'

/** What a call of mppx comes to, for an extra of the MCP SDK. */
type Charge = (extra: {
  readonly _meta?: Record<string, unknown>
}) => Promise<
  | { readonly status: 402; readonly challenge: unknown }
  | { readonly status: 200; readonly withReceipt: (result: never) => unknown }
>

/** A gate over mppx's own MCP transport. */
function gateOf(charge: Charge): Gate {
  return async (meta) => {
    const result = await charge(meta === undefined ? {} : { _meta: { ...meta } })
    if (result.status === 200)
      return {
        kind: 'serve',
        receipt: (answer) => Object.assign(answer, Reflect.apply(result.withReceipt, undefined, [answer])),
      }
    const { challenge } = result
    return {
      kind: 'ask',
      code: Number(at(challenge, 'code')),
      message: String(at(challenge, 'message')).replace(/^MCP error -?\d+: /, ''),
      data: Object(at(challenge, 'data')),
    }
  }
}

const expires = () => new Date(Date.now() + 60_000).toISOString()

/** Charges 0.01 AlphaUSD on a Tempo chain, and takes it. */
export function tempoGate(chain: Pick<Chain, 'url' | 'id'>, amount = '0.01'): Gate {
  const client = clientFor(chain.url, ACCOUNTS.faucet, chain.id)
  const method = tempo.charge({
    currency: addressOf(alphaUSD),
    recipient: ACCOUNTS.payee.address,
    chainId: chain.id,
    getClient: () => client,
    store: Store.memory(),
    waitForConfirmation: true,
  })
  const mppx = Mppx.create({ methods: [method], secretKey, realm, transport: Transport.mcpSdk() })
  return gateOf((extra) => Reflect.apply(mppx.charge({ amount, expires: expires() }), undefined, [extra]))
}

/** Charges 0.01 AlphaUSD for each call from a session (protocol v2). */
export function sessionGate(chain: Pick<Chain, 'url' | 'id'>): Gate {
  const client = clientFor(chain.url, ACCOUNTS.payee, chain.id)
  const method = tempo.session({
    account: ACCOUNTS.payee,
    chainId: chain.id,
    currency: addressOf(alphaUSD),
    getClient: () => client,
    store: Store.memory(),
  })
  const mppx = Mppx.create({ methods: [method], secretKey, realm, transport: Transport.mcpSdk() })
  const options = { amount: '0.01', unitType: 'call' }
  return gateOf((extra) =>
    Reflect.apply(mppx.session({ ...options, expires: expires() }), undefined, [extra]),
  )
}

/** Charges one dollar through Stripe. */
export function stripeGate({ host, port }: Pick<StripeDouble, 'host' | 'port'>): Gate {
  const client = new Stripe('sk_test_shop', { host, port, protocol: 'http', maxNetworkRetries: 0 })
  const method = stripe.charge({ client, networkId: profileOf('shop'), paymentMethodTypes: ['card'] })
  const mppx = Mppx.create({ methods: [method], secretKey, realm, transport: Transport.mcpSdk() })
  const options = { amount: '1', currency: 'usd', decimals: 2, expires: expires() }
  return gateOf((extra) => Reflect.apply(mppx.charge(options), undefined, [extra]))
}

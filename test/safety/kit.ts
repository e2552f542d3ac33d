import { type LocalAccount, privateKeyToAccount } from 'viem/accounts'
import { memoryLedger } from '../../src/entry/ledger-memory.js'
import {
  createPurser,
  isPaymentError,
  type Ledger,
  type Outcome,
  type Payment,
  type PaymentError,
  type PolicyDocument,
  type Purser,
  type PurserOptions,
  token,
} from '../../src/index.js'
import { type TempoOptions, tempo } from '../../src/wallet/tempo/index.js'
import type { BehaviourName } from './behaviours.js'
import { type StubNode, stubNode } from './node.js'
import { type Behaviour, CHAIN_ID, TOKEN } from './offers.js'
import { type HostileServer, hostileServer } from './server.js'

/** Known to everybody: nothing here ever reaches a chain. */
export const KEY = '0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80'
/** A cent in the policy's unit. */
export const CENT_UNITS = 10_000_000n

export const alphaUSD = token(`eip155:${CHAIN_ID}`, TOKEN, {
  symbol: 'AlphaUSD',
  decimals: 6,
  peg: 'iso4217:USD',
})

export interface SetUp {
  readonly policy?: Partial<PolicyDocument>
  /** Further origins of the policy; the server's own comes first. */
  readonly vendors?: PolicyDocument['vendors']
  readonly wallet?: Partial<TempoOptions>
  readonly purser?: Partial<PurserOptions>
  readonly ledger?: Ledger
}

/** A purser whose signatures are counted. */
export interface Payer {
  readonly purser: Purser
  readonly ledger: Ledger
  readonly node: StubNode
  /** Every signature that the account ever made. */
  readonly signatures: number
  payments(): Promise<readonly Payment[]>
  /** What the budgets count, in cents: spent and held. */
  counted(): Promise<number>
  /** One call: what the caller got. */
  call(input: string, init?: Parameters<Purser['fetch']>[1]): Promise<Got>
}

/** What a caller got. */
export interface Got {
  readonly status?: number
  readonly body?: string
  readonly error?: PaymentError
  readonly thrown?: unknown
  readonly code?: string
  readonly funds?: string
  readonly outcome?: Outcome
}

export function countingAccount(sign: (hash: `0x${string}`) => void): LocalAccount {
  const account = privateKeyToAccount(KEY)
  return {
    ...account,
    sign: async (parameters) => {
      sign(parameters.hash)
      return account.sign(parameters)
    },
  }
}

/** Makes one call of a payer. */
export type Call = (purser: Purser, input: string, init?: Parameters<Purser['fetch']>[1]) => Promise<Got>

/**
 * Makes a purser whose signatures are counted.
 *
 * @param vendor - The vendor of the policy: an origin, or the name of a server.
 * @param call - Makes a call. @default `fetch` of an address of the vendor
 */
export function payerFor(vendor: string, setUp: SetUp = {}, call: Call = fetchFrom(vendor)): Payer {
  const node = stubNode()
  let signatures = 0
  const ledger = setUp.ledger ?? memoryLedger()
  const account = countingAccount(() => {
    signatures++
  })
  const purser = createPurser({
    agent: 'victim',
    wallets: [
      tempo({ account, rpc: { [CHAIN_ID]: 'http://127.0.0.1:1/' }, fetch: node.fetch, ...setUp.wallet }),
    ],
    policy: policyFor(vendor, setUp),
    currencies: [alphaUSD],
    ledger,
    patience: 0,
    ...setUp.purser,
  })
  return {
    purser,
    ledger,
    node,
    get signatures() {
      return signatures
    },
    payments: () => paymentsOf(purser),
    async counted() {
      const [budget] = await purser.budgets()
      return budget === undefined ? 0 : Number(budget.spent + budget.held) / Number(CENT_UNITS)
    },
    call: (input, init) => call(purser, input, init),
  }
}

export function policyFor(origin: string, { policy, vendors = [] }: SetUp = {}): PolicyDocument {
  return {
    perPayment: '0.10 USD',
    maxFee: '0.05 USD',
    networks: [`eip155:${CHAIN_ID}`],
    budgets: [{ limit: '1 USD', per: 'day' }],
    vendors: [{ origin }, ...vendors],
    ...policy,
  }
}

export async function paymentsOf(purser: Purser): Promise<readonly Payment[]> {
  const all: Payment[] = []
  for await (const payment of purser.payments()) all.push(payment)
  return all
}

function fetchFrom(origin: string): Call {
  return (purser, input, init) =>
    gotOf(async () => {
      const response = await purser.fetch(new URL(input, origin).href, init)
      const outcome = purser.paymentFor(response)
      const body = await response.text().catch(() => undefined)
      const said = problemIn(response, body)
      return {
        status: response.status,
        ...said,
        ...(body === undefined ? {} : { body }),
        ...(outcome === undefined ? {} : { outcome }),
      }
    })
}

/** What a caller got: also if the call threw. */
export async function gotOf(call: () => Promise<Got>): Promise<Got> {
  try {
    return await call()
  } catch (thrown) {
    if (!isPaymentError(thrown)) return { thrown }
    return { thrown, error: thrown, code: thrown.code, funds: thrown.funds }
  }
}

/** What our own refusal says; nothing for a reply of the server's. */
function problemIn(response: Response, body: string | undefined): Pick<Got, 'code' | 'funds'> {
  if (response.headers.get('x-should-retry') !== 'false' || body === undefined) return {}
  const { code, funds } = JSON.parse(body)
  return { code, funds }
}

/** A server and a payer, gone again when the test is over. */
export async function against(
  behaviour: BehaviourName | Behaviour,
  setUp: SetUp = {},
): Promise<AsyncDisposable & { readonly server: HostileServer; readonly payer: Payer }> {
  const server = await hostileServer(behaviour)
  const payer = payerFor(server.origin, setUp)
  return {
    server,
    payer,
    async [Symbol.asyncDispose]() {
      await payer.purser.close()
      await server.close()
    },
  }
}

/** The states of all payments, oldest first. */
export async function statesOf(payer: Payer): Promise<readonly string[]> {
  return (await payer.payments()).map(({ state }) => state).reverse()
}

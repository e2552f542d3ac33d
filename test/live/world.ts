import type { LocalAccount } from 'viem'
import { memoryLedger } from '../../src/entry/ledger-memory.js'
import {
  createPurser,
  type Ledger,
  type Payment,
  type PaymentQuery,
  type PolicyDocument,
  type Purser,
  type PurserEvent,
  type PurserOptions,
} from '../../src/index.js'
import { type TempoOptions, tempo } from '../../src/wallet/tempo/index.js'
import { alphaUSD, type Chain, LOCAL_CURRENCIES, NETWORK, pathUSD, startChain } from '../chain/chain.js'
import { type PaidApi, type PaidApiOptions, startPaidApi } from '../chain/server.js'

/** A chain and a paid API on it. */
export interface World {
  readonly chain: Chain
  readonly api: PaidApi
  /** A buyer with an account of their own and `funds` of AlphaUSD: nobody else moves its money. */
  buyer(options?: BuyerOptions): Promise<Buyer>
  stop(): Promise<void>
}

export interface BuyerOptions extends Partial<Omit<PurserOptions, 'policy' | 'wallets'>> {
  readonly account?: LocalAccount
  /** AlphaUSD of a new account, in smallest parts; `0n` leaves it empty. Default two dollars. */
  readonly funds?: bigint
  /** Beside what {@link policyFor} says. */
  readonly policy?: PolicyDocument
  readonly wallet?: Partial<TempoOptions>
  /** Origins that may charge. Default: the API. */
  readonly origins?: readonly string[]
}

/** A purser, its account, and everything a test wants to know about both. */
export interface Buyer {
  readonly purser: Purser
  readonly account: LocalAccount
  readonly ledger: Ledger
  /** How often the account was asked to sign. */
  signatures(): number
  /** What left the account on the chain since it was made, in smallest parts of all its dollars together. */
  left(): Promise<bigint>
  /** What the ledger counts: held, or price and fee of what was spent, in the same parts. */
  booked(): Promise<bigint>
  payments(query?: PaymentQuery): Promise<Payment[]>
  /** Collects every event of that name from now on. */
  heard<E extends PurserEvent>(name: E): unknown[]
  /** `fetch`, with the path alone. */
  get(path: string, init?: Parameters<Purser['fetch']>[1]): Promise<Response>
}

export const DOLLAR = 1_000_000n
/** Counters count at nine decimals, these tokens have six. */
export const UNITS_PER_PART = 1_000n

/** Enough for everything in a test that is not about limits. */
export function policyFor(origins: readonly string[], more: PolicyDocument = {}): PolicyDocument {
  return {
    perPayment: '1',
    budgets: [{ limit: '50', per: 'day' }],
    vendors: origins.map((origin) => ({ origin })),
    networks: [NETWORK],
    ...more,
  }
}

export async function startWorld(options: Omit<PaidApiOptions, 'chain'> = {}): Promise<World> {
  const chain = await startChain()
  const api = await startPaidApi({ chain, ...options })
  const pursers: Purser[] = []
  return {
    chain,
    api,
    async buyer(buyer = {}) {
      const made = await makeBuyer(chain, api, buyer)
      pursers.push(made.purser)
      return made
    },
    async stop() {
      await Promise.all(pursers.map((purser) => purser.close()))
      await api.close()
      await chain.stop()
    },
  }
}

async function makeBuyer(chain: Chain, api: PaidApi, options: BuyerOptions): Promise<Buyer> {
  const { account: given, funds = 2n * DOLLAR, policy, wallet, origins = [api.origin], ...rest } = options
  const account = given ?? (await chain.account(funds === 0n ? undefined : funds))
  const counted = countSignatures(account)
  const ledger = typeof rest.ledger === 'object' ? rest.ledger : memoryLedger()
  const purser = createPurser({
    wallets: [tempo({ account: counted.account, rpc: { [chain.id]: chain.url }, ...wallet })],
    policy: policyFor(origins, policy),
    currencies: LOCAL_CURRENCIES,
    ledger,
    ...rest,
  })
  const wealth = async () =>
    (await chain.balanceOf(alphaUSD, account.address)) + (await chain.balanceOf(pathUSD, account.address))
  const before = await wealth()
  const payments = async (query: PaymentQuery = {}) => {
    const all: Payment[] = []
    for await (const payment of purser.payments(query)) all.push(payment)
    return all
  }
  return {
    purser,
    account,
    ledger,
    payments,
    signatures: counted.count,
    left: async () => before - (await wealth()),
    async booked() {
      const units = (await payments()).reduce((sum, payment) => sum + payment.units, 0n)
      if (units % UNITS_PER_PART !== 0n) throw new Error('the ledger counts what no token can move')
      return units / UNITS_PER_PART
    },
    heard(name) {
      const events: unknown[] = []
      purser.on(name, (event) => void events.push(event))
      return events
    },
    get: (path, init) => purser.fetch(api.url(path), init),
  }
}

/** The same account, counting. */
export function countSignatures<A extends LocalAccount>(
  account: A,
  before: () => Promise<unknown> = async () => undefined,
): { readonly account: A; count(): number } {
  let count = 0
  const { sign } = account
  if (sign === undefined) throw new TypeError('this account does not sign hashes')
  const counting: typeof sign = async (parameters) => {
    count++
    await before()
    return sign.call(account, parameters)
  }
  return { account: { ...account, sign: counting }, count: () => count }
}

/** The body of a refusal. */
export async function problemIn(response: Response): Promise<Record<string, unknown>> {
  if (!response.headers.get('content-type')?.startsWith('application/problem+json'))
    throw new Error(`no problem: ${response.status} ${await response.text()}`)
  return record(await response.json())
}

export function record(value: unknown): Record<string, unknown> {
  if (typeof value !== 'object' || value === null) throw new Error('not an object')
  return { ...value }
}

/** The one element. */
export function only<T>(all: readonly T[]): T {
  const [first] = all
  if (first === undefined || all.length !== 1) throw new Error(`${all.length} instead of one`)
  return first
}

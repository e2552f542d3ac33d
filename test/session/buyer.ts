import type { LocalAccount } from 'viem'
import { memoryLedger } from '../../src/entry/ledger-memory.js'
import type { Channel } from '../../src/entry/wallet.js'
import {
  createPurser,
  type Ledger,
  type Payment,
  type PolicyDocument,
  type Purser,
  type PurserOptions,
  type Wallet,
} from '../../src/index.js'
import { type SessionOptions, type SessionWallet, tempoSession } from '../../src/session/index.js'
import { alphaUSD, LOCAL_CURRENCIES, NETWORK, pathUSD } from '../chain/chain.js'
import type { SessionServer } from './fixtures/server.js'
import type { ChannelWorld } from './fixtures/world.js'

/** A purser with one session wallet, and what tests want to know of both. */
export interface SessionBuyer {
  readonly purser: Purser
  readonly wallet: SessionWallet
  readonly account: LocalAccount
  readonly ledger: Ledger
  channels(): Promise<readonly Channel[]>
  payments(): Promise<readonly Payment[]>
  /** What left the account since it was made, in smallest parts. */
  left(): Promise<bigint>
  /** What the ledger counts as spent or held, in the same parts. */
  booked(): Promise<bigint>
}

export interface SessionBuyerOptions {
  readonly account?: LocalAccount
  readonly funds?: bigint
  readonly ledger?: Ledger
  readonly clock?: PurserOptions['clock']
  readonly policy?: PolicyDocument
  readonly wallet?: Partial<SessionOptions>
  /** Wallets beside it. */
  readonly beside?: readonly Wallet[]
  /** The purser's clock, where it is not the wall's; the ledger keeps its own. */
  readonly now?: () => number
  /** What carries the calls. */
  readonly fetch?: typeof globalThis.fetch
}

/** A buyer with an account of its own at these servers. */
export async function sessionBuyer(
  world: ChannelWorld,
  servers: readonly SessionServer[],
  options: SessionBuyerOptions = {},
): Promise<SessionBuyer> {
  const account = options.account ?? (await world.chain.account(options.funds ?? 2_000_000n))
  const ledger = options.ledger ?? memoryLedger(options.clock === undefined ? {} : { clock: options.clock })
  const wallet = tempoSession({
    account,
    rpc: { [world.chain.id]: world.chain.url },
    escrows: [world.escrow.v1],
    ...options.wallet,
  })
  const purser = createPurser({
    wallets: [wallet, ...(options.beside ?? [])],
    policy: {
      perPayment: '1',
      maxFee: '0.1',
      deposits: '5',
      budgets: [{ limit: '50', per: 'day' }],
      vendors: servers.map(({ origin }) => ({ origin, escrows: [world.escrow.v1] })),
      networks: [NETWORK],
      ...options.policy,
    },
    currencies: LOCAL_CURRENCIES,
    ledger,
    ...(options.now === undefined ? {} : { clock: { now: options.now, monotonic: () => performance.now() } }),
    ...(options.fetch === undefined ? {} : { fetch: options.fetch }),
    ...(options.clock === undefined ? {} : { clock: options.clock }),
  })
  const wealth = async () =>
    (await world.chain.balanceOf(alphaUSD, account.address)) +
    (await world.chain.balanceOf(pathUSD, account.address))
  const before = await wealth()
  const payments = async () => {
    const all: Payment[] = []
    for await (const payment of ledger.find({ order: 'oldest' })) all.push(payment)
    return all
  }
  return {
    purser,
    wallet,
    account,
    ledger,
    payments,
    channels: () => ledger.channels({}),
    left: async () => before - (await wealth()),
    booked: async () => (await payments()).reduce((sum, { units }) => sum + units, 0n) / 1_000n,
  }
}

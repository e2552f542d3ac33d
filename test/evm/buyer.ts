import { type LocalAccount, maxUint256 } from 'viem'
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
import { approvePermit2, type EvmOptions, evm } from '../../src/wallet/evm/index.js'
import { countSignatures } from '../live/world.js'
import type { EvmChain } from './chain.js'

export interface BuyerOptions extends Partial<Omit<PurserOptions, 'policy' | 'wallets'>> {
  readonly account?: LocalAccount
  readonly funds?: bigint
  readonly policy?: PolicyDocument
  readonly wallet?: Partial<EvmOptions>
  readonly origins: readonly string[]
}

/** A purser with an account of its own on a chain of Ethereum's kind. */
export interface Buyer extends AsyncDisposable {
  readonly purser: Purser
  readonly account: LocalAccount
  readonly ledger: Ledger
  signatures(): number
  /** Dollars that left the account since it was made, in smallest parts. */
  left(): Promise<bigint>
  /** What the ledger counts, in the same parts. */
  booked(): Promise<bigint>
  payments(query?: PaymentQuery): Promise<Payment[]>
  heard<E extends PurserEvent>(name: E): unknown[]
  /** Lets Permit2 take what a permit of this account says. */
  approve(): Promise<void>
}

const UNITS_PER_PART = 1_000n

export function policyFor(
  { network }: Pick<EvmChain, 'network'>,
  origins: readonly string[],
  more: PolicyDocument = {},
): PolicyDocument {
  return {
    perPayment: '1',
    budgets: [{ limit: '50', per: 'day' }],
    vendors: origins.map((origin) => ({ origin })),
    networks: [network],
    ...more,
  }
}

export async function makeBuyer(chain: EvmChain, options: BuyerOptions): Promise<Buyer> {
  const { account: given, funds = 2_000_000n, policy, wallet, origins, ...rest } = options
  const account = given ?? (await chain.account(funds))
  const counted = countSignatures(account)
  const ledger = typeof rest.ledger === 'object' ? rest.ledger : memoryLedger()
  const purser = createPurser({
    wallets: [evm({ account: counted.account, rpc: { [chain.id]: chain.url }, ...wallet })],
    policy: policyFor(chain, origins, policy),
    currencies: [chain.dollar, chain.quiet],
    ledger,
    ...rest,
  })
  const before = await chain.balanceOf(account.address)
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
    left: async () => before - (await chain.balanceOf(account.address)),
    async booked() {
      const units = (await payments()).reduce((sum, { units: of }) => sum + of, 0n)
      return units / UNITS_PER_PART
    },
    heard(name) {
      const events: unknown[] = []
      purser.on(name, (event) => void events.push(event))
      return events
    },
    async approve() {
      const rpc = { [chain.id]: chain.url }
      await approvePermit2({ account, rpc, token: chain.dollar.id, amount: maxUint256 })
    },
    [Symbol.asyncDispose]: () => purser.close(),
  }
}

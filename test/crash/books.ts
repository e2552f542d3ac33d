import { privateKeyToAccount } from 'viem/accounts'
import type { Clock } from '../../src/entry/ledger.js'
import { createPurser, type Payment, type Purser, type PurserOptions } from '../../src/index.js'
import { sqliteLedger } from '../../src/ledger/sqlite/index.js'
import { tempo } from '../../src/wallet/tempo/index.js'
import { alphaUSD, type Chain, LOCAL_CURRENCIES, pathUSD } from '../chain/chain.js'
import { memosOf, type Transfer, transfersOf } from '../chain/transfers.js'
import { policyFor } from './policy.js'
import type { Job } from './words.js'

/** What every payer's account holds at first. */
export const FUNDS = 1_000_000n
/** The pathUSD that `chain.account` gives beside it. */
const PATH_FUNDS = 100_000n
/** Units have nine decimals, the token six. */
export const UNITS_PER_PART = 1_000n

/** A job, and the address behind its key. */
export type Owner = Omit<Job, 'chain' | 'rpc' | 'ahead' | 'calls' | 'killAt' | 'tellAt' | 'reconcile'> & {
  readonly address: string
  /** What its account held of AlphaUSD at first, if it pays fees in another token. Default: {@link FUNDS}, and fees from it. */
  readonly funds?: bigint
}

/** The chain and the ledger, side by side, in smallest parts of a dollar token. */
export interface Books {
  /** Everything that left the account: prices and fees, in either token. */
  readonly left: bigint
  readonly transfers: readonly Transfer[]
  readonly payments: readonly Payment[]
  /** What the ledger counts: spent and held. */
  readonly units: bigint
}

/** The chain is read first: what it shows then, the ledger must count at the latest now, whoever is still paying. */
export async function readBooks(chain: Chain, owner: Owner): Promise<Books> {
  const { funds, address } = owner
  const price = (funds ?? FUNDS) - (await chain.balanceOf(alphaUSD, address))
  const left = funds === undefined ? price : price + PATH_FUNDS - (await chain.balanceOf(pathUSD, address))
  const transfers = await transfersOf(chain, owner.address)
  const ledger = sqliteLedger({ path: owner.ledger })
  const payments: Payment[] = []
  for await (const payment of ledger.find({})) payments.push(payment)
  await ledger.close()
  return { left, transfers, payments, units: payments.reduce((sum, { units }) => sum + units, 0n) }
}

/** How often a purchase was paid on the chain, over all payments under its key. */
export function chargesFor(key: string, { payments, transfers }: Books): number {
  const memos = new Set(payments.filter((payment) => payment.key === key).flatMap(memosOf))
  return transfers.filter(({ memo }) => memos.has(memo)).length
}

/** A successor of the dead payers, whose ledger's clock is that far ahead. */
export function successor(
  chain: Chain,
  owner: Owner,
  ahead: number,
  more: Partial<PurserOptions> = {},
): Purser {
  const clock: Clock = { now: () => Date.now() + ahead, monotonic: () => performance.now() }
  return createPurser({
    agent: 'crash',
    currencies: LOCAL_CURRENCIES,
    wallets: [
      tempo({
        account: privateKeyToAccount(owner.account),
        rpc: { [chain.id]: chain.url },
        validityMs: owner.validityMs,
        lanes: owner.lanes,
      }),
    ],
    policy: policyFor(owner.origin, owner.limit),
    ledger: sqliteLedger({ path: owner.ledger, clock }),
    patience: 15_000,
    ...more,
  })
}

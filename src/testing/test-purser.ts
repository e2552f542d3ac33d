import { createPurserWithoutFiles, type Purser, type PurserOptions } from '../client/index.js'
import { pristine } from '../fetch/index.js'
import { type Ledger, memoryLedger, type Payment, type PaymentQuery } from '../ledger/index.js'
import { formatUnits, type Instant } from '../money/index.js'
import type { Recovery } from '../pay/index.js'
import { createPolicy, type Policy } from '../policy/index.js'
import { type TestClock, type TestTime, testClock } from './clock.js'
import type { PaidKind } from './rails.js'
import { type TestWallet, testWallet } from './wallet.js'

/** Options of {@link testPurser}: those of `createPurser`, without wallets, ledger and clock. */
export interface TestPurserOptions extends Omit<PurserOptions, 'wallets' | 'ledger' | 'clock'> {
  /** The money of the wallet, for example `1 USD`. Default: it never runs out. */
  readonly balance?: string
  /** The ways in which the wallet can pay. Default: all that `paidApi` offers. */
  readonly kinds?: readonly PaidKind[]
  /** The deposit of a new session, for example `0.50`. Default: a hundred prices. */
  readonly deposit?: string
  /** The time at which the test starts, in epoch milliseconds. Default: noon UTC of Monday, 5 January 2026. */
  readonly start?: Instant
}

/** A purser for tests, with the things that a test moves and reads. */
export interface TestPurser {
  /** Give it, or its `fetch`, to the code that you test. */
  readonly purser: Purser
  readonly clock: TestClock
  readonly wallet: TestWallet
  readonly ledger: Ledger
  /** The sum that was paid, for example `0.02 USD`. A query narrows it to an agent, a task or a vendor. */
  paid(query?: PaymentQuery): Promise<string>
  /** The sum that is set aside: for payments in progress, and for payments whose outcome is unknown. */
  held(query?: PaymentQuery): Promise<string>
  /** What may still be spent: the least that any budget has left. Undefined if no budget limits money. */
  left(): Promise<string | undefined>
  /** The payments, the oldest first. Refusals are not among them. */
  payments(query?: PaymentQuery): Promise<readonly Payment[]>
  /** The refusals, the oldest first. `reasons` says why. */
  refusals(query?: PaymentQuery): Promise<readonly Payment[]>
  /** Moves the clock forward, and then checks the payments whose outcome can be known by now. */
  advance(time: TestTime): Promise<Recovery>
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/**
 * Creates a purser for tests. Its wallet signs nothing that is worth money, its clock stands still until the test moves
 * it, and its ledger is in memory. It sends requests through the global `fetch` of that moment, so msw sees them.
 *
 * @throws TypeError and PaymentError as `createPurser` does.
 * @see docs/testing-your-agent.md
 * @example
 * ```ts
 * const { purser, paid, left } = testPurser({ policy })
 * await purser.fetch('https://api.example/search')
 * await paid() // '0.01 USD'
 * await left() // '4.99 USD'
 * ```
 */
export function testPurser({ balance, deposit, kinds, start, ...options }: TestPurserOptions): TestPurser {
  const policy = isPolicy(options.policy) ? options.policy : createPolicy(options.policy)
  const clock = testClock(start)
  const wallet = testWallet({
    clock,
    ...(kinds === undefined ? {} : { kinds }),
    ...(balance === undefined ? {} : { balance }),
    ...(deposit === undefined ? {} : { deposit }),
  })
  const ledger = memoryLedger({ clock })
  const purser = createPurserWithoutFiles({
    fetch: (input, init) => pristine(globalThis.fetch)(input, init),
    ...options,
    policy,
    wallets: [wallet],
    ledger,
    clock,
  })
  const all = async (query: PaymentQuery): Promise<readonly Payment[]> => {
    const found: Payment[] = []
    for await (const payment of purser.payments({ order: 'oldest', ...query })) found.push(payment)
    return found
  }
  const sum = async (query: PaymentQuery, states: readonly Payment['state'][]): Promise<string> => {
    const payments = await all({ ...query, states })
    return formatUnits(
      payments.reduce((total, { units }) => total + units, 0n),
      policy.symbol,
    )
  }
  return {
    purser,
    clock,
    wallet,
    ledger,
    paid: (query = {}) => sum(query, ['settled']),
    held: (query = {}) => sum(query, ['held', 'committed']),
    async left() {
      const rooms = (await purser.budgets()).filter(({ counts }) => counts === 'spend')
      const [least] = rooms.toSorted((a, b) => (a.remaining < b.remaining ? -1 : 1))
      return least === undefined ? undefined : formatUnits(least.remaining, policy.symbol)
    },
    payments: (query = {}) => all({ states: ['held', 'committed', 'settled', 'released'], ...query }),
    refusals: (query = {}) => all({ ...query, states: ['denied'] }),
    advance(time) {
      clock.advance(time)
      return purser.recover()
    },
    close: () => purser.close(),
    [Symbol.asyncDispose]: () => purser.close(),
  }
}

function isPolicy(policy: PurserOptions['policy']): policy is Policy {
  return 'evaluate' in policy && typeof policy.evaluate === 'function'
}

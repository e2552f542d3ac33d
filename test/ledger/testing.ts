// `purser/ledger/testing`: the suite that every store of a ledger must pass. It runs in vitest.
import { expect, it } from 'vitest'
import type { Ledger } from '../../src/ledger/index.js'
import { type LedgerStore, storeLedger } from '../../src/ledger/key-value/index.js'
import { approvalContract } from './approval-contract.js'
import { clockContract, reopeningContract } from './clock-contract.js'
import { contract } from './contract.js'
import { CENT, holdOf, TestClock } from './fixtures.js'
import { refusalContract } from './refusal-contract.js'
import { repeatContract } from './repeat-contract.js'

/**
 * Makes the connection of a store to the database of that name. The same name again gives another connection to the same
 * database; a new name gives an empty one.
 */
export type MakeLedgerStore = (database: string) => LedgerStore

/** How many payments two ledgers race for. */
const RACERS = 40

/**
 * Defines the tests that an implementation of {@link LedgerStore} must pass. Call it in a test file of vitest.
 *
 * @param name - The name of the store in the test titles.
 * @param make - Makes a connection of the store.
 * @example
 * ```ts
 * import { ledgerStoreContract } from 'purser/ledger/testing'
 *
 * ledgerStoreContract('my store', (database) => new MyStore(database))
 * ```
 */
export function ledgerStoreContract(name: string, make: MakeLedgerStore): void {
  let number = 0
  const fresh = (clock: TestClock): Ledger => storeLedger(make(`fresh-${++number}`), { clock })
  const openAt = (place: string, clock: TestClock): Ledger => storeLedger(make(`at-${place}`), { clock })
  contract(name, fresh)
  refusalContract(name, fresh)
  repeatContract(name, fresh)
  approvalContract(name, openAt)
  clockContract(name, openAt)
  reopeningContract(name, openAt)

  it(`${name}: two ledgers on one store share a budget to the last cent`, { timeout: 60_000 }, async () => {
    const clock = new TestClock()
    const ledgers = [openAt('race', clock), openAt('race', clock)]
    const limit = (BigInt(RACERS) / 2n) * 10n * CENT
    const tries = Array.from({ length: RACERS }, async (_, index) => {
      const ledger = ledgers[index % ledgers.length] ?? fresh(clock)
      const owner = `owner ${index % ledgers.length}`
      await ledger.renew(owner, 60_000)
      for (;;) {
        const held = await ledger.hold(await holdOf(ledger, `racer ${index}`, { owner, limit }))
        if (held.ok || held.why !== 'stale') return held.ok
      }
    })
    const held = await Promise.all(tries)
    expect(held.filter(Boolean)).toHaveLength(RACERS / 2)
    for (const ledger of ledgers) await ledger.close()
  })
}

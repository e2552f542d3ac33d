import { setTimeout as sleep } from 'node:timers/promises'
import type { Purser } from '../../src/index.js'
import type { Chain } from '../chain/chain.js'
import { type Books, chargesFor, readBooks, successor, UNITS_PER_PART } from './books.js'
import { checkNow, type Findings } from './checks.js'
import type { Scenario } from './scenario.js'

const ROUNDS = 8
const PAUSE_MS = 1_000

/** The last process: recovers what the dead ones left, compares, and asks for everything again under the same keys. */
export async function finish(
  chain: Chain,
  scenario: Scenario,
  ahead: number,
  findings: Findings,
): Promise<Books> {
  const purser = successor(chain, scenario, ahead)
  try {
    let books = await checkEqual(chain, scenario, purser, findings)
    for (const { key, path } of scenario.purchases) {
      const before = chargesFor(key, books)
      const response = await purser.fetch(scenario.origin + path, { payment: { idempotencyKey: key } })
      await response.text()
      books = await readBooks(chain, scenario)
      checkNow(scenario, books, findings)
      const charges = chargesFor(key, books)
      findings.expect(
        'what was paid is not paid again after a restart',
        before === 0 || charges === 1,
        () => `${key}: paid again after a restart`,
      )
    }
    books = await checkEqual(chain, scenario, purser, findings)
    findings.expect('the last process gets to its end', true, () => scenario.name)
    return books
  } catch (error) {
    findings.expect('the last process gets to its end', false, () => `${scenario.name}: ${String(error)}`)
    return readBooks(chain, scenario)
  } finally {
    await purser.close()
  }
}

/** After recovery nothing is in doubt, and the ledger equals the chain to the last unit. */
async function checkEqual(
  chain: Chain,
  scenario: Scenario,
  purser: Purser,
  findings: Findings,
): Promise<Books> {
  let books = await recovered(chain, scenario, purser)
  // A proof needs a final block, and so does a proof of failure.
  for (let round = 1; round < ROUNDS && !isEqual(books); round++) {
    await sleep(PAUSE_MS)
    books = await recovered(chain, scenario, purser)
  }
  checkNow(scenario, books, findings)
  const { left, units, payments } = books
  const states = payments.filter(isOpen).map(({ key, state }) => `${key} ${state}`)
  findings.expect(
    'after recovery the ledger equals the chain, fees included',
    isEqual(books),
    () => `${scenario.name}: counts ${units}, ${left} left; open: ${states.join(', ')}`,
  )
  const budgets = await purser.budgets()
  findings.expect(
    'after recovery the counters equal the payments',
    budgets.every(({ spent, held }) => held === 0n && spent === units),
    () => `${scenario.name}: the counters differ from the payments`,
  )
  return books
}

async function recovered(chain: Chain, scenario: Scenario, purser: Purser): Promise<Books> {
  await purser.recover({ reconcile: true })
  return readBooks(chain, scenario)
}

function isEqual({ left, units, payments }: Books): boolean {
  return units === left * UNITS_PER_PART && !payments.some(isOpen)
}

function isOpen({ state }: Books['payments'][number]): boolean {
  return state === 'held' || state === 'committed'
}

import { setTimeout as sleep } from 'node:timers/promises'
import type { Purser } from '../../src/index.js'
import type { Chain } from '../chain/chain.js'
import { type Books, chargesFor, readBooks, successor, UNITS_PER_PART } from './books.js'
import { checkNow, type Findings } from './checks.js'
import type { Scenario } from './scenario.js'

const ROUNDS = 8
const MOST_CALLS = 5
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
      const ask = () => purser.fetch(scenario.origin + path, { payment: { idempotencyKey: key } })
      await (await askAgain(ask)).text()
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
    findings.expect('the last process gets to its end', false, () => `${scenario.name}: ${told(error)}`)
    return readBooks(chain, scenario)
  } finally {
    await purser.close()
  }
}

/**
 * Repeats a call that failed, as any program would: on a busy machine the vendor closes an idle connection just as a request is
 * sent on it. The key is the same, so a repeated call must not pay again.
 *
 * @throws The last failure, after five calls.
 */
async function askAgain(ask: () => Promise<Response>): Promise<Response> {
  for (let call = 1; ; call++) {
    try {
      return await ask()
    } catch (error) {
      if (call === MOST_CALLS) throw error
      await sleep(PAUSE_MS)
    }
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

/** An error with its cause: `fetch failed` alone names nothing. */
function told(error: unknown): string {
  const cause = error instanceof Error && error.cause !== undefined ? ` (${String(error.cause)})` : ''
  return `${String(error)}${cause}`
}

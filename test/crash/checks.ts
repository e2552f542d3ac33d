import { parseUnits } from '../../src/money/index.js'
import { type Books, chargesFor, UNITS_PER_PART } from './books.js'
import type { Ended } from './job.js'
import type { Scenario } from './scenario.js'

/** What a campaign found out. */
export class Findings {
  checks = 0
  deliveries = 0
  readonly #broken = new Set<string>()

  get broken(): readonly string[] {
    return [...this.#broken]
  }

  expect(holds: boolean, says: () => string): void {
    this.checks++
    if (!holds) this.#broken.add(says())
  }
}

/** What holds at every moment, whoever is paying or has just died. */
export function checkNow(scenario: Scenario, books: Books, findings: Findings): void {
  const { name, limit, purchases } = scenario
  const { left, units, payments, transfers } = books
  let charges = 0
  for (const { key } of purchases) {
    const times = chargesFor(key, books)
    findings.expect(times <= 1, () => `${key}: charged ${times} times`)
    charges += times
  }
  findings.expect(charges === transfers.length, () => `${name}: a transfer that the ledger knows nothing of`)
  findings.expect(
    units >= left * UNITS_PER_PART,
    () => `${name}: counts ${units}, but ${left} left the account`,
  )
  findings.expect(
    units <= (parseUnits(limit) ?? 0n),
    () => `${name}: counts ${units} of a budget of ${limit}`,
  )
  const open = payments.filter(
    ({ state }) => state === 'held' || state === 'committed' || state === 'settled',
  )
  const keys = open.map(({ key }) => key)
  findings.expect(new Set(keys).size === keys.length, () => `${name}: two payments under one key`)
}

/** What a process got to read is in the ledger, receipt and all, though it died. */
export function checkDelivered(
  { purchases }: Scenario,
  books: Books,
  delivered: Ended['delivered'],
  findings: Findings,
): void {
  for (const [key, reference] of delivered) {
    findings.deliveries++
    const paid = books.payments.filter((payment) => payment.key === key && payment.delivered)
    const free = purchases.some((purchase) => purchase.key === key && purchase.route === '/zero')
    // A proof moves nothing, so a successor may have closed it before the one that stalled read its answer.
    const closed = free && books.payments.some(({ state, key: its }) => its === key && state === 'released')
    if (closed) continue
    findings.expect(paid.length === 1, () => `${key}: delivered, and the ledger says ${paid.length} times`)
    const receipts = paid.flatMap((payment) => payment.receipts.map((receipt) => receipt.reference))
    findings.expect(
      reference === undefined || receipts.includes(reference),
      () => `${key}: the receipt of ${reference} is lost`,
    )
    findings.expect(free || chargesFor(key, books) === 1, () => `${key}: delivered without a charge`)
  }
}

import { parseUnits } from '../../src/money/index.js'
import { type Books, chargesFor, UNITS_PER_PART } from './books.js'
import type { Ended } from './job.js'
import type { Scenario } from './scenario.js'

/** What is compared, in the order of the table. */
export const PROMISES = [
  'a key is charged at most once',
  'the ledger knows every charge',
  'the ledger counts at least what left the account',
  'the budget is kept to the unit',
  'a key has at most one open payment',
  'what was delivered is in the ledger',
  'its receipt is in the ledger',
  'what was delivered was charged',
  'what was delivered before a power cut still counts',
  'after recovery the ledger equals the chain, fees included',
  'after recovery the counters equal the payments',
  'what was paid is not paid again after a restart',
  'the last process gets to its end',
] as const
export type Promised = (typeof PROMISES)[number]

/** What a campaign found out. */
export class Findings {
  deliveries = 0
  readonly #checks = new Map<Promised, number>()
  readonly #broken = new Map<string, Promised>()

  /** How often each promise was looked at, and how often it was broken, each breach counted once. */
  get promises(): readonly (readonly [promise: Promised, checks: number, broken: number])[] {
    const broken = [...this.#broken.values()]
    return PROMISES.map((promise) => [
      promise,
      this.#checks.get(promise) ?? 0,
      broken.filter((each) => each === promise).length,
    ])
  }

  get broken(): readonly string[] {
    return [...this.#broken.keys()]
  }

  expect(promise: Promised, holds: boolean, message: () => string): void {
    this.#checks.set(promise, (this.#checks.get(promise) ?? 0) + 1)
    if (!holds) this.#broken.set(message(), promise)
  }
}

/** What holds at every moment, whoever is paying or has just died. */
export function checkNow(scenario: Scenario, books: Books, findings: Findings): void {
  const { name, limit, purchases } = scenario
  const { left, units, payments, transfers } = books
  let charges = 0
  for (const { key } of purchases) {
    const times = chargesFor(key, books)
    findings.expect('a key is charged at most once', times <= 1, () => `${key}: charged ${times} times`)
    charges += times
  }
  findings.expect(
    'the ledger knows every charge',
    charges === transfers.length,
    () => `${name}: a transfer that the ledger knows nothing of`,
  )
  findings.expect(
    'the ledger counts at least what left the account',
    units >= left * UNITS_PER_PART,
    () => `${name}: counts ${units}, but ${left} left the account`,
  )
  findings.expect(
    'the budget is kept to the unit',
    units <= (parseUnits(limit) ?? 0n),
    () => `${name}: counts ${units} of a budget of ${limit}`,
  )
  const open = payments.filter(
    ({ state }) => state === 'held' || state === 'committed' || state === 'settled',
  )
  const keys = open.map(({ key }) => key)
  findings.expect(
    'a key has at most one open payment',
    new Set(keys).size === keys.length,
    () => `${name}: two payments under one key`,
  )
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
    // A proof moves nothing: a successor may close it before its answer is read, and make another.
    findings.expect(
      'what was delivered is in the ledger',
      free ? paid.length >= 1 : paid.length === 1,
      () => `${key}: delivered, and the ledger says ${paid.length} times`,
    )
    const receipts = paid.flatMap((payment) => payment.receipts.map((receipt) => receipt.reference))
    findings.expect(
      'its receipt is in the ledger',
      reference === undefined || receipts.includes(reference),
      () => `${key}: the receipt of ${reference} is lost`,
    )
    findings.expect(
      'what was delivered was charged',
      free || chargesFor(key, books) === 1,
      () => `${key}: delivered without a charge`,
    )
  }
}

/**
 * What a process got to read before the power went was paid for, and counts. That it was delivered may be lost: then the
 * answer is asked for again, and not paid again.
 */
export function checkCounted(
  { purchases }: Scenario,
  books: Books,
  delivered: Ended['delivered'],
  findings: Findings,
): void {
  for (const [key] of delivered) {
    if (purchases.some((purchase) => purchase.key === key && purchase.route === '/zero')) continue
    findings.deliveries++
    const counting = books.payments.filter(
      ({ key: its, state }) => its === key && (state === 'committed' || state === 'settled'),
    )
    findings.expect(
      'what was delivered before a power cut still counts',
      counting.length === 1 && chargesFor(key, books) === 1,
      () => `${key}: delivered before a power cut, and the ledger counts it ${counting.length} times`,
    )
  }
}

import { expect, test } from 'vitest'
import { memoryLedger } from '../../src/entry/ledger-memory.js'
import { budgetsOf } from '../../src/ledger/budgets.js'
import type { Ledger } from '../../src/ledger/index.js'
import { type Context, createPolicy, type Policy, type PolicyDocument } from '../../src/policy/index.js'
import { CENT, committed, DAY, holdOf, START, settled, TestClock, termsOf } from '../ledger/fixtures.js'
import { resource } from '../pay/peers.js'

const context: Context = { agent: 'researcher', tasks: [] }
const document: PolicyDocument = {
  name: 'team',
  perPayment: '1',
  budgets: [
    { limit: '5', per: 'day' },
    { payments: 10, per: 'day' },
    { limit: '1', per: 'day', each: 'vendor' },
  ],
  deposits: '2',
  vendors: [{ origin: 'https://*.search.example' }],
}

interface Bench {
  readonly policy: Policy
  readonly ledger: Ledger
  buy(id: string, price: number, vendor?: string): Promise<void>
}

async function bench(more: Partial<PolicyDocument> = {}): Promise<Bench> {
  const policy = createPolicy({ ...document, ...more })
  await policy.ready()
  const ledger = memoryLedger({ clock: new TestClock() })
  await ledger.renew('me', 60_000)
  return {
    policy,
    ledger,
    async buy(id, price, vendor = 'https://api.search.example') {
      const shop = { ...resource(), vendor }
      const terms = termsOf({ price })
      const facts = await ledger.facts({
        vendor: shop.vendor,
        operation: shop.operation,
        agent: context.agent,
        unit: 'iso4217:USD',
      })
      const decision = policy.evaluate(terms, shop, context, facts)
      const hold = await holdOf(ledger, id, { price, vendor: shop.vendor })
      expect(await ledger.hold({ ...hold, decision })).toMatchObject({ ok: true })
    },
  }
}

test('every budget that stands, before anything was spent', async () => {
  const { policy, ledger } = await bench()
  const budgets = await budgetsOf(policy, ledger, context)
  expect(budgets.map(({ message }) => message)).toEqual(
    expect.arrayContaining(['0 USD of 5 USD spent', '0 of 10 payments', '0 USD of 2 USD locked up']),
  )
  for (const { spent, held, limit, remaining } of budgets)
    expect([spent, held, remaining]).toEqual([0n, 0n, limit])
})

test('what is held and what is spent are told apart, and each vendor that was ever paid has a line', async () => {
  const { policy, ledger, buy } = await bench()
  await buy('p1', 20)
  await buy('p2', 10)
  await ledger.advance('p1', committed())
  await ledger.advance('p1', settled)
  const budgets = await budgetsOf(policy, ledger, context)
  const of = (part: object) =>
    budgets.find((one) => Object.entries(part).every(([k, v]) => Reflect.get(one, k) === v))
  expect(of({ counts: 'spend', limit: 500n * CENT })).toMatchObject({
    window: 'day@UTC',
    spent: 20n * CENT,
    held: 10n * CENT,
    remaining: 470n * CENT,
    resetsAt: Math.floor(START / DAY) * DAY + DAY,
    message: '0.2 USD of 5 USD spent, 0.1 USD held',
  })
  expect(of({ counts: 'payments' })).toMatchObject({ limit: 10n, remaining: 8n, message: '2 of 10 payments' })
  const vendors = budgets.filter(({ scope }) => scope.vendor !== undefined)
  expect(vendors).toHaveLength(1)
  expect(vendors[0]).toMatchObject({ limit: 100n * CENT, remaining: 70n * CENT })
})

test('an origin below a listed wildcard counts under the wildcard, beside a vendor of no list', async () => {
  const { policy, ledger, buy } = await bench({ unlisted: 'allow' })
  await buy('p1', 20)
  await buy('p2', 10, 'https://other.example')
  await buy('p3', 5)
  const budgets = await budgetsOf(policy, ledger, context)
  const vendors = budgets.filter(({ scope }) => scope.vendor !== undefined)
  expect(vendors.map(({ scope, held }) => [scope.vendor, held])).toEqual([
    ['https://*.search.example', 25n * CENT],
    ['https://other.example', 10n * CENT],
  ])
})

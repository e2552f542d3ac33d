import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, expect, it } from 'vitest'
import type { Ledger, Move, Payment } from '../../src/ledger/index.js'
import { memoryLedger } from '../../src/ledger/memory.js'
import { sqliteLedger } from '../../src/ledger/sqlite/index.js'
import {
  CENT,
  cents,
  committed,
  DAY,
  dayClaim,
  everClaim,
  holdOf,
  rollingClaim,
  TestClock,
} from './fixtures.js'

const folder = mkdtempSync(join(tmpdir(), 'purser-model-'))
afterAll(() => rmSync(folder, { recursive: true }))
let number = 0

const AGENTS = ['researcher', 'writer']
const VENDORS = ['https://a.example', 'https://b.example']

type Step =
  | {
      readonly do: 'hold'
      readonly id: number
      readonly price: number
      readonly fee: number
      readonly agent: number
      readonly vendor: number
      readonly key: number
      readonly print: number
      readonly doc: number
      readonly lane: boolean
    }
  | { readonly do: 'move'; readonly id: number; readonly move: Move }
  | { readonly do: 'pass'; readonly ms: number }
  | { readonly do: 'renew' }
  | { readonly do: 'retire' }

const small = (max: number) => fc.integer({ min: 0, max })
const fee = fc.option(
  fc.integer({ min: 0, max: 9 }).map((n) => cents(n)),
  { nil: undefined },
)
const some = <T>(name: string, value: T | undefined) => (value === undefined ? {} : { [name]: value })

const move: fc.Arbitrary<Move> = fc.oneof(
  fc.boolean().map((pin) => committed({}, { pin })),
  fc.boolean().map((pin) => committed({ payee: '0xbbbb' }, { pin })),
  fee.map((burnt): Move => ({ to: 'voided', attempt: 0, reason: 'void', ...some('fee', burnt) })),
  fc.constant<Move>({ to: 'unresolved' }),
  fc.constant<Move>({ to: 'taken-over', owner: 'me' }),
  fc.tuple(fc.constantFrom('receipt', 'chain', 'person'), fc.option(small(30)), fee, fc.boolean()).map(
    ([proof, spent, taken, delivered]): Move => ({
      to: 'settled',
      proof,
      delivered,
      ...(spent === null ? {} : { spent: cents(spent) }),
      ...some('fee', taken),
    }),
  ),
  fee.map((burnt): Move => ({ to: 'released', reason: 'void', ...some('fee', burnt), lane: 3n })),
  fc.constant<Move>({ to: 'delivered' }),
  fc.constant<Move>({ to: 'undelivered' }),
  fc.constant<Move>({ to: 'reported' }),
)

const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({
        do: fc.constant('hold' as const),
        id: small(6),
        price: fc.integer({ min: 1, max: 20 }),
        fee: small(3),
        agent: small(1),
        vendor: small(1),
        key: small(4),
        print: small(2),
        doc: small(2),
        lane: fc.boolean(),
      }),
    },
    { weight: 6, arbitrary: fc.record({ do: fc.constant('move' as const), id: small(6), move }) },
    {
      weight: 1,
      arbitrary: fc.record({
        do: fc.constant('pass' as const),
        ms: fc.constantFrom(1, 1000, 60_000, DAY / 2),
      }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('renew' as const) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('retire' as const) }) },
  ),
  { minLength: 5, maxLength: 40 },
)

/** The budgets of three documents under one name; each names others. */
function claimsOf(doc: number, now: number, units: bigint, agent: string, vendor: string) {
  const limit = 60n * CENT
  const all = [
    dayClaim(now, units, limit),
    everClaim(units, 2n * limit, { agent }),
    rollingClaim(now, units, 2n * limit, { vendor }),
    { ...everClaim(1n, 8n, { vendor }), counts: 'payments' as const, window: 'ever' },
  ]
  return all.filter((_, index) => index !== doc)
}

async function act(ledger: Ledger, taken: Step, clock: TestClock): Promise<unknown> {
  if (taken.do === 'renew') return ledger.renew('me', 120_000)
  if (taken.do === 'retire') return ledger.retire('me')
  if (taken.do === 'pass') return undefined
  if (taken.do === 'move')
    return ledger.advance(`p${taken.id}`, taken.move).catch((error: unknown) => String(error))
  const agent = AGENTS[taken.agent] ?? ''
  const vendor = VENDORS[taken.vendor] ?? ''
  const units = BigInt(taken.price + taken.fee) * CENT
  const { now } = await ledger.facts({ vendor, operation: 'o', agent, unit: 'iso4217:USD' })
  expect(now).toBe(clock.wall)
  const hold = await holdOf(ledger, `p${taken.id}`, {
    price: taken.price,
    fee: taken.fee,
    agent,
    vendor,
    fingerprint: `f${taken.print}`,
    claims: claimsOf(taken.doc, now, units, agent, vendor),
    ...(taken.key < 2 ? { key: `k${taken.key}` } : {}),
    ...(taken.lane ? { lane: { names: ['l1', 'l2'], otherwise: 'go' } } : {}),
  })
  return ledger.hold(hold).catch((error: unknown) => String(error))
}

const everything = async (ledger: Ledger): Promise<readonly Payment[]> => {
  const all: Payment[] = []
  for await (const payment of ledger.find({ order: 'oldest' })) all.push(payment)
  return all
}

it('memory and SQLite agree, and counters are what the payments come to', { timeout: 120_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (plan) => {
      const clock = new TestClock()
      const memory = memoryLedger({ clock })
      const sqlite = sqliteLedger({ path: join(folder, `${++number}.db`), synchronous: 'normal', clock })
      await memory.renew('me', 120_000)
      await sqlite.renew('me', 120_000)
      for (const taken of plan) {
        if (taken.do === 'pass') clock.pass(taken.ms)
        const [a, b] = [await act(memory, taken, clock), await act(sqlite, taken, clock)]
        expect(b).toEqual(a)
      }
      const payments = await everything(memory)
      expect(await everything(sqlite)).toEqual(payments)
      const claims = [
        dayClaim(clock.wall, 0n, 60n * CENT),
        ...AGENTS.map((agent) => everClaim(0n, 0n, { agent })),
        ...VENDORS.map((vendor) => rollingClaim(clock.wall, 0n, 0n, { vendor })),
        // Never claimed: filled now, from the payments.
        everClaim(0n, 0n),
        rollingClaim(clock.wall, 0n, 0n),
      ]
      const rooms = await memory.room(claims)
      expect(await sqlite.room(claims)).toEqual(rooms)
      const counted = (wanted: (payment: Payment) => boolean) =>
        payments.filter(wanted).reduce((sum, { units }) => sum + units, 0n)
      const inAll = rooms.map(({ held, spent }) => held + spent)
      expect(inAll.slice(1)).toEqual([
        ...AGENTS.map((agent) => counted(({ context }) => context.agent === agent)),
        ...VENDORS.map((vendor) => counted(({ resource }) => resource.vendor === vendor)),
        counted(() => true),
        counted(() => true),
      ])
      await sqlite.close()
    }),
    { numRuns: 60 },
  )
})

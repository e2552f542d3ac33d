import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, expect, it, onTestFinished, vi } from 'vitest'
import { beginCounting, fillSome, saveCounted, weightsOf } from '../../src/ledger/counters.js'
import { total } from '../../src/ledger/counts.js'
import { holdIn } from '../../src/ledger/hold.js'
import type { Ledger, Move, Payment } from '../../src/ledger/index.js'
import { memoryLedger } from '../../src/ledger/memory.js'
import { MemoryTables } from '../../src/ledger/memory-tables.js'
import { applyMove } from '../../src/ledger/payment-state.js'
import { loadDriver } from '../../src/ledger/sqlite/driver.js'
import { sqliteLedger } from '../../src/ledger/sqlite/index.js'
import { counterKey } from '../../src/policy/index.js'
import {
  type Buy,
  CENT,
  cents,
  committed,
  everClaim,
  holdOf,
  rollingClaim,
  START,
  settled,
  TestClock,
} from './fixtures.js'

const folder = mkdtempSync(join(tmpdir(), 'purser-filling-'))
afterAll(() => rmSync(folder, { recursive: true }))

let number = 0
const limit = 10n ** 15n
const vendorOf = (n: number): string => `https://vendor${n % 7}.example`
const buyOf = (n: number, more: Buy = {}): Buy => ({
  price: 1 + (n % 5),
  fee: 1,
  vendor: vendorOf(n),
  claims: [everClaim(CENT, limit)],
  tasks: n % 3 === 0 ? ['t'] : [],
  ...more,
})

async function pay(ledger: Ledger, id: string, buy: Buy): Promise<void> {
  expect(await ledger.hold(await holdOf(ledger, id, buy))).toMatchObject({ ok: true })
  await ledger.advance(id, committed(buy))
  await ledger.advance(id, settled)
}

async function unitsOf(ledger: Ledger, wanted: (payment: Payment) => boolean = () => true): Promise<bigint> {
  let units = 0n
  for await (const payment of ledger.find({})) if (wanted(payment)) units += payment.units
  return units
}

const openAt = (path: string, clock: TestClock): Ledger => {
  const ledger = sqliteLedger({ path, synchronous: 'normal', clock })
  onTestFinished(() => ledger.close())
  return ledger
}

/** How often the event loop turns while the work runs. */
async function turnsDuring(work: () => Promise<unknown>): Promise<number> {
  let turns = 0
  let going = true
  const count = (): void => {
    turns++
    if (going) setImmediate(count)
  }
  setImmediate(count)
  await work()
  going = false
  return turns
}

const MADE = 300

async function made(path: string, clock: TestClock): Promise<Ledger> {
  const ledger = openAt(path, clock)
  await ledger.renew('me', 10 ** 9)
  for (let n = 0; n < MADE; n++) {
    clock.pass(1000)
    await pay(ledger, `p${n}`, buyOf(n))
  }
  return ledger
}

it('a budget that is new counts what was paid before, while others pay and settle', async () => {
  const path = join(folder, `${++number}.db`)
  const clock = new TestClock()
  const one = await made(path, clock)
  for (const id of ['held', 'open']) await one.hold(await holdOf(one, id, buyOf(1)))
  await one.advance('open', committed(buyOf(1)))
  const other = openAt(path, clock)
  const claims = [everClaim(0n, limit, { agent: 'researcher' }), rollingClaim(clock.wall, 0n, limit)]
  const asked = one.room(claims)
  // Another process goes on meanwhile: new payments, and payments that may or may not be counted yet.
  for (let n = 0; n < 20; n++) {
    await pay(other, `late${n}`, buyOf(n))
    await other.advance(`p${n * 14}`, { to: 'settled', proof: 'chain', spent: cents(1), fee: cents(0) })
  }
  await other.advance('open', settled)
  await other.advance('held', { to: 'released', reason: 'gone' })
  await asked
  const all = await unitsOf(one)
  for (const ledger of [one, other])
    expect(await ledger.room(claims)).toMatchObject([
      { spent: all, held: 0n },
      { spent: all, held: 0n },
    ])
  const inTask = await unitsOf(one, ({ context }) => context.tasks.length > 0)
  const tasks = ['t', ''].map((task) => everClaim(0n, limit, { agent: 'researcher', task }))
  expect((await one.room(tasks)).map(({ spent }) => spent)).toEqual([inTask, all - inTask])
})

it('a payment under a budget that is new waits for it to be counted, and is short if it must be', async () => {
  const path = join(folder, `${++number}.db`)
  const clock = new TestClock()
  const ledger = await made(path, clock)
  const spent = await unitsOf(ledger)
  const claims = (more: bigint) => [everClaim(2n * CENT, spent + more, { agent: 'researcher' })]
  const hold = async (id: string, more: bigint) =>
    ledger.hold(await holdOf(ledger, id, { price: 1, fee: 1, claims: claims(more) }))
  const answers = await Promise.all([hold('a', 3n * CENT), hold('b', 3n * CENT), hold('c', 3n * CENT)])
  expect(answers.map(({ ok }) => ok)).toEqual([true, false, false])
  expect(answers[1]).toMatchObject({ why: 'short', short: [{ remaining: CENT }] })
})

it('counting goes on where a process that ended had come', async () => {
  const path = join(folder, `${++number}.db`)
  const clock = new TestClock()
  const first = await made(path, clock)
  const claim = everClaim(0n, limit, { agent: 'researcher' })
  const asked = first.room([claim]).catch(() => undefined)
  // After a step or two, before the last.
  await first.get('p1')
  await new Promise((resolve) => setImmediate(resolve))
  await first.close()
  await asked
  const second = openAt(path, clock)
  expect(await second.room([claim])).toMatchObject([{ spent: await unitsOf(second) }])
})

it('one search counts for every vendor of a budget for each', async () => {
  const path = join(folder, `${++number}.db`)
  const clock = new TestClock()
  const first = await made(path, clock)
  const claim = everClaim(0n, limit)
  expect(await first.family(claim, 'vendor')).toEqual([])
  await first.room([everClaim(0n, limit, { vendor: vendorOf(3) })])
  const each = await first.family(claim, 'vendor')
  expect(each.map(({ scope }) => scope.vendor).toSorted()).toEqual(
    Array.from({ length: 7 }, (_, n) => vendorOf(n)),
  )
  const expected = await Promise.all(
    each.map(({ scope }) => unitsOf(first, ({ resource }) => resource.vendor === scope.vendor)),
  )
  await first.close()
  const { DatabaseSync } = await loadDriver()
  const db = new DatabaseSync(path, { timeout: 0 })
  db.exec("UPDATE payments SET body = 'unreadable', core = 'unreadable' WHERE listed = 1")
  db.close()
  const second = openAt(path, clock)
  expect((await second.room(each)).map(({ spent }) => spent)).toEqual(expected)
  expect(await second.room([everClaim(0n, limit, { vendor: 'https://new.example' })])).toMatchObject([
    { spent: 0n },
  ])
})

it('the event loop turns while a budget that is new is counted', async () => {
  const clock = new TestClock()
  const ledgers = [await made(join(folder, `${++number}.db`), clock), memoryLedger({ clock })]
  for (let n = 0; n < MADE; n++) {
    if (n === 0) await ledgers[1]?.renew('me', 10 ** 9)
    if (ledgers[1] !== undefined) await pay(ledgers[1], `p${n}`, buyOf(n))
  }
  // A fast machine counts all of these in one turn. This clock makes every step as long as a slow machine's.
  let now = performance.now()
  const slow = vi.spyOn(performance, 'now').mockImplementation(() => (now += 100))
  onTestFinished(() => slow.mockRestore())
  for (const ledger of ledgers)
    expect(
      await turnsDuring(() => ledger.room([everClaim(0n, limit, { agent: 'researcher' })])),
    ).toBeGreaterThan(1)
})

/** What may be done to a payment between two steps of counting. */
const moves: readonly Move[] = [
  committed(),
  { to: 'settled', proof: 'receipt', delivered: true },
  { to: 'settled', proof: 'chain', spent: cents(1), fee: cents(2), delivered: true },
  { to: 'released', reason: 'void', fee: cents(3) },
  { to: 'voided', attempt: 0, reason: 'void', fee: cents(1) },
]

it('a counter that is filled step by step comes to what the payments come to, whatever happens meanwhile', {
  timeout: 60_000,
}, async () => {
  const clock = new TestClock()
  const ledger = memoryLedger({ clock })
  const holds = await Promise.all(
    Array.from({ length: 230 }, (_, n) => holdOf(ledger, `p${n}`, buyOf(n, { owner: 'me' }))),
  )
  const again = await Promise.all(
    Array.from({ length: 230 }, (_, n) => holdOf(ledger, `p${n}`, buyOf(n, { owner: 'me', price: 9 }))),
  )
  const deed = fc.record({
    id: fc.integer({ min: 0, max: 229 }),
    what: fc.integer({ min: -1, max: moves.length - 1 }),
  })
  fc.assert(
    fc.property(fc.array(fc.array(deed, { maxLength: 12 }), { maxLength: 8 }), (rounds) => {
      const tables = new MemoryTables('id')
      tables.setOwner('me', START + 10 ** 9)
      for (const hold of holds.slice(0, 210))
        expect(holdIn(tables, hold, START)).toMatchObject({ held: { ok: true } })
      const claims = [
        everClaim(0n, limit, { agent: 'researcher' }),
        rollingClaim(START, 0n, limit, { vendor: vendorOf(1) }),
        { ...everClaim(0n, limit, { vendor: vendorOf(2) }), counts: 'payments' as const },
        everClaim(0n, limit, { agent: 'researcher', task: '' }),
        everClaim(0n, limit, { agent: 'researcher', task: 't' }),
      ]
      const act = ({ id, what }: { readonly id: number; readonly what: number }): void => {
        const row = tables.payment(`p${id}`)
        const move = moves[what]
        const hold = again[id]
        if (row === undefined && holds[id] !== undefined) holdIn(tables, holds[id], START)
        else if (move === undefined && hold !== undefined) holdIn(tables, hold, START)
        else if (row !== undefined && move !== undefined) {
          const next = applyMove(row, move, START, true)
          if (next !== undefined) saveCounted(tables, row, next.row)
        }
      }
      for (const round of rounds.slice(0, 2)) round.forEach(act)
      expect(beginCounting(tables, claims)).toBe(false)
      for (const round of rounds.slice(2)) {
        fillSome(tables, () => false)
        round.forEach(act)
      }
      while (!fillSome(tables, () => false));
      for (const claim of claims) {
        const key = counterKey(claim)
        let [counted, held] = [0n, 0n]
        for (let n = 0; n < holds.length; n++) {
          const row = tables.payment(`p${n}`)
          const weight = row === undefined ? undefined : weightsOf(tables, row).get(key)
          counted += weight === undefined ? 0n : total(weight)
          held += weight?.held ?? 0n
        }
        expect(tables.countsSince(key, claim.from)).toEqual({ counted, held })
        expect(counted).toBeGreaterThan(0n)
      }
    }),
    { numRuns: 20 },
  )
})

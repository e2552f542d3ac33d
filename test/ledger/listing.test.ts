import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import type { Ledger, Payment, PaymentQuery } from '../../src/ledger/index.js'
import { memoryLedger } from '../../src/ledger/memory.js'
import { sqliteLedger } from '../../src/ledger/sqlite/index.js'
import { type Buy, CENT, committed, everClaim, holdOf, settled, TestClock } from './fixtures.js'

/** Payments go into the indexes sixty-four at a time: what is found must not depend on which of them are in. */
const MADE = 150

const folder = mkdtempSync(join(tmpdir(), 'purser-listing-'))
afterAll(() => rmSync(folder, { recursive: true }))

const limit = 10n ** 15n
const buyOf = (n: number): Buy => ({
  price: 1,
  vendor: `https://vendor${n % 3}.example`,
  tasks: [`task ${n % 5}`, 'inner'],
  fingerprint: `print ${n % 70}`,
  doubtWindowMs: 0,
  claims: [everClaim(CENT, limit)],
  ...(n % 2 === 0 ? { key: `key ${n}` } : {}),
})

/** Payments in every state, made by two that take turns. */
async function make(turns: readonly [Ledger, Ledger], clock: TestClock): Promise<void> {
  await turns[0].renew('me', 10 ** 9)
  for (let n = 0; n < MADE; n++) {
    const ledger = turns[n % 2 === 0 ? 0 : 1]
    clock.pass(10)
    const id = `p${n}`
    expect(await ledger.hold(await holdOf(ledger, id, buyOf(n)))).toMatchObject({ ok: true })
    if (n % 4 > 0) await ledger.advance(id, committed(buyOf(n)))
    // The end of an earlier one, which may be in the indexes by now.
    if (n % 4 === 2) await ledger.advance(`p${n - 1}`, settled)
    if (n % 40 === 3) await ledger.advance(`p${n}`, { to: 'released', reason: 'void' })
  }
}

async function all(ledger: Ledger, query: PaymentQuery): Promise<readonly string[]> {
  const ids: string[] = []
  for await (const { id } of ledger.find(query)) ids.push(id)
  return ids
}

async function seen(ledger: Ledger): Promise<unknown> {
  const queries: readonly PaymentQuery[] = [
    {},
    { order: 'oldest' },
    { vendor: 'https://vendor1.example' },
    { vendor: 'https://vendor1.example', order: 'oldest', limit: 45 },
    { task: 'task 2' },
    { task: 'inner', limit: 30 },
    { key: 'key 4' },
    { key: `key ${MADE - 2}` },
    { id: 'p5' },
    { id: `p${MADE - 1}` },
    { states: ['held', 'released'] },
  ]
  const found = await Promise.all(queries.map((query) => all(ledger, query)))
  const due: string[] = []
  await ledger.retire('me')
  for await (const { id } of ledger.due({ wallets: ['tempo:0xabc'], which: 'all' })) due.push(id)
  const scopes = [
    {},
    { task: 'task 3/inner' },
    { vendor: 'https://vendor2.example' },
    { agent: 'researcher' },
  ]
  // The last three were never seen: they are filled from the payments.
  const rooms = await ledger.room(scopes.map((scope) => everClaim(0n, limit, scope)))
  return { found, due, rooms: rooms.map(({ spent, held }) => ({ spent, held })) }
}

/** What stands in the way of the same requests once more. */
async function rivals(ledger: Ledger): Promise<unknown> {
  const of = async (n: number, more: Buy): Promise<unknown> => {
    const held = await ledger.hold(await holdOf(ledger, `again ${n}`, { ...buyOf(n), ...more }))
    const by: Payment | undefined = 'by' in held ? held.by : undefined
    return [held.ok, held.ok ? undefined : held.why, by?.id]
  }
  const answers: unknown[] = []
  for (const n of [2, 6, MADE - 4, MADE - 8])
    answers.push(await of(n, {}), await of(n, { fingerprint: 'other' }))
  for (const n of [3, 7, MADE - 3, MADE - 7])
    answers.push(await of(n, { doubtWindowMs: 120_000, owner: 'you' }))
  return answers
}

it('payments are found alike, in the indexes or not', async () => {
  const path = join(folder, 'ledger.db')
  const clocks = [new TestClock(), new TestClock()] as const
  const memory = memoryLedger({ clock: clocks[0] })
  const open = (): Ledger => sqliteLedger({ path, synchronous: 'normal', clock: clocks[1] })
  const [one, other] = [open(), open()]
  await make([memory, memory], clocks[0])
  await make([one, other], clocks[1])
  const expected = [await rivals(memory), await seen(memory)]
  expect([await rivals(one), await seen(one)]).toEqual(expected)
  expect(await seen(other)).toEqual(expected[1])
  const late = open()
  expect(await seen(late)).toEqual(expected[1])
  await Promise.all([one, other, late].map((ledger) => ledger.close()))
})

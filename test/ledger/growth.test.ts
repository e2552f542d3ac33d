import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it, onTestFinished } from 'vitest'
import type { Ledger, PaymentQuery } from '../../src/ledger/index.js'
import { loadDriver } from '../../src/ledger/sqlite/driver.js'
import { sqliteLedger } from '../../src/ledger/sqlite/index.js'
import {
  type Buy,
  CENT,
  committed,
  everClaim,
  evidence,
  holdOf,
  settled,
  settledUntil,
  TestClock,
  VENDOR,
} from './fixtures.js'

const folder = mkdtempSync(join(tmpdir(), 'purser-growth-'))
afterAll(() => rmSync(folder, { recursive: true }))

let number = 0

/** More than are kept out of the indexes. */
const PAST = 200
const limit = 10n ** 15n
const buy: Buy = { price: 1, fee: 1, fingerprint: 'same', claims: [everClaim(2n * CENT, limit)] }

/**
 * A ledger with settled payments of one request whose fee is unread. None of those that are in the indexes can be read
 * any more: whatever reads one fails.
 */
async function withPast(): Promise<{ ledger: Ledger; clock: TestClock }> {
  const path = join(folder, `${++number}.db`)
  const clock = new TestClock()
  const before = sqliteLedger({ path, synchronous: 'normal', clock })
  await before.renew('me', 60_000)
  for (let n = 0; n < PAST; n++) {
    await before.hold(await holdOf(before, `p${n}`, buy))
    await before.advance(`p${n}`, committed(buy))
    await before.advance(`p${n}`, n % 2 === 0 ? settled : settledUntil(clock.wall + 1000))
  }
  await before.close()
  const { DatabaseSync } = await loadDriver()
  const db = new DatabaseSync(path, { timeout: 0 })
  db.exec("UPDATE payments SET body = 'unreadable', core = 'unreadable' WHERE listed = 1")
  db.close()
  const ledger = sqliteLedger({ path, synchronous: 'normal', clock })
  onTestFinished(() => ledger.close())
  return { ledger, clock }
}

/** So many are made before: enough for the first ones to be in the indexes. */
const COPIED = 130

/** A ledger with `n` copies of one settled payment between two others, a minute apart: `old`, the copies, `new`. */
async function withCopies(n: number): Promise<{ ledger: Ledger; clock: TestClock; path: string }> {
  const path = join(folder, `${++number}.db`)
  const clock = new TestClock()
  const before = sqliteLedger({ path, synchronous: 'normal', clock })
  await before.renew('me', 600_000)
  const pay = async (id: string, more: Buy): Promise<void> => {
    const made = { ...buy, claims: [everClaim(2n * CENT, limit)], fingerprint: id, ...more }
    expect(await before.hold(await holdOf(before, id, made))).toMatchObject({ ok: true })
    await before.advance(id, committed(made))
  }
  await pay('old', { agent: 'writer', key: 'old', tasks: ['t'] })
  for (let each = 0; each < COPIED; each++) {
    await pay(`copied${each}`, {})
    await before.advance(`copied${each}`, settled)
  }
  await before.close()
  const { DatabaseSync } = await loadDriver()
  const db = new DatabaseSync(path, { timeout: 0 })
  const columns =
    'state, owner, agent, vendor, fingerprint, key, created, counted, standing, wallet, due, rev, listed'
  db.exec(`
    WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ${n})
    INSERT INTO payments (id, body, core, ${columns})
      SELECT 'copy' || n, body, replace(core, '"copied9"', '"copy' || n || '"'), ${columns}
      FROM numbers, payments WHERE id = 'copied9';
    UPDATE payments SET listed = 1;
    UPDATE meta SET listed = (SELECT max(place) FROM payments)`)
  db.close()
  clock.pass(60_000)
  const ledger = sqliteLedger({ path, synchronous: 'normal', clock })
  onTestFinished(() => ledger.close())
  await ledger.renew('me', 600_000)
  const last = { ...buy, agent: 'writer', vendor: 'https://new.example', fingerprint: 'new', tasks: ['t'] }
  await ledger.hold(await holdOf(ledger, 'new', last))
  return { ledger, clock, path }
}

describe('a search among many payments', () => {
  const COPIES = 12_000
  const queries: readonly PaymentQuery[] = [
    { agent: 'writer' },
    { agent: 'writer', states: ['held', 'committed'] },
    { states: ['held', 'committed'] },
    { states: ['held', 'committed'], order: 'oldest' },
    { task: 't' },
    { task: 't', order: 'oldest', agent: 'writer' },
  ]

  it('finds what is rare at both of their ends, in the order asked for', async () => {
    const { ledger } = await withCopies(COPIES)
    for (const query of queries) {
      const ids: string[] = []
      for await (const { id } of ledger.find(query)) ids.push(id)
      expect(ids).toEqual(query.order === 'oldest' ? ['old', 'new'] : ['new', 'old'])
    }
    const held: string[] = []
    for await (const { id } of ledger.find({ states: ['held'], vendor: VENDOR })) held.push(id)
    expect(held).toEqual([])
    expect(await countOf(ledger.find({ order: 'oldest' }))).toBe(COPIES + COPIED + 2)
  })

  it('lets timers and sockets have their turn meanwhile', async () => {
    const { ledger } = await withCopies(COPIES)
    for (const query of [{ limit: 500 }, { agent: 'writer', vendor: VENDOR, limit: 500 }]) {
      let turns = 0
      let going = true
      const count = (): void => {
        turns++
        if (going) setImmediate(count)
      }
      setImmediate(count)
      await countOf(ledger.find(query))
      going = false
      expect(turns).toBeGreaterThan(1)
    }
  })
})

async function countOf(found: AsyncIterable<unknown>): Promise<number> {
  let count = 0
  for await (const _ of found) count++
  return count
}

const due = async (ledger: Ledger): Promise<readonly string[]> => {
  const ids: string[] = []
  for await (const { id } of ledger.due({ wallets: [evidence.wallet], which: 'due' })) ids.push(id)
  return ids
}

describe('payments that are over, and wait for nothing but their fee, are not read', () => {
  it('by the next payment for the same request', async () => {
    const { ledger } = await withPast()
    expect(await ledger.hold(await holdOf(ledger, 'next', { ...buy, owner: 'you' }))).toMatchObject({
      ok: true,
    })
  })

  it('by a hold that is short, and by one that asks what else is short', async () => {
    const { ledger } = await withPast()
    const claims = [everClaim(2n * CENT, CENT)]
    for (const id of ['one', 'two'])
      expect(await ledger.hold(await holdOf(ledger, id, { ...buy, claims }))).toMatchObject({ why: 'short' })
  })

  it('by a question about budgets', async () => {
    const { ledger } = await withPast()
    expect(await ledger.room([everClaim(0n, limit)])).toMatchObject([
      { spent: BigInt(2 * PAST) * CENT, held: 0n },
    ])
  })

  it('by recovery, until their fee is due', async () => {
    const { ledger, clock } = await withPast()
    expect(await due(ledger)).toEqual([])
    clock.pass(1000)
    await expect(due(ledger)).rejects.toMatchObject({ code: 'ledger_corrupt' })
  })
})

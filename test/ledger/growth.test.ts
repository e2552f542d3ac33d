import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it, onTestFinished } from 'vitest'
import type { Ledger } from '../../src/ledger/index.js'
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

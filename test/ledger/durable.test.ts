import { expect, it } from 'vitest'
import { StoredLedger } from '../../src/ledger/ledger.js'
import { MemoryTables } from '../../src/ledger/memory-tables.js'
import type { Move } from '../../src/ledger/port.js'
import { CENT, committed, everClaim, evidence, holdOf, settled, TestClock } from './fixtures.js'

/** What a ledger asks of its store for each of these moves: to be on the disk before it is answered? */
async function asksFor(moves: readonly Move[]): Promise<readonly boolean[]> {
  const tables = new MemoryTables('ledger')
  const asked: boolean[] = []
  const ledger = new StoredLedger(
    {
      read: async (use) => use(tables),
      write: async (use, durable) => {
        asked.push(durable)
        return use(tables)
      },
      close: async () => undefined,
    },
    new TestClock(),
  )
  await ledger.renew('me', 60_000)
  const hold = await holdOf(ledger, 'a', { price: 1, claims: [everClaim(CENT, CENT)] })
  asked.length = 0
  expect(await ledger.hold(hold)).toMatchObject({ ok: true })
  for (const move of moves) expect(await ledger.advance('a', move)).toMatchObject({ ok: true })
  return asked
}

it('of a payment only the commit is synced to the disk, not the hold and not its end', async () => {
  expect(await asksFor([committed(), settled])).toEqual([false, true, false])
})

it('what becomes known before a credential leaves is synced too', async () => {
  const learned: Move = { to: 'evidence', evidence: { ...evidence, refs: ['the token'] } }
  expect(await asksFor([committed(), learned, settled])).toEqual([false, true, true, false])
})

it('so is a delivery that is taken back: if that were forgotten, the same request would pay again', async () => {
  const asked = await asksFor([committed(), settled, { to: 'undelivered' }])
  expect(asked).toEqual([false, true, false, true])
})

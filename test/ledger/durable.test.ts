import { expect, it } from 'vitest'
import { StoredLedger } from '../../src/ledger/ledger.js'
import { MemoryShelf } from '../../src/ledger/memory-shelf.js'
import { CENT, committed, everClaim, holdOf, settled, TestClock } from './fixtures.js'

it('a commit asks its store to be on the disk before it is answered, and of a payment only the commit', async () => {
  const shelf = new MemoryShelf('ledger')
  const asked: boolean[] = []
  const ledger = new StoredLedger(
    {
      read: async (use) => use(shelf),
      write: async (use, durable) => {
        asked.push(durable)
        return use(shelf)
      },
      close: async () => undefined,
    },
    new TestClock(),
  )
  await ledger.renew('me', 60_000)
  const hold = await holdOf(ledger, 'a', { price: 1, claims: [everClaim(CENT, CENT)] })
  asked.length = 0
  expect(await ledger.hold(hold)).toMatchObject({ ok: true })
  expect(await ledger.advance('a', committed())).toMatchObject({ ok: true })
  expect(await ledger.advance('a', settled)).toMatchObject({ ok: true })
  expect(asked).toEqual([false, true, false])
})

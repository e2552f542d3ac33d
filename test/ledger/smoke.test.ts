import { expect, it } from 'vitest'
import { memoryLedger } from '../../src/entry/ledger-memory.js'
import { CENT, committed, dayClaim, holdOf, START, settled, TestClock } from './fixtures.js'

it('holds, commits and settles', async () => {
  const ledger = memoryLedger({ clock: new TestClock() })
  await ledger.renew('me', 60_000)
  const held = await ledger.hold(await holdOf(ledger, 'a', { price: 10, limit: 15n * CENT }))
  expect(held.ok).toBe(true)
  expect(await ledger.hold(await holdOf(ledger, 'b', { price: 10, limit: 15n * CENT }))).toMatchObject({
    ok: false,
    why: 'short',
  })
  expect(await ledger.advance('a', committed({}, { pin: true }))).toMatchObject({
    ok: true,
    payment: { state: 'committed', live: true },
  })
  expect(await ledger.advance('a', settled)).toMatchObject({ ok: true, payment: { state: 'settled' } })
  expect(await ledger.room([dayClaim(START, 0n, 15n * CENT)])).toMatchObject([
    { spent: 10n * CENT, held: 0n, remaining: 5n * CENT },
  ])
})

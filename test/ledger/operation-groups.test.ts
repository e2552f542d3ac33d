import { expect, it } from 'vitest'
import { StoredLedger } from '../../src/ledger/ledger.js'
import { MemoryTables } from '../../src/ledger/memory-tables.js'
import { MOST_OPERATIONS } from '../../src/ledger/operation-groups.js'
import { mergedDays } from '../../src/ledger/prices.js'
import { committed, holdOf, settled, TestClock, VENDOR } from './fixtures.js'

const UNIT = 'iso4217:USD'

async function bought(patterns: readonly string[]): Promise<MemoryTables> {
  const tables = new MemoryTables('id')
  const ledger = new StoredLedger(
    { read: async (use) => use(tables), write: async (use) => use(tables), close: async () => undefined },
    new TestClock(),
  )
  await ledger.renew('me', 60_000)
  for (const [index, pattern] of patterns.entries()) {
    expect(await ledger.hold(await holdOf(ledger, `${index}`, { pattern }))).toMatchObject({ ok: true })
    await ledger.advance(`${index}`, committed())
    await ledger.advance(`${index}`, settled)
  }
  return tables
}

it('keeps the prices of any number of slugs in one place', async () => {
  const tables = await bought(Array.from({ length: 500 }, (_, n) => `GET /articles/story-${n}`))
  expect(tables.operations(VENDOR, UNIT)).toEqual(['GET /articles/{any}'])
  expect(tables.operationGroups(VENDOR, UNIT)).toEqual(['GET /articles/{any}'])
})

it('keeps prices of a bounded number of operations, whatever their paths look like', async () => {
  const tables = await bought(Array.from({ length: MOST_OPERATIONS + 40 }, (_, n) => `GET /a${n}/b${n}`))
  const kept = tables.operations(VENDOR, UNIT)
  expect(kept).toHaveLength(MOST_OPERATIONS)
  expect(kept).not.toContain('GET /a0/b0')
  expect(kept).toContain(`GET /a${MOST_OPERATIONS + 39}/b${MOST_OPERATIONS + 39}`)
})

it('leaves tools alone, whose names are no paths', async () => {
  const tables = await bought(Array.from({ length: 20 }, (_, n) => `tool-${n}`))
  expect(tables.operationGroups(VENDOR, UNIT)).toEqual([])
  expect(tables.operations(VENDOR, UNIT)).toHaveLength(20)
})

it('puts days together without moving their median, and keeps no more than a day holds', () => {
  const many = (from: number) => Array.from({ length: 31 }, (_, n) => BigInt(from + 2 * n))
  const [first, second] = mergedDays(
    [{ day: 1, prices: many(0) }],
    [
      { day: 1, prices: many(1) },
      { day: 2, prices: [5n] },
    ],
  )
  expect(first?.prices).toHaveLength(31)
  expect(first?.prices[0]).toBe(0n)
  expect(first?.prices.at(-1)).toBe(61n)
  expect([29n, 30n, 31n, 32n]).toContain(first?.prices[15])
  expect(second).toEqual({ day: 2, prices: [5n] })
})

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { memoryLedger } from '../../src/entry/ledger-memory.js'
import { sqliteLedger } from '../../src/entry/ledger-sqlite.js'
import type { Ledger } from '../../src/index.js'
import { buy, buyer } from './shop.js'

const folder = mkdtempSync(join(tmpdir(), 'purser-closing-'))
afterAll(() => rmSync(folder, { recursive: true }))

const unknown = async () => ({ state: 'unknown', reason: 'nothing is seen' }) as const
let files = 0
const STORES: readonly (readonly [string, () => Ledger])[] = [
  ['memory', () => memoryLedger()],
  ['SQLite', () => sqliteLedger({ path: join(folder, `${++files}.db`) })],
]

describe.each(STORES)('pursers on one ledger object (%s)', (_name, make) => {
  const purserOn = (ledger: Ledger) => buyer({ ledger, inspect: unknown, limit: '10' })

  test('go on when one of them is closed, also those that have paid nothing yet', async () => {
    const ledger = make()
    const [first, second, third] = [purserOn(ledger), purserOn(ledger), purserOn(ledger)]
    expect(await buy(first, '/1')).toBe(200)
    await first.close()
    expect(await buy(second, '/2')).toBe(200)
    await second.close()
    expect(await buy(third, '/3')).toBe(200)
    await expect(first.budgets()).rejects.toMatchObject({ code: 'closed' })
    expect(await ledger.id()).toMatch(/./)
    await third.close()
    await expect(ledger.id()).rejects.toMatchObject({ code: 'closed' })
  })

  test('close it with the last of them, though that one never used it', async () => {
    const ledger = make()
    const [used, unused] = [purserOn(ledger), purserOn(ledger)]
    expect(await buy(used, '/1')).toBe(200)
    await used.close()
    await used.close()
    expect(await ledger.id()).toMatch(/./)
    await unused.close()
    await expect(ledger.id()).rejects.toMatchObject({ code: 'closed' })
  })

  test('are closed as one with those that with() made', async () => {
    const ledger = make()
    const purser = purserOn(ledger)
    const bound = purser.with({ task: 'work' })
    expect(await buy(bound, '/1')).toBe(200)
    await purser.close()
    await expect(bound.budgets()).rejects.toMatchObject({ code: 'closed' })
    await expect(ledger.id()).rejects.toMatchObject({ code: 'closed' })
  })
})

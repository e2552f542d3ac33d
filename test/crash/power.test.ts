import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loadDriver } from '../../src/ledger/sqlite/driver.js'
import { sqliteLedger } from '../../src/ledger/sqlite/index.js'
import { committed, everClaim, holdOf } from '../ledger/fixtures.js'
import { losePower } from './power.js'
import { diceFor } from './random.js'
import { noteSyncs, syncsOf } from './syncs.js'

// What the power cuts of the other tests rest on: that a cut leaves exactly what was synced, and anything of the rest.

const folder = mkdtempSync(join(tmpdir(), 'purser-power-'))
afterAll(() => rmSync(folder, { recursive: true }))
beforeAll(noteSyncs)

/** A ledger that was open when the power went: its files as they lay on the disk then. */
async function cutShort(
  name: string,
  synchronous: 'full' | 'normal',
  between: (path: string) => Promise<void> = async () => undefined,
): Promise<string> {
  const path = join(folder, `${name}.db`)
  const ledger = sqliteLedger({ path, synchronous })
  await ledger.renew('me', 60_000)
  for (const id of ['a', 'c']) {
    await ledger.hold(await holdOf(ledger, id, { price: 1 }))
    await ledger.hold(await holdOf(ledger, `${id} held`, { price: 1 }))
    await ledger.advance(id, committed({ price: 1 }))
    await between(path)
  }
  for (const id of ['d', 'e']) await ledger.hold(await holdOf(ledger, id, { price: 1 }))
  const cut = `${path}.cut`
  for (const end of ['', '-wal', '-shm']) copyFileSync(path + end, cut + end)
  if (existsSync(syncsOf(path))) copyFileSync(syncsOf(path), syncsOf(cut))
  await ledger.close()
  return cut
}

async function whatIsIn(path: string): Promise<string> {
  const ledger = sqliteLedger({ path })
  const payments = []
  for await (const { id, state } of ledger.find({ order: 'oldest' })) payments.push(`${id}: ${state}`)
  const [room] = await ledger.room([everClaim(0n, 10n ** 15n)])
  expect((room?.held ?? 0n) + (room?.spent ?? 0n)).toBe(BigInt(payments.length) * 10_000_000n)
  await ledger.close()
  return payments.join(', ')
}

const SYNCED = 'a: committed, a held: held, c: committed, c held: held'

describe('a power cut', () => {
  it('leaves everything up to the last commit, and nothing after it', async () => {
    const path = await cutShort('full', 'full')
    expect(losePower(path)).toBeGreaterThan(0)
    expect(await whatIsIn(path)).toBe(SYNCED)
  })

  it('leaves nothing that is asked of a ledger whose commits are not synced', async () => {
    const path = await cutShort('normal', 'normal')
    losePower(path)
    expect(await whatIsIn(path)).toBe('')
  })

  it('leaves what a checkpoint has copied, and the log that was synced for it', async () => {
    const { DatabaseSync } = await loadDriver()
    const path = await cutShort('checkpoint', 'normal', async (ledger) => {
      const db = new DatabaseSync(ledger, { timeout: 1_000 })
      db.exec('PRAGMA wal_checkpoint(PASSIVE)')
      db.close()
    })
    losePower(path)
    expect(await whatIsIn(path)).toBe(SYNCED)
  })

  it('leaves any part of what was not synced, in whatever pieces: the ledger opens, and its counters are right', async () => {
    const path = await cutShort('torn', 'full')
    const seen = new Set<string>()
    for (let n = 0; n < 60; n++) {
      const cut = join(folder, `torn ${n}.db`)
      for (const end of ['', '-wal', '-shm', '.syncs']) copyFileSync(path + end, cut + end)
      losePower(cut, diceFor(n, 'torn'))
      seen.add(await whatIsIn(cut))
    }
    expect([...seen].toSorted()).toEqual([SYNCED, `${SYNCED}, d: held`, `${SYNCED}, d: held, e: held`])
    expect(readFileSync(syncsOf(path), 'utf8')).not.toBe('')
  })
})

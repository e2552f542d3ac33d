import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, expect, it, onTestFinished } from 'vitest'
import type { Ledger } from '../../src/ledger/index.js'
import { sqliteLedger } from '../../src/ledger/sqlite/index.js'
import { committed, holdOf, settled } from './fixtures.js'

type Done = (error?: Error | null) => void

const folder = mkdtempSync(join(tmpdir(), 'purser-sync-'))
afterAll(() => rmSync(folder, { recursive: true }))

const fs = process.getBuiltinModule('node:fs')
const { fdatasync } = fs
afterEach(() => setSync(fdatasync))

function setSync(value: (file: number, done: Done) => void): void {
  Object.defineProperty(fs, 'fdatasync', { value, configurable: true, writable: true })
}

/** Syncs wait until they are let go; none of them is on the disk before. */
function holdSyncs(): { readonly waiting: (() => void)[]; asked(): number } {
  const waiting: (() => void)[] = []
  let asked = 0
  setSync((file, done) => {
    asked++
    waiting.push(() => fdatasync(file, done))
  })
  return { waiting, asked: () => asked }
}

let number = 0

/** A ledger with so many payments that wait for their commit. */
async function ledgerWith(held: number): Promise<Ledger> {
  const ledger = sqliteLedger({ path: join(folder, `${++number}.db`) })
  onTestFinished(() => ledger.close())
  await ledger.renew('me', 60_000)
  for (let n = 0; n < held; n++)
    expect(await ledger.hold(await holdOf(ledger, `p${n}`, { price: 1 }))).toMatchObject({ ok: true })
  return ledger
}

const turns = async (): Promise<void> => {
  for (let n = 0; n < 20; n++) await new Promise((resolve) => setImmediate(resolve))
}

it('a commit is answered when the log is on the disk, and other steps are answered meanwhile', async () => {
  const ledger = await ledgerWith(2)
  const { waiting } = holdSyncs()
  let answered = false
  const commit = ledger.advance('p0', committed()).then((moved) => {
    answered = true
    return moved
  })
  await turns()
  expect(waiting).toHaveLength(1)
  expect(await ledger.hold(await holdOf(ledger, 'p2', { price: 1 }))).toMatchObject({ ok: true })
  expect(await ledger.advance('p1', { to: 'released', reason: 'not wanted' })).toMatchObject({ ok: true })
  expect(answered).toBe(false)
  waiting.shift()?.()
  expect(await commit).toMatchObject({ ok: true, payment: { state: 'committed' } })
})

it('a commit during a sync waits for the next sync, and commits that wait together share one', async () => {
  const ledger = await ledgerWith(6)
  const { waiting, asked } = holdSyncs()
  const answered: string[] = []
  const commit = (id: string) => ledger.advance(id, committed()).then(() => answered.push(id))
  const first = commit('p0')
  await turns()
  const others = ['p1', 'p2', 'p3', 'p4', 'p5'].map(commit)
  await turns()
  expect(asked()).toBe(1)
  waiting.shift()?.()
  await first
  await turns()
  expect(answered).toEqual(['p0'])
  waiting.shift()?.()
  await Promise.all(others)
  expect(asked()).toBe(2)
})

it('after a sync that failed, no commit is answered as written by this process', async () => {
  const ledger = await ledgerWith(2)
  setSync((_, done) => done(Object.assign(new Error('EIO'), { code: 'EIO' })))
  const failed = { code: 'ledger_failed', funds: 'untouched', message: expect.stringContaining('disk') }
  await expect(ledger.advance('p0', committed())).rejects.toMatchObject(failed)
  // The kernel may report an error once, and lose the pages.
  setSync(fdatasync)
  await expect(ledger.advance('p1', committed())).rejects.toMatchObject(failed)
  await expect(ledger.get('p0')).resolves.toMatchObject({ state: 'committed' })
})

it('a ledger that closes answers the commits that wait for the disk', async () => {
  const ledger = await ledgerWith(1)
  const { waiting } = holdSyncs()
  const commit = ledger.advance('p0', committed())
  await turns()
  const closed = ledger.close()
  setSync(fdatasync)
  for (const go of waiting) go()
  expect(await commit).toMatchObject({ ok: true })
  await closed
})

it('a ledger that is told not to sync waits for no disk', async () => {
  const ledger = sqliteLedger({ path: join(folder, `${++number}.db`), synchronous: 'normal' })
  onTestFinished(() => ledger.close())
  await ledger.renew('me', 60_000)
  await ledger.hold(await holdOf(ledger, 'a', { price: 1 }))
  setSync(() => expect.unreachable('nothing is synced'))
  expect(await ledger.advance('a', committed())).toMatchObject({ ok: true })
  expect(await ledger.advance('a', settled)).toMatchObject({ ok: true })
})

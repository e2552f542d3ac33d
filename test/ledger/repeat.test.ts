import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it, onTestFinished } from 'vitest'
import type { Ledger } from '../../src/ledger/index.js'
import { loadDriver } from '../../src/ledger/sqlite/driver.js'
import { sqliteLedger } from '../../src/ledger/sqlite/index.js'
import { committed, DAY, holdOf, OPERATION, settled, TestClock, VENDOR } from './fixtures.js'

const folder = mkdtempSync(join(tmpdir(), 'purser-repeat-'))
afterAll(() => rmSync(folder, { recursive: true }))

let number = 0

async function place(): Promise<{ clock: TestClock; path: string; open(): Promise<Ledger> }> {
  const clock = new TestClock()
  const path = join(folder, `${++number}.db`)
  const open = async (): Promise<Ledger> => {
    const ledger = sqliteLedger({ path, synchronous: 'normal', clock })
    onTestFinished(() => ledger.close())
    await ledger.renew('me', DAY)
    return ledger
  }
  return { clock, path, open }
}

async function buy(ledger: Ledger, id: string, fingerprint = id): Promise<void> {
  expect(await ledger.hold(await holdOf(ledger, id, { fingerprint }))).toMatchObject({ ok: true })
  await ledger.advance(id, committed())
  await ledger.advance(id, settled)
}

async function bought(ledger: Ledger, fingerprint: string): Promise<string | undefined> {
  const purchase = { fingerprint, owner: 'me', withinMs: 30 * DAY, doubtWindowMs: 120_000 }
  const query = { vendor: VENDOR, operation: OPERATION, agent: 'researcher', unit: 'iso4217:USD', purchase }
  return (await ledger.facts(query)).bought?.payment
}

async function once(ledger: Ledger, id: string, fingerprint: string): Promise<string> {
  const hold = await holdOf(ledger, id, { fingerprint })
  const held = await ledger.hold({ ...hold, decision: { ...hold.decision, repeat: { withinMs: 30 * DAY } } })
  return held.ok ? 'held' : held.why
}

describe('a rule about repeats that comes after the purchases', () => {
  it('knows all of them, whoever asks first: a hold or a question', async () => {
    const { open } = await place()
    const ledger = await open()
    for (let n = 0; n < 300; n++) await buy(ledger, `p${n}`)
    expect(await once(ledger, 'new', 'p3')).toBe('stale')
    expect(await bought(ledger, 'p3')).toBe('p3')
    const { open: other } = await place()
    const asked = await other()
    for (let n = 0; n < 200; n++) await buy(asked, `p${n}`)
    expect(await bought(asked, 'p0')).toBe('p0')
    expect(await bought(asked, 'p199')).toBe('p199')
    expect(await bought(asked, 'p200')).toBeUndefined()
  })

  it('knows what a process buys that has no such rule, and what was bought while the list was made', async () => {
    const { open } = await place()
    const [plain, ruled] = [await open(), await open()]
    for (let n = 0; n < 200; n++) await buy(plain, `p${n}`)
    const asking = bought(ruled, 'p0')
    for (let n = 200; n < 400; n++) await buy(plain, `p${n}`)
    expect(await asking).toBe('p0')
    for (const n of [0, 150, 199, 200, 250, 399]) expect(await bought(ruled, `p${n}`)).toBe(`p${n}`)
  })

  it('forgets none when the ledger is opened anew', async () => {
    const { open } = await place()
    const ledger = await open()
    for (let n = 0; n < 150; n++) await buy(ledger, `p${n}`)
    expect(await bought(ledger, 'p0')).toBe('p0')
    for (let n = 150; n < 300; n++) await buy(ledger, `p${n}`)
    await ledger.close()
    const again = await open()
    for (const n of [0, 149, 150, 299]) expect(await bought(again, `p${n}`)).toBe(`p${n}`)
  })

  it('reads one payment to answer, however often the same was bought', async () => {
    const { open, path } = await place()
    const ledger = await open()
    for (let n = 0; n < 250; n++) await buy(ledger, `p${n}`, 'same')
    expect(await bought(ledger, 'same')).toBe('p249')
    for (let n = 0; n < 130; n++) await buy(ledger, `q${n}`)
    await ledger.close()
    const { DatabaseSync } = await loadDriver()
    const db = new DatabaseSync(path, { timeout: 0 })
    db.exec("UPDATE payments SET body = 'unreadable', core = 'unreadable' WHERE listed = 1 AND id <> 'p249'")
    db.close()
    expect(await bought(await open(), 'same')).toBe('p249')
  })
})

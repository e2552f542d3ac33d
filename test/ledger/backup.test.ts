import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import type { Ledger } from '../../src/ledger/index.js'
import { backupLedger, restoreLedger, sqliteLedger } from '../../src/ledger/sqlite/index.js'
import type { CounterClaim } from '../../src/policy/index.js'
import { CENT, committed, DAY, dayClaim, everClaim, holdOf, START, TestClock, VENDOR } from './fixtures.js'
import { ended, printed, start } from './processes.js'

const root = mkdtempSync(join(tmpdir(), 'purser-backup-'))
afterAll(() => rmSync(root, { recursive: true }))

let number = 0
let path = ''
let copy = ''
beforeEach(() => {
  const folder = join(root, `${++number}`)
  mkdirSync(folder)
  path = join(folder, 'ledger.db')
  copy = join(folder, 'backup.db')
})

const UNIT = 'iso4217:USD'
const US = { unit: UNIT }

async function pay(
  ledger: Ledger,
  ids: readonly string[],
  claim: CounterClaim = everClaim(CENT, 5n * CENT, US),
): Promise<number> {
  await ledger.renew('me', 3_600_000)
  let paid = 0
  for (const id of ids) {
    const buy = { price: 1, claims: [claim] }
    const held = await ledger.hold(await holdOf(ledger, id, buy))
    if (held.ok && (await ledger.advance(id, committed(buy))).ok) paid++
  }
  return paid
}

/** Two cents are in the backup, and two more were paid since. */
async function restored(clock = new TestClock()): Promise<Ledger> {
  const ledger = sqliteLedger({ path, clock })
  expect(await pay(ledger, ['a', 'b'])).toBe(2)
  await backupLedger(path, copy)
  expect(await pay(ledger, ['c', 'd'])).toBe(2)
  await ledger.close()
  await restoreLedger(copy, path)
  return sqliteLedger({ path, clock })
}

describe('a backup', () => {
  it('is one whole file for its owner alone, and knows what was paid until then', async () => {
    const clock = new TestClock()
    const ledger = sqliteLedger({ path, clock })
    await pay(ledger, ['a', 'b'])
    const { until } = await backupLedger(path, copy)
    expect(until).toBeGreaterThanOrEqual(START)
    expect(statSync(copy).mode & 0o777).toBe(0o600)
    expect(readdirSync(join(path, '..')).filter((name) => name.startsWith('backup'))).toEqual(['backup.db'])
    expect(await pay(ledger, ['c'])).toBe(1)
    await ledger.close()
    const opened = sqliteLedger({ path: copy, clock })
    expect(await opened.get('b')).toMatchObject({ state: 'committed' })
    expect(await opened.get('c')).toBeUndefined()
    await opened.close()
  })

  it('is consistent while another process pays', { timeout: 60_000 }, async () => {
    const victim = start('victim.ts', [path])
    const end = ended(victim)
    await printed(victim, 20)
    await backupLedger(path, copy)
    victim.kill('SIGKILL')
    await end
    const ledger = sqliteLedger({ path: copy })
    let counted = 0n
    let payments = 0
    for await (const { units } of ledger.find({})) {
      counted += units
      payments++
    }
    expect(payments).toBeGreaterThanOrEqual(20)
    const { now } = await ledger.facts({ vendor: 'v', operation: 'o', agent: 'a', unit: UNIT })
    const [room] = await ledger.room([dayClaim(now, 0n, 10n ** 15n)])
    expect((room?.held ?? 0n) + (room?.spent ?? 0n)).toBe(counted)
    await ledger.close()
    const original = sqliteLedger({ path })
    expect(await original.gaps()).toEqual([])
    await original.close()
  })

  it('pays nothing wherever it is copied to', async () => {
    const ledger = sqliteLedger({ path })
    await pay(ledger, ['a'])
    await ledger.close()
    await backupLedger(path, copy)
    const elsewhere = `${copy}.elsewhere`
    copyFileSync(copy, elsewhere)
    for (const place of [copy, elsewhere]) {
      const opened = sqliteLedger({ path: place })
      await expect(pay(opened, ['b'])).rejects.toMatchObject({
        code: 'ledger_incomplete',
        funds: 'untouched',
      })
      await opened.close()
    }
    const original = sqliteLedger({ path })
    expect(await pay(original, ['b'])).toBe(1)
    await original.close()
  })

  it('is never written over another file', async () => {
    const ledger = sqliteLedger({ path })
    await pay(ledger, ['a'])
    writeFileSync(copy, 'something else')
    await expect(backupLedger(path, copy)).rejects.toThrow(TypeError)
    expect(readFileSync(copy, 'utf8')).toBe('something else')
    await ledger.close()
  })

  it('of no ledger makes none', async () => {
    await expect(backupLedger(path, copy)).rejects.toMatchObject({ code: 'ledger_missing' })
    expect([path, copy].some((file) => existsSync(file))).toBe(false)
  })
})

describe('a restored ledger', () => {
  it('pays nothing until a person has said what was spent since, and counts that', async () => {
    const ledger = await restored()
    await expect(pay(ledger, ['e'])).rejects.toMatchObject({ code: 'ledger_incomplete' })
    await expect(ledger.advance('a', committed())).rejects.toMatchObject({ code: 'ledger_incomplete' })
    expect(await ledger.gaps()).toMatchObject([{ cause: 'backup' }])
    await ledger.confirmGaps({ by: 'ann', spent: 2n * CENT, unit: UNIT })
    const [room] = await ledger.room([everClaim(0n, 5n * CENT, US)])
    expect(room).toMatchObject({ spent: 2n * CENT, held: 2n * CENT, remaining: CENT })
    expect(await pay(ledger, ['e', 'f'])).toBe(1)
    await ledger.close()
  })

  it('has no question and no yes of before, because the yes may have been used', async () => {
    const clock = new TestClock()
    const before = sqliteLedger({ path, clock })
    await before.renew('me', 60_000)
    const settings = { timeoutMs: 3_600_000, perAgent: 5, perVendor: 5, holds: 50 }
    const ask = async (ledger: Ledger, id: string) => {
      const { lane: _, ...hold } = await holdOf(ledger, id, {
        fingerprint: id,
        claims: [everClaim(CENT, 9n * CENT, US)],
      })
      return ledger.ask({ id: `q ${id}`, hold, termsHash: 'hash', settings })
    }
    await ask(before, 'x')
    await ask(before, 'y')
    await before.answer('q x', { approved: true, by: 'ann' })
    await before.advance('x', { to: 'released', reason: 'left' })
    await before.close()
    const ledger = await restored(clock)
    await ledger.confirmGaps({ by: 'ann', spent: 0n, unit: UNIT })
    await ledger.renew('me', 60_000)
    expect(await ask(ledger, 'x')).not.toMatchObject({ kind: 'approved' })
    expect(await ledger.approval('q y')).toMatchObject({ state: 'withdrawn' })
    await ledger.close()
  })

  it('counts every budget as full until its window has ended, if nobody knows the sum', async () => {
    const clock = new TestClock()
    const ledger = await restored(clock)
    await ledger.confirmGaps({ by: 'ann', unit: UNIT })
    const today = dayClaim(clock.wall, CENT, 100n * CENT, US)
    expect(await pay(ledger, ['e'], today)).toBe(0)
    expect((await ledger.room([today]))[0]).toMatchObject({ remaining: 0n })
    clock.pass(DAY)
    expect(await pay(ledger, ['f'], dayClaim(clock.wall, CENT, 100n * CENT, US))).toBe(1)
    expect(await pay(ledger, ['g'], everClaim(CENT, 100n * CENT, US))).toBe(0)
    await ledger.confirmGaps({ by: 'ann', spent: 2n * CENT, unit: UNIT })
    expect(await pay(ledger, ['h'], everClaim(CENT, 6n * CENT, US))).toBe(1)
    expect(await pay(ledger, ['i'], everClaim(CENT, 6n * CENT, US))).toBe(0)
    await ledger.close()
  })

  it('counts payments and deposits as full if only the sum is known', async () => {
    const ledger = await restored()
    await ledger.confirmGaps({ by: 'ann', spent: 2n * CENT, unit: UNIT })
    const payments = { ...everClaim(1n, 100n), counts: 'payments' } as const
    const deposits = { ...everClaim(CENT, 100n * CENT, US), counts: 'lock' } as const
    expect((await ledger.room([payments]))[0]).toMatchObject({ remaining: 0n })
    expect((await ledger.room([deposits]))[0]).toMatchObject({ remaining: 0n })
    await ledger.confirmGaps({ by: 'ann', spent: 2n * CENT, deposits: 30n * CENT, payments: 2, unit: UNIT })
    expect((await ledger.room([payments]))[0]).toMatchObject({ remaining: 96n })
    expect((await ledger.room([deposits]))[0]).toMatchObject({ remaining: 70n * CENT })
    expect(await ledger.confirmGaps({ by: 'ann', spent: 0n, unit: UNIT })).toBeUndefined()
    await ledger.close()
  })

  it('counts a sum in another unit as the whole budget', async () => {
    const ledger = await restored()
    await ledger.confirmGaps({ by: 'ann', spent: 1n, unit: 'iso4217:JPY' })
    expect(await pay(ledger, ['e'], everClaim(CENT, 100n * CENT, US))).toBe(0)
    await ledger.close()
  })

  it('drops remembered approvals', async () => {
    const ledger = sqliteLedger({ path })
    await ledger.grant({
      id: 'g',
      agent: 'researcher',
      vendor: VENDOR,
      rail: 'tempo',
      by: 'ann',
      until: 9e12,
      total: CENT,
      upTo: CENT,
      payees: [],
      unit: UNIT,
    })
    await ledger.close()
    await backupLedger(path, copy)
    await restoreLedger(copy, path)
    const again = sqliteLedger({ path })
    expect(await again.grants()).toHaveLength(1)
    await again.confirmGaps({ by: 'ann', spent: 0n, unit: UNIT })
    expect(await again.grants()).toEqual([])
    await again.close()
  })

  it('has an id of its own, so that wallets sign on new lanes', async () => {
    const before = sqliteLedger({ path })
    const id = await before.id()
    await before.close()
    await backupLedger(path, copy)
    await restoreLedger(copy, path)
    const after = sqliteLedger({ path })
    const now = await after.id()
    expect(now).not.toBe(id)
    await after.close()
    const again = sqliteLedger({ path })
    expect(await again.id()).toBe(now)
    await again.close()
  })

  it('keeps what stood in its place, with its log', async () => {
    const child = start('spender.ts', [path, 'first', '2', '5'])
    const end = ended(child)
    await printed(child, 2)
    await backupLedger(path, copy)
    child.kill('SIGKILL')
    await end
    const { replaced = '', since } = await restoreLedger(copy, path)
    expect(since).toBeGreaterThan(0)
    const old = sqliteLedger({ path: replaced })
    expect(await old.get('first.1')).toMatchObject({ state: 'committed' })
    expect(await old.gaps()).toEqual([])
    await old.close()
  }, 30_000)

  it('stops a process that still has the earlier file open', async () => {
    const ledger = sqliteLedger({ path })
    await pay(ledger, ['a'])
    await backupLedger(path, copy)
    await restoreLedger(copy, path)
    await expect(pay(ledger, ['b'])).rejects.toMatchObject({ code: 'ledger_missing' })
    await ledger.close()
    const now = sqliteLedger({ path })
    await expect(pay(now, ['c'])).rejects.toMatchObject({ code: 'ledger_incomplete' })
    await now.close()
  })

  it('may come from a copy of the files of a ledger that was in use', async () => {
    const ledger = sqliteLedger({ path })
    await pay(ledger, ['a', 'b', 'c'])
    for (const end of ['', '-wal']) copyFileSync(`${path}${end}`, `${copy}${end}`)
    await ledger.close()
    await restoreLedger(copy, path)
    const now = sqliteLedger({ path })
    expect(await now.get('c')).toMatchObject({ state: 'committed' })
    await expect(pay(now, ['d'])).rejects.toMatchObject({ code: 'ledger_incomplete' })
    await now.close()
  })

  it.each([
    ['no ledger', 'not a ledger, though long enough to be one of those files. '.repeat(100)],
    ['empty', ''],
  ])('is not made from a file that is %s, and the one before stays', async (_, text) => {
    const ledger = sqliteLedger({ path })
    await pay(ledger, ['a'])
    await ledger.close()
    writeFileSync(copy, text)
    await expect(restoreLedger(copy, path)).rejects.toMatchObject({ code: 'ledger_corrupt' })
    const still = sqliteLedger({ path })
    expect(await pay(still, ['b'])).toBe(1)
    await still.close()
  })

  it('is not made from nothing', async () => {
    await expect(restoreLedger(copy, path)).rejects.toThrow(TypeError)
  })
})

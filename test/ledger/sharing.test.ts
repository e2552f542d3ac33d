import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import type { Ledger } from '../../src/ledger/index.js'
import { loadDriver } from '../../src/ledger/sqlite/driver.js'
import { sqliteLedger } from '../../src/ledger/sqlite/index.js'
import { CENT, committed, dayClaim, everClaim, holdOf, rollingClaim, settled, TestClock } from './fixtures.js'

const folder = mkdtempSync(join(tmpdir(), 'purser-sharing-'))
afterAll(() => rmSync(folder, { recursive: true }))
let number = 0
const fresh = (): string => join(folder, `${++number}.db`)

const buy = (ledger: Ledger, id: string, limit: bigint) =>
  holdOf(ledger, id, { price: 1, claims: [everClaim(CENT, limit)] }).then((hold) => ledger.hold(hold))

describe('what is kept in mind', () => {
  it('is dropped when another connection writes', async () => {
    const path = fresh()
    const [a, b] = [
      sqliteLedger({ path, synchronous: 'normal' }),
      sqliteLedger({ path, synchronous: 'normal' }),
    ]
    await a.renew('me', 60_000)
    expect(await buy(a, 'a1', 3n * CENT)).toMatchObject({ ok: true })
    expect(await buy(b, 'b1', 3n * CENT)).toMatchObject({ ok: true })
    expect(await buy(a, 'a2', 3n * CENT)).toMatchObject({ ok: true })
    expect(await buy(b, 'b2', 3n * CENT)).toMatchObject({ ok: false, why: 'short' })
    expect(await b.advance('a1', committed())).toMatchObject({ ok: true })
    expect(await a.advance('a1', settled)).toMatchObject({ ok: true, payment: { state: 'settled' } })
    expect(await b.get('a1')).toMatchObject({ state: 'settled', attempts: [{ challengeId: 'c1' }] })
    await b.advance('b1', { to: 'released', reason: 'not needed' })
    expect(await buy(a, 'a3', 3n * CENT)).toMatchObject({ ok: true })
    await b.freeze('stop')
    expect(await buy(a, 'a4', 9n * CENT)).toMatchObject({ why: 'frozen' })
    await Promise.all([a.close(), b.close()])
  })

  it('is dropped when a step is undone', async () => {
    const ledger = sqliteLedger({ path: fresh(), synchronous: 'normal' })
    await ledger.renew('me', 60_000)
    await buy(ledger, 'a', 2n * CENT)
    await expect(ledger.advance('nobody', settled)).rejects.toThrow(TypeError)
    expect(await buy(ledger, 'b', 2n * CENT)).toMatchObject({ ok: true })
    expect(await buy(ledger, 'c', 2n * CENT)).toMatchObject({ why: 'short' })
    await ledger.close()
  })
})

describe('steps that are asked for at once', () => {
  it('share the last room, and one that fails fails alone', async () => {
    const ledger = sqliteLedger({ path: fresh() })
    await ledger.renew('me', 60_000)
    const holds = await Promise.all(
      Array.from({ length: 100 }, (_, n) =>
        holdOf(ledger, `p${n}`, { price: 1, claims: [everClaim(CENT, 70n * CENT)] }),
      ),
    )
    const all = holds.map((hold) => ledger.hold(hold).then(({ ok }) => ok))
    const wrong = ledger.advance('nobody', settled).then(
      () => 'moved',
      (error: unknown) => String(error),
    )
    expect((await Promise.all(all)).filter((ok) => ok)).toHaveLength(70)
    expect(await wrong).toMatch(/no payment of this id/)
    const [room] = await ledger.room([everClaim(0n, 70n * CENT)])
    expect(room).toMatchObject({ held: 70n * CENT, remaining: 0n })
    await ledger.close()
  })
})

describe('the time of the file', () => {
  it('does not go back for one who opens what another never closed', async () => {
    const path = fresh()
    const [clock, behind] = [new TestClock(), new TestClock()]
    const open = sqliteLedger({ path, synchronous: 'normal', clock })
    const seen: number[] = []
    for (let n = 0; n < 30; n++) {
      clock.pass(7)
      await open.renew('me', 60_000)
      seen.push((await open.facts({ vendor: 'v', operation: 'o', agent: 'a', unit: 'iso4217:USD' })).now)
    }
    expect(seen).toEqual(seen.map((_, n) => behind.wall + 7 * (n + 1)))
    const other = sqliteLedger({ path, synchronous: 'normal', clock: behind })
    const { now } = await other.facts({ vendor: 'v', operation: 'o', agent: 'a', unit: 'iso4217:USD' })
    expect(now).toBeGreaterThanOrEqual(clock.wall)
    expect(now).toBeLessThanOrEqual(clock.wall + 50)
    await Promise.all([open.close(), other.close()])
  })

  it('is exact again once everybody has closed', async () => {
    const path = fresh()
    const [clock, behind] = [new TestClock(), new TestClock()]
    clock.pass(1000)
    const first = sqliteLedger({ path, synchronous: 'normal', clock })
    await first.renew('me', 60_000)
    await first.close()
    const second = sqliteLedger({ path, synchronous: 'normal', clock: behind })
    expect((await second.facts({ vendor: 'v', operation: 'o', agent: 'a', unit: 'iso4217:USD' })).now).toBe(
      clock.wall,
    )
    await second.close()
  })
})

it('buckets that no window reaches any more are removed, and nothing that counts is', async () => {
  const path = fresh()
  const clock = new TestClock()
  const ledger = sqliteLedger({ path, synchronous: 'normal', clock })
  const limit = 10n ** 15n
  for (let n = 0; n < 300; n++) {
    clock.pass(60_000)
    await ledger.renew('me', 60_000)
    const at = Math.floor(clock.wall / 60_000) * 60_000
    const minute = { ...everClaim(CENT, limit), window: 'minute', from: at, at, resetsAt: at + 60_000 }
    const claims = [
      minute,
      rollingClaim(clock.wall, CENT, limit),
      everClaim(CENT, limit),
      dayClaim(at, CENT, limit),
    ]
    const hold = await holdOf(ledger, `p${n}`, { price: 1, claims })
    expect(await ledger.hold(hold)).toMatchObject({ ok: true })
    await ledger.advance(`p${n}`, committed())
    await ledger.advance(`p${n}`, settled)
  }
  const [ever] = await ledger.room([everClaim(0n, limit)])
  expect(ever).toMatchObject({ spent: 300n * CENT, held: 0n })
  await ledger.close()
  const { DatabaseSync } = await loadDriver()
  const db = new DatabaseSync(path, { timeout: 0 })
  const row: unknown = db
    .prepare("SELECT count(*) AS n FROM buckets JOIN counters ON n = counter WHERE key LIKE '%minute%'")
    .get()
  db.close()
  expect(Number(Reflect.get(Object(row), 'n'))).toBeLessThan(200)
})

it('remembered approvals and denials that have run out are removed, and the others stay', async () => {
  const path = fresh()
  const clock = new TestClock()
  const ledger = sqliteLedger({ path, synchronous: 'normal', clock })
  await ledger.renew('me', 60_000)
  const grant = (id: string, until: number) => ({
    ...{ id, agent: 'researcher', vendor: 'https://api.search.example', rail: 'r', by: 'ann', payees: [] },
    ...{ until, unit: 'iso4217:USD', upTo: CENT, total: CENT },
  })
  for (let n = 0; n < 20; n++) {
    await ledger.grant(grant(`g${n}`, clock.wall + 1000))
    await ledger.deny(await holdOf(ledger, `p${n}`, { price: n + 1 }), { reason: 'no', standsMs: 1000 })
    clock.pass(500)
  }
  await ledger.close()
  const { DatabaseSync } = await loadDriver()
  const db = new DatabaseSync(path, { timeout: 0 })
  const count = (table: string) => db.prepare(`SELECT count(*) AS n FROM ${table}`).get()
  expect([count('grants'), count('denials')]).toEqual([{ n: 2 }, { n: 2 }])
  db.close()
})

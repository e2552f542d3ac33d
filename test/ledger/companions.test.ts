import { cpSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest'
import type { Ledger } from '../../src/ledger/index.js'
import { loadDriver } from '../../src/ledger/sqlite/driver.js'
import { sqliteLedger } from '../../src/ledger/sqlite/index.js'
import { MIGRATIONS } from '../../src/ledger/sqlite/schema.js'
import { CENT, committed, everClaim, holdOf } from './fixtures.js'

// Whoever else has the same ledger open: another version, another copy of SQLite, another thread, a long reader.

const root = mkdtempSync(join(tmpdir(), 'purser-companions-'))
afterAll(() => rmSync(root, { recursive: true }))
let number = 0
const fresh = (): string => join(root, `${++number}.db`)

const limit = everClaim(CENT, 10n ** 15n)

async function pay(ledger: Ledger, id: string, claim = limit): Promise<boolean> {
  const buy = { price: 1, claims: [claim] }
  const held = await ledger.hold(await holdOf(ledger, id, buy))
  return held.ok && (await ledger.advance(id, committed(buy))).ok
}

describe('a version that is older than the file', () => {
  it('stops to write and to read as soon as a newer version has brought the tables up to date', async () => {
    const path = fresh()
    const ledger = sqliteLedger({ path })
    await ledger.renew('me', 60_000)
    expect(await pay(ledger, 'a')).toBe(true)
    const hold = await holdOf(ledger, 'b', { price: 1, claims: [limit] })
    const { DatabaseSync } = await loadDriver()
    const newer = new DatabaseSync(path, { timeout: 1000 })
    newer.exec(`BEGIN IMMEDIATE; ALTER TABLE payments ADD COLUMN later TEXT;
      PRAGMA user_version = ${MIGRATIONS.length + 1}; COMMIT`)
    await expect(ledger.hold(hold)).rejects.toMatchObject({ code: 'ledger_newer', funds: 'untouched' })
    await expect(ledger.advance('a', committed())).rejects.toMatchObject({ code: 'ledger_newer' })
    await expect(ledger.frozen()).rejects.toMatchObject({ code: 'ledger_newer' })
    expect(newer.prepare('SELECT count(*) AS n FROM payments').get()).toMatchObject({ n: 1 })
    newer.close()
    await ledger.close()
  })

  it('waits while a newer version brings the tables up to date, and then stops', async () => {
    const path = fresh()
    const ledger = sqliteLedger({ path, busyTimeoutMs: 10_000 })
    await ledger.renew('me', 60_000)
    const hold = await holdOf(ledger, 'b', { price: 1, claims: [limit] })
    const { DatabaseSync } = await loadDriver()
    const newer = new DatabaseSync(path, { timeout: 1000 })
    newer.exec(`BEGIN IMMEDIATE; PRAGMA user_version = ${MIGRATIONS.length + 1}`)
    const held = ledger.hold(hold)
    await new Promise((resolve) => setImmediate(resolve))
    newer.exec('COMMIT')
    await expect(held).rejects.toMatchObject({ code: 'ledger_newer', funds: 'untouched' })
    newer.close()
    await ledger.close()
  })
})

describe('another copy of SQLite in this process', () => {
  const builtin = process.getBuiltinModule
  afterEach(() => {
    Object.defineProperty(process, 'getBuiltinModule', { configurable: true, value: builtin })
  })

  it('is refused a ledger that is open, and may have it once it was closed', async () => {
    const copied = join(root, 'node_modules')
    for (const name of ['@photostructure/sqlite', 'node-gyp-build'])
      cpSync(join('node_modules', name), join(copied, name), { recursive: true, dereference: true })
    const { DatabaseSync } = createRequire(join(copied, 'here.js'))('@photostructure/sqlite')
    const path = fresh()
    const ledger = sqliteLedger({ path })
    await ledger.renew('me', 60_000)
    const get = builtin.bind(process)
    Object.defineProperty(process, 'getBuiltinModule', {
      configurable: true,
      value: (id: string) => (id === 'node:sqlite' ? { DatabaseSync } : get(id)),
    })
    const other = sqliteLedger({ path })
    await expect(other.renew('me', 1)).rejects.toMatchObject({
      code: 'ledger_failed',
      message: expect.stringMatching(/Another copy of SQLite/),
    })
    expect(await pay(ledger, 'a')).toBe(true)
    await ledger.close()
    expect(await other.get('a')).toMatchObject({ state: 'committed' })
    await other.close()
  })
})

describe('others in this process', () => {
  it('two copies of the library share one budget', async () => {
    const path = fresh()
    vi.resetModules()
    const { sqliteLedger: second } = await import('../../src/ledger/sqlite/index.js')
    expect(second).not.toBe(sqliteLedger)
    const ledgers = [sqliteLedger({ path }), second({ path })]
    for (const ledger of ledgers) await ledger.renew('me', 60_000)
    const claim = everClaim(CENT, 7n * CENT)
    const paid = await Promise.all(
      ledgers.flatMap((ledger, who) => [0, 1, 2, 3, 4].map((n) => pay(ledger, `${who}.${n}`, claim))),
    )
    expect(paid.filter((ok) => ok)).toHaveLength(7)
    for (const ledger of ledgers) await ledger.close()
  })

  it('four threads take exactly what there is room for', { timeout: 120_000 }, async () => {
    const path = fresh()
    const said = await Promise.all(['a', 'b', 'c', 'd'].map((name) => race([path, name, '20', '30'])))
    expect(said.reduce((sum, out) => sum + Number(out), 0)).toBe(30)
    const ledger = sqliteLedger({ path })
    expect((await ledger.room([everClaim(0n, 30n * CENT)]))[0]).toMatchObject({ remaining: 0n })
    expect(await ledger.gaps()).toEqual([])
    await ledger.close()
  })
})

function race(argv: readonly string[]): Promise<string> {
  const file = new URL('racer.ts', import.meta.url).href
  // A worker takes no loader from its arguments that reads TypeScript: it registers one itself.
  const start = `import('tsx/esm/api').then(({ register }) => { register(); return import('${file}') })`
  const worker = new Worker(start, { eval: true, argv: [...argv], stdout: true })
  let out = ''
  worker.stdout.on('data', (chunk: Buffer) => {
    out += chunk.toString()
  })
  return new Promise((resolve, reject) => {
    worker.on('error', reject)
    worker.on('exit', () => resolve(out))
  })
}

it('a log that a long reader made grow is cut once the reader is done', { timeout: 120_000 }, async () => {
  const path = fresh()
  const ledger = sqliteLedger({ path, synchronous: 'normal' })
  await ledger.renew('me', 3_600_000)
  const { DatabaseSync } = await loadDriver()
  const reader = new DatabaseSync(path, { timeout: 1000 })
  reader.exec('BEGIN')
  reader.prepare('SELECT count(*) AS n FROM payments').get()
  const size = (): number => statSync(`${path}-wal`).size
  let n = 0
  for (; size() < 16 * 1024 * 1024; n++) expect(await pay(ledger, `p${n}`)).toBe(true)
  reader.exec('COMMIT')
  reader.close()
  for (let more = 0; more < 5; more++) expect(await pay(ledger, `q${more}`)).toBe(true)
  expect(size()).toBeLessThanOrEqual(8 * 1024 * 1024)
  await ledger.close()
})

it('the file alone is not far behind: what was written is in it soon after', {
  timeout: 30_000,
}, async () => {
  const path = fresh()
  const ledger = sqliteLedger({ path })
  await ledger.renew('me', 60_000)
  expect(await pay(ledger, 'a')).toBe(true)
  const { DatabaseSync } = await loadDriver()
  const alone = join(root, 'alone.db')
  const knows = (): unknown => {
    rmSync(alone, { force: true })
    cpSync(path, alone)
    const db = new DatabaseSync(alone, { timeout: 0 })
    const row = db.prepare('SELECT count(*) AS n FROM payments').get()
    db.close()
    return Reflect.get(Object(row), 'n')
  }
  await expect.poll(knows, { timeout: 10_000 }).toBe(1)
  await ledger.close()
})

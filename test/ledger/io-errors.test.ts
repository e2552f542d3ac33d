import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import type { Ledger } from '../../src/ledger/index.js'
import { type Database, loadDriver, type Statement, type Value } from '../../src/ledger/sqlite/driver.js'
import { sqliteLedger } from '../../src/ledger/sqlite/index.js'
import { CENT, committed, everClaim, holdOf, settled } from './fixtures.js'

const folder = mkdtempSync(join(tmpdir(), 'purser-io-'))
const builtin = process.getBuiltinModule
/** Counts what SQLite is asked to do; the one whose turn it is fails. */
let turn = 0
let failAt = 0
let failed: string | undefined

function step<T>(what: string, work: () => T): T {
  turn++
  if (turn !== failAt) return work()
  failed = what
  throw Object.assign(new Error('disk I/O error'), { code: 'ERR_SQLITE_ERROR', errcode: 10 })
}

/** SQLite does the work, and one statement reports an I/O error instead: no real disk fails on request. */
class FailingDatabase implements Database {
  readonly #db: Database

  constructor(db: () => Database) {
    this.#db = step('open', db)
  }

  exec(sql: string): void {
    // What undoes a step may not fail in this test: SQLite undoes it too when the file is opened again.
    if (sql === 'ROLLBACK') this.#db.exec(sql)
    else step(sql, () => this.#db.exec(sql))
  }

  prepare(sql: string): Statement {
    const statement = step(`prepare ${sql}`, () => this.#db.prepare(sql))
    return {
      run: (...values: readonly Value[]) => step(sql, () => statement.run(...values)),
      get: (...values: readonly Value[]) => step(sql, () => statement.get(...values)),
      all: (...values: readonly Value[]) => step(sql, () => statement.all(...values)),
      iterate: (...values: readonly Value[]) => step(sql, () => statement.iterate(...values)),
      setReadBigInts: (enabled) => statement.setReadBigInts(enabled),
    }
  }

  close(): void {
    this.#db.close()
  }
}

beforeAll(async () => {
  const { DatabaseSync } = await loadDriver()
  class Failing extends FailingDatabase {
    constructor(path: string, options: { readonly timeout: number }) {
      super(() => new DatabaseSync(path, options))
    }
  }
  const get = builtin.bind(process)
  Object.defineProperty(process, 'getBuiltinModule', {
    configurable: true,
    value: (id: string) => (id === 'node:sqlite' ? { DatabaseSync: Failing } : get(id)),
  })
})
afterEach(() => {
  failAt = 0
})
afterAll(() => {
  Object.defineProperty(process, 'getBuiltinModule', { configurable: true, value: builtin })
  rmSync(folder, { recursive: true })
})

const buy = { price: 1, claims: [everClaim(CENT, 5n * CENT)] }

/** Everything that a payment asks of its ledger. What it returns was promised. */
async function pay(ledger: Ledger, id: string, errors: unknown[]): Promise<readonly string[]> {
  const promised: string[] = []
  const attempt = async (name: string, work: () => Promise<unknown>): Promise<boolean> => {
    try {
      await work()
      promised.push(name)
      return true
    } catch (error) {
      errors.push(error)
      return false
    }
  }
  const steps: readonly (readonly [string, () => Promise<unknown>])[] = [
    ['renewed', () => ledger.renew('me', 60_000)],
    ['held', async () => ledger.hold(await holdOf(ledger, id, buy))],
    ['committed', () => ledger.advance(id, committed(buy))],
    ['settled', () => ledger.advance(id, settled)],
  ]
  for (const [name, work] of steps) if (!(await attempt(name, work))) break
  return promised
}

async function failAtEach(fresh: boolean): Promise<number> {
  for (let at = 1; ; at++) {
    const path = join(folder, `${fresh ? 'fresh' : 'used'}-${at}.db`)
    failAt = 0
    if (!fresh) {
      const before = sqliteLedger({ path })
      await pay(before, 'before', [])
      await before.close()
    }
    ;[turn, failAt, failed] = [0, at, undefined]
    const errors: unknown[] = []
    const ledger = sqliteLedger({ path })
    const promised = await pay(ledger, 'a', errors)
    failAt = 0
    if (failed === undefined) {
      await ledger.close()
      return at - 1
    }
    const where = { at, failed }
    for (const error of errors)
      expect({ ...where, error }).toMatchObject({ error: { code: 'ledger_failed', funds: 'untouched' } })
    // The same ledger goes on: what was promised is there, and what failed can be done again.
    const again: unknown[] = []
    if (!promised.includes('committed')) await pay(ledger, 'a', again)
    expect({ ...where, again }).toEqual({ ...where, again: [] })
    expect({ ...where, state: (await ledger.get('a'))?.state }).toMatchObject({
      state: promised.includes('committed') && !promised.includes('settled') ? 'committed' : 'settled',
    })
    await ledger.close()
    const opened = sqliteLedger({ path })
    expect({ ...where, gaps: await opened.gaps() }).toEqual({ ...where, gaps: [] })
    const [room] = await opened.room([everClaim(0n, 5n * CENT)])
    expect({ ...where, left: room?.remaining }).toEqual({ ...where, left: (fresh ? 4n : 3n) * CENT })
    await opened.close()
  }
}

it('an I/O error at any single statement of a new ledger is told as one, and loses nothing', async () => {
  expect(await failAtEach(true)).toBeGreaterThan(40)
}, 120_000)

it('an I/O error at any single statement of a ledger that was used before is told as one, and loses nothing', async () => {
  expect(await failAtEach(false)).toBeGreaterThan(40)
}, 120_000)

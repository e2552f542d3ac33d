import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { loadDriver } from '../../src/ledger/sqlite/driver.js'
import { defaultPath } from '../../src/ledger/sqlite/file.js'
import { sqliteLedger } from '../../src/ledger/sqlite/index.js'
import { APPLICATION_ID, MIGRATIONS } from '../../src/ledger/sqlite/schema.js'
import { committed, holdOf, termsOf } from './fixtures.js'
import { ended, start } from './processes.js'

const root = mkdtempSync(join(tmpdir(), 'purser-files-'))
afterAll(() => rmSync(root, { recursive: true }))

let number = 0
let folder = ''
let path = ''
beforeEach(() => {
  folder = join(root, `${++number}`)
  path = join(folder, 'ledger.db')
})

const raw = async (sql: string): Promise<void> => {
  const { DatabaseSync } = await loadDriver()
  const db = new DatabaseSync(path, { timeout: 0 })
  db.exec(sql)
  db.close()
}

const made = async (payments = 3): Promise<void> => {
  const ledger = sqliteLedger({ path, synchronous: 'normal' })
  await ledger.renew('me', 60_000)
  for (let n = 0; n < payments; n++) await ledger.hold(await holdOf(ledger, `p${n}`))
  await ledger.close()
}

/** Neither a hold nor a read gets anywhere. */
const refuses = async (code: string): Promise<void> => {
  const ledger = sqliteLedger({ path, busyTimeoutMs: 20 })
  const fresh = sqliteLedger({ path: join(folder, 'other', 'ledger.db') })
  const hold = await holdOf(fresh, 'new')
  await expect(ledger.hold(hold)).rejects.toMatchObject({ name: 'PaymentError', code, funds: 'untouched' })
  await expect(ledger.frozen()).rejects.toMatchObject({ code })
  await Promise.all([ledger.close(), fresh.close()])
}

describe('a ledger file', () => {
  it('is made for its owner alone, and so are its folder and its log', async () => {
    const ledger = sqliteLedger({ path })
    await ledger.renew('me', 1000)
    expect(statSync(folder).mode & 0o777).toBe(0o700)
    for (const file of [path, `${path}-wal`, `${path}-shm`, `${path}.made`])
      expect(statSync(file).mode & 0o777).toBe(0o600)
    await ledger.close()
  })

  it('is looked for in the state directory', () => {
    expect(defaultPath({ XDG_STATE_HOME: '/state' })).toBe('/state/purser/ledger.db')
    expect(defaultPath({})).toMatch(/purser.ledger\.db$/)
    for (const relative of ['state', './state', '../state', ''])
      expect(defaultPath({ XDG_STATE_HOME: relative }, '/home/ann')).toMatch(
        /^\/home\/ann\/.*purser.ledger\.db$/,
      )
    for (const home of ['', '.', 'home/ann'])
      expect(() => defaultPath({}, home)).toThrow(expect.objectContaining({ code: 'invalid_config' }))
  })

  it('is not made where that is not wanted', async () => {
    const ledger = sqliteLedger({ path, create: false })
    await expect(ledger.frozen()).rejects.toMatchObject({ code: 'ledger_missing' })
    expect(existsSync(folder)).toBe(false)
    await ledger.close()
  })

  it('is opened again with all that was in it', async () => {
    await made()
    const ledger = sqliteLedger({ path, create: false })
    expect(await ledger.get('p2')).toMatchObject({ state: 'held', terms: termsOf({}) })
    await ledger.close()
  })

  it('is missed when it was deleted, and not made anew', async () => {
    await made()
    rmSync(path)
    await refuses('ledger_missing')
    expect(existsSync(path)).toBe(false)
  })

  it('is missed when it is deleted or replaced while open', async () => {
    const ledger = sqliteLedger({ path })
    await ledger.renew('me', 60_000)
    const hold = await holdOf(ledger, 'a')
    await ledger.hold(hold)
    renameSync(path, `${path}.away`)
    await expect(ledger.advance('a', committed())).rejects.toMatchObject({ code: 'ledger_missing' })
    writeFileSync(path, readFileSync(`${path}.away`))
    await expect(ledger.advance('a', committed())).rejects.toMatchObject({ code: 'ledger_missing' })
    await ledger.close()
  })

  it('is refused when it was emptied', async () => {
    await made()
    writeFileSync(path, '')
    await refuses('ledger_corrupt')
  })

  it('is refused when it was cut short', async () => {
    await made(50)
    truncateSync(path, statSync(path).size - 8192)
    await refuses('ledger_corrupt')
  })

  it('is refused when it holds something else', async () => {
    mkdirSync(folder)
    writeFileSync(path, 'not a ledger, though long enough to be one of those files. '.repeat(100))
    await refuses('ledger_corrupt')
  })

  it('is refused when it is the database of another program', async () => {
    mkdirSync(folder)
    await raw('CREATE TABLE things (a)')
    await refuses('ledger_corrupt')
  })

  it('is refused when it is a folder', async () => {
    mkdirSync(path, { recursive: true })
    await refuses('ledger_corrupt')
  })

  it('is refused when its pages are damaged', async () => {
    await made(200)
    const bytes = readFileSync(path)
    bytes.fill(0xa5, 4096)
    writeFileSync(path, bytes)
    await refuses('ledger_corrupt')
  })

  it('is refused when a row makes no sense', async () => {
    await made()
    await raw("UPDATE payments SET body = '{}'")
    const ledger = sqliteLedger({ path })
    await expect(ledger.get('p1')).rejects.toMatchObject({ code: 'ledger_corrupt' })
    await ledger.close()
  })

  it('is refused when a newer version wrote it', async () => {
    await made()
    await raw(`PRAGMA user_version = ${MIGRATIONS.length + 1}`)
    await refuses('ledger_newer')
  })

  it('is refused while another program keeps it locked', async () => {
    await made()
    const { DatabaseSync } = await loadDriver()
    const db = new DatabaseSync(path, { timeout: 0 })
    db.exec('BEGIN IMMEDIATE')
    const ledger = sqliteLedger({ path, busyTimeoutMs: 20 })
    await expect(ledger.renew('me', 1)).rejects.toMatchObject({ code: 'ledger_busy', retryable: true })
    db.exec('COMMIT')
    db.close()
    await ledger.renew('me', 1)
    await ledger.close()
  })

  it('waits while another process makes its tables', async () => {
    mkdirSync(folder)
    const { DatabaseSync } = await loadDriver()
    const db = new DatabaseSync(path, { timeout: 0 })
    db.exec('PRAGMA journal_mode = WAL')
    db.exec('BEGIN IMMEDIATE')
    const ledger = sqliteLedger({ path, busyTimeoutMs: 20 })
    await expect(ledger.renew('me', 1)).rejects.toMatchObject({ code: 'ledger_busy', retryable: true })
    db.exec('COMMIT')
    db.close()
    await ledger.renew('me', 1)
    await ledger.close()
  })

  it('is refused when it cannot be written to', { timeout: 30_000 }, async () => {
    await made()
    for (const open of [root, folder]) chmodSync(open, 0o755)
    chmodSync(path, 0o444)
    // Root may write to anything, so somebody else tries.
    const { out } = await ended(start('reader.ts', [path], process.getuid?.() === 0 ? 65_534 : undefined))
    expect(out).toBe('ledger_read_only untouched\n')
  })

  it.each(MIGRATIONS.slice(1).map((_, index) => index + 1))(
    'of version %i is brought up to date',
    async (version) => {
      mkdirSync(folder)
      await raw(`PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${version};
      ${MIGRATIONS.slice(0, version).join('')}
      INSERT INTO meta (one, id, high, filled, shapes) VALUES (1, 'the old one', ${Date.now()}, 0, 0);
      INSERT INTO owners VALUES ('me', 99999999999999)`)
      const ledger = sqliteLedger({ path })
      expect(await ledger.id()).toBe('the old one')
      expect(await ledger.hold(await holdOf(ledger, 'a'))).toMatchObject({
        ok: true,
        payment: { live: true },
      })
      await ledger.deny(await holdOf(ledger, 'b'), { reason: 'no', standsMs: 1000 })
      const { lane: _, ...hold } = await holdOf(ledger, 'c')
      const settings = { timeoutMs: 1000, perAgent: 1, perVendor: 1, holds: 50 }
      expect(await ledger.ask({ id: 'q', hold, termsHash: 'hash', settings })).toMatchObject({
        kind: 'asked',
      })
      expect(await ledger.answer('q', { approved: true, by: 'ann' })).toMatchObject({ ok: true })
      await ledger.close()
      const { DatabaseSync } = await loadDriver()
      const db = new DatabaseSync(path, { timeout: 0 })
      expect(db.prepare('PRAGMA user_version').get()).toEqual({ user_version: MIGRATIONS.length })
      db.close()
    },
  )
})

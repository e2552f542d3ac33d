import type { Instant } from '../../money/index.js'
import type { Gap } from '../gaps.js'
import { damaged, ledgerError } from '../ledger-error.js'
import { numberOf, textOf } from './codec.js'
import { syncFile, syncFolder } from './disk.js'
import { type Database, loadDriver } from './driver.js'
import { failure } from './errors.js'
import { sizeOf } from './file.js'
import { gapsOf, gapsText } from './gap-rows.js'
import { readRecord, writeRecord } from './made-record.js'
import { foldForGood, type OpenFile, openFile, unmark } from './open.js'
import { isCurrent } from './schema.js'
import { Sql } from './sql.js'

const { chmodSync, closeSync, copyFileSync, existsSync, openSync, renameSync, rmSync } =
  process.getBuiltinModule('node:fs')

/** Which payments a restored ledger may have forgotten. */
export interface Restored {
  /** Payments made after this moment may be missing. Epoch milliseconds. */
  readonly since: Instant
  /** The new path of the ledger that was there before. Absent if there was none. */
  readonly replaced?: string
}

/**
 * Makes a backup of a ledger in one file. The backup is complete and consistent, even if processes pay meanwhile.
 * SQLite copies the ledger in one step, which blocks the event loop for as long as the disk takes.
 *
 * @param path The ledger's file.
 * @param to The new file. It must not exist.
 * @returns The moment up to which the backup contains all payments.
 * @throws TypeError if `to` exists; PaymentError `ledger_*` if the ledger cannot be read or the backup cannot be
 * written.
 * @example
 * ```ts
 * await backupLedger('/var/lib/agent/ledger.db', '/backup/ledger-2026-11-30.db')
 * ```
 */
export async function backupLedger(path: string, to: string): Promise<{ readonly until: Instant }> {
  if (existsSync(to)) throw new TypeError(`${to} exists already: a backup is never written over another file`)
  return attempt(async () => {
    const file = await openFile(path, false)
    try {
      const until = await draft(to, (part) => {
        // SQLite makes a new file readable by all users. An existing empty file keeps its permissions.
        closeSync(openSync(part, 'wx', 0o600))
        file.sql.run('VACUUM INTO ?', part)
      })
      return { until }
    } finally {
      await leave(file)
    }
  })
}

/**
 * Replaces a ledger by a backup. The restored ledger pays nothing until the caller confirms with
 * `purser.confirmRestore()` how much was spent since the backup. Stop every process that uses the ledger first. A
 * process that continues to run cannot pay either.
 *
 * @param from The backup: a file made by {@link backupLedger} or by SQLite's own backup, or a copy of the ledger's
 * files.
 * @param path The ledger's file. If it exists, it is kept in the same folder, under a name that ends in
 * `.replaced-<time>`.
 * @throws TypeError if there is no file at `from`; PaymentError `ledger_*` if it is not a ledger, or if the ledger
 * cannot be written.
 * @example
 * ```ts
 * const { since } = await restoreLedger('/backup/ledger-2026-11-30.db', '/var/lib/agent/ledger.db')
 * ```
 */
export async function restoreLedger(from: string, path: string): Promise<Restored> {
  if (!existsSync(from)) throw new TypeError(`There is no backup at ${from}`)
  return attempt(async () => {
    const part = `${path}.restoring`
    for (const end of ENDS) rmSync(`${part}${end}`, { force: true })
    copyFileSync(from, part)
    chmodSync(part, 0o600)
    // If the ledger was in use, a copy of its files is complete only with its log.
    if (sizeOf(`${from}-wal`) > 0) copyFileSync(`${from}-wal`, `${part}-wal`)
    const record = readRecord(path)
    const { since, ...made } = await change(part, (sql) => {
      const row = stateOf(sql)
      const id = crypto.randomUUID()
      const generation = Math.max(row.generation, record?.generation ?? 0) + 1
      sql.run('UPDATE meta SET id = ?, generation = ?', id, generation)
      return { since: markBackup(sql, row), id, generation }
    })
    const replaced = moveAway(path)
    renameSync(part, path)
    syncFolder(path)
    writeRecord(path, made)
    return replaced === undefined ? { since } : { since, replaced }
  })
}

/**
 * The endings of the names of a ledger's files. The first file is moved away first. Without it the ledger is missing,
 * so a process that opens the ledger meanwhile stops.
 */
const ENDS = ['', '-wal', '-shm', '-journal'] as const

function moveAway(path: string): string | undefined {
  const away = `${path}.replaced-${new Date().toISOString().replaceAll(':', '.')}`
  const there = ENDS.filter((end) => existsSync(`${path}${end}`))
  for (const end of there) renameSync(`${path}${end}`, `${away}${end}`)
  return there.length === 0 ? undefined : away
}

/** Makes a file in the target's folder, marks it as a backup, and moves it to the target after it is on the disk. */
async function draft(to: string, make: (part: string) => void): Promise<Instant> {
  const part = `${to}.part`
  rmSync(part, { force: true })
  try {
    make(part)
    const until = await change(part, (sql) => markBackup(sql, stateOf(sql)))
    renameSync(part, to)
    syncFolder(to)
    return until
  } finally {
    rmSync(part, { force: true })
  }
}

interface State {
  readonly id: string
  readonly generation: number
  readonly high: Instant
  readonly gaps: readonly Gap[]
}

function stateOf(sql: Sql): State {
  const row = sql.get('SELECT id, generation, high, gaps FROM meta')
  if (row === undefined) throw damaged()
  const [generation, high] = [numberOf(row, 'generation'), numberOf(row, 'high')]
  return { id: textOf(row, 'id'), generation, high, gaps: gapsOf(row) }
}

/** Marks a file as a backup. The mark makes the backup safe to open in every place to which it is copied. */
function markBackup(sql: Sql, { high, gaps }: State): Instant {
  const open = gaps.find(({ confirmed }) => confirmed === undefined)
  if (open === undefined)
    sql.run('UPDATE meta SET gaps = ?', gapsText([...gaps, { since: high, cause: 'backup' }]))
  unmark(sql)
  return open?.since ?? high
}

/** Changes a file that only this process has open, and leaves it complete and on the disk. */
async function change<T>(path: string, step: (sql: Sql) => T): Promise<T> {
  const { DatabaseSync, destroyStatements } = await loadDriver()
  const db = new DatabaseSync(path, { timeout: 0 })
  let answer: T
  try {
    isCurrent(db, true)
    checkWhole(db)
    // This copies the log into the file and removes the log.
    db.exec('PRAGMA journal_mode = DELETE; PRAGMA synchronous = FULL; BEGIN IMMEDIATE')
    answer = step(new Sql(db))
    db.exec('COMMIT')
  } finally {
    db.close()
    await destroyStatements?.()
  }
  syncFile(path)
  return answer
}

function checkWhole(db: Database): void {
  const row: unknown = db.prepare('PRAGMA quick_check(1)').get()
  if (Reflect.get(Object(row), 'quick_check') !== 'ok')
    throw ledgerError('ledger_corrupt', 'The backup is damaged')
}

/** Closes a file as a purser does, so that the next process finds it complete. */
async function leave(file: OpenFile): Promise<void> {
  const { db, sql } = file
  try {
    db.exec('BEGIN IMMEDIATE')
    unmark(sql)
    db.exec('COMMIT')
    foldForGood(file)
  } catch {
    // Another process writes to the ledger, so it has the file open.
  }
  await file.close()
}

async function attempt<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw failure(error)
  }
}

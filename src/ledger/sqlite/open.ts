import type { Gap, GapCause } from '../gaps.js'
import { damaged, ledgerError } from '../ledger-error.js'
import { numberOf, textOf } from './codec.js'
import { type Database, type Driver, loadDriver } from './driver.js'
import { isWithoutLog } from './errors.js'
import { checkReadable, hasLog, needsLog, prepareFile, sizeOf } from './file.js'
import { gapsOf, gapsText } from './gap-rows.js'
import { type MadeRecord, readRecord, recordPath, writeRecord } from './made-record.js'
import { warnOfNetworkDrive } from './network-drive.js'
import { useOneSqlite } from './one-sqlite.js'
import { bytesOf, isCurrent, migrate } from './schema.js'
import { Sql } from './sql.js'

/**
 * How many pages the log may hold before a commit folds it into the file: about a hundred payments. A larger log would
 * keep the event loop waiting for longer than 20 ms.
 */
const LOG_PAGES = 1000
/** The log is cut to this size when it starts again from its beginning, after a long reader made it grow. */
const LOG_BYTES = 8 * 1024 * 1024

const SETTINGS = `PRAGMA cache_size = -16000; PRAGMA trusted_schema = OFF;
  PRAGMA wal_autocheckpoint = ${LOG_PAGES}; PRAGMA journal_size_limit = ${LOG_BYTES}`

/** An open database of a ledger. */
export interface OpenFile {
  readonly db: Database
  readonly sql: Sql
  /** Closes the database, so that nothing of it stays open in this process. */
  close(): Promise<void>
}

/** Opens the database. Its tables may be missing, or of any version. */
function connect({ DatabaseSync, destroyStatements }: Driver, path: string, readOnly: boolean): OpenFile {
  const release = useOneSqlite(path, DatabaseSync)
  try {
    const db = new DatabaseSync(path, { timeout: 0, readOnly })
    const sql = new Sql(db)
    const close = async (): Promise<void> => {
      try {
        sql.forget()
        db.close()
        await destroyStatements?.()
      } finally {
        release()
      }
    }
    return { db, sql, close }
  } catch (error) {
    release()
    throw error
  }
}

/**
 * Opens a ledger's file, or makes one. Its tables are brought up to date, and its gaps are noticed.
 *
 * @throws PaymentError `ledger_missing`, `ledger_corrupt`, `ledger_read_only`, `ledger_newer`; what SQLite throws.
 */
export async function openFile(path: string, create: boolean): Promise<OpenFile> {
  const driver = await loadDriver()
  // Read first: another process may make the ledger meanwhile, and then it has not vanished.
  const record = readRecord(path)
  prepareFile(path, create, record !== undefined)
  const file = connect(driver, path, false)
  const { db, sql } = file
  try {
    checkLength(db, path)
    if (!isCurrent(db, record !== undefined)) renew(db)
    // Only now, so that a new ledger's tables are in the file itself before there is a log that could be lost.
    db.exec('PRAGMA journal_mode = WAL')
    db.exec(SETTINGS)
    noticeGap(db, sql, path, record)
    warnOfNetworkDrive(path)
    return file
  } catch (error) {
    await file.close()
    throw error
  }
}

/**
 * Opens a ledger's file only to read it. Its tables must be those of this version, since they are not changed.
 *
 * @throws PaymentError `ledger_missing`, `ledger_corrupt`, `ledger_read_only`, `ledger_older`, `ledger_newer`; what SQLite
 * throws.
 */
export async function openForReading(path: string): Promise<OpenFile> {
  const driver = await loadDriver()
  const record = readRecord(path)
  checkReadable(path, record !== undefined)
  const file = connect(driver, path, true)
  try {
    checkLength(file.db, path)
    if (!isCurrent(file.db, record !== undefined)) throw older(path)
    return file
  } catch (error) {
    await file.close()
    throw isWithoutLog(error) ? needsLog(path) : error
  }
}

/** A file that was cut short is found now, and not when the page that is missing happens to be read. */
function checkLength(db: Database, path: string): void {
  // Another process may be making the ledger: then the pages are in its log.
  if (bytesOf(db) > sizeOf(path) && !hasLog(path))
    throw ledgerError('ledger_corrupt', `${path} has been cut short`)
}

function older(path: string): Error {
  return ledgerError(
    'ledger_older',
    `An older version of Purser wrote ${path}. Open it once with sqliteLedger of this version, which updates its tables`,
  )
}

/** Makes the tables, or brings them up to date: whole and on the disk, or not at all. */
function renew(db: Database): void {
  db.exec('PRAGMA synchronous = FULL')
  db.exec('BEGIN IMMEDIATE')
  try {
    migrate(db, crypto.randomUUID())
    db.exec('COMMIT')
  } catch (error) {
    rollBack(db)
    throw error
  }
}

/** What the file says about itself. */
interface State {
  readonly id: string
  /** How often a process began to write to it. The record beside the file never has a higher one, unless the file is older. */
  readonly generation: number
  readonly inUse: boolean
  readonly high: number
  readonly gaps: readonly Gap[]
}

function stateOf(sql: Sql): State {
  const row = sql.get('SELECT id, generation, in_use, high, gaps FROM meta')
  if (row === undefined) throw damaged()
  return {
    id: textOf(row, 'id'),
    generation: numberOf(row, 'generation'),
    inUse: numberOf(row, 'in_use') === 1,
    high: numberOf(row, 'high'),
    gaps: gapsOf(row),
  }
}

/** Writes down that payments may be missing, if they may be, before anybody can pay. Then brings the record up to date. */
function noticeGap(db: Database, sql: Sql, path: string, record: MadeRecord | undefined): void {
  const found = inTransaction(db, 'BEGIN', () => {
    const state = stateOf(sql)
    return { state, cause: causeOf(state, path, record) }
  })
  const state =
    found.cause === undefined
      ? found.state
      : inTransaction(db, 'BEGIN IMMEDIATE', () => addGap(sql, stateOf(sql), path, record))
  writeRecord(path, state)
}

/**
 * Returns the gap that the next process will notice when it opens the ledger to pay. Call it inside a transaction.
 *
 * @throws PaymentError `ledger_missing` if another ledger has taken the place of this one.
 */
export function unnoticedGap(sql: Sql, path: string): Gap | undefined {
  const state = stateOf(sql)
  const cause = causeOf(state, path, readRecord(path))
  return cause === undefined ? undefined : { since: state.high, cause }
}

function causeOf(state: State, path: string, record: MadeRecord | undefined): GapCause | undefined {
  const { id, generation, inUse, gaps } = state
  // One gap that is not confirmed stops all payments; it lasts until somebody confirms it.
  if (gaps.some(({ confirmed }) => confirmed === undefined)) return undefined
  // Every process that uses the ledger has written to its log, so the log is not empty.
  if (inUse && !hasLog(path)) return 'log_lost'
  if (record?.id === undefined) return undefined
  if (record.id !== id) throw exchanged(path)
  return generation < record.generation ? 'older_copy' : undefined
}

function addGap(sql: Sql, state: State, path: string, record: MadeRecord | undefined): State {
  const cause = causeOf(state, path, record)
  if (cause === undefined) return state
  // A new id gives the wallets new lanes: what was signed on the old ones, and forgotten, does not stand in their way.
  const id = crypto.randomUUID()
  const generation = Math.max(state.generation, record?.generation ?? 0) + 1
  const gaps = [...state.gaps, { since: state.high, cause }]
  sql.run('UPDATE meta SET id = ?, generation = ?, gaps = ?', id, generation, gapsText(gaps))
  return { ...state, id, generation, gaps }
}

function exchanged(path: string): Error {
  const how = `Restore it with restoreLedger(), or remove ${recordPath(path)} if the other one is meant`
  return ledgerError('ledger_missing', `Another ledger has taken the place of ${path}. ${how}`)
}

/**
 * Marks the ledger as used, in the file itself: from now on the file alone is not whole, and whoever opens it without
 * its log notices that. Every process does so before its first write.
 *
 * @throws what SQLite throws, such as a lock.
 */
export function markInUse({ db, sql }: Pick<OpenFile, 'db' | 'sql'>, path: string): void {
  db.exec('PRAGMA synchronous = FULL')
  const state = inTransaction(db, 'BEGIN IMMEDIATE', () => {
    sql.run('UPDATE meta SET in_use = 1, generation = generation + 1')
    return stateOf(sql)
  })
  // From now on {@link LogSync} syncs what has to be on the disk, and SQLite no commit.
  db.exec('PRAGMA synchronous = NORMAL')
  // If a long reader keeps the mark out of the file, one of the next checkpoints takes it there.
  sql.get('PRAGMA wal_checkpoint(PASSIVE)')
  writeRecord(path, state)
}

export function isInUse(sql: Sql): boolean {
  return stateOf(sql).inUse
}

/** Takes the mark away, inside the caller's transaction: the file is whole once the log was folded into it. */
export function unmark(sql: Sql): void {
  sql.run('UPDATE meta SET in_use = 0')
}

/**
 * Folds the log into the file and empties it, as the last thing before a close: a driver may keep the file open until its
 * statements are collected, and nothing is left waiting for that.
 */
export function foldForGood({ db, sql }: OpenFile): void {
  db.exec('PRAGMA wal_checkpoint(TRUNCATE)')
  // Another process has marked the ledger since: its log must not look like a lost one.
  if (isInUse(sql)) sql.run('UPDATE meta SET in_use = 1')
}

/** Runs a step in a transaction. */
function inTransaction<T>(db: Database, begin: 'BEGIN' | 'BEGIN IMMEDIATE', step: () => T): T {
  db.exec(begin)
  try {
    const answer = step()
    db.exec('COMMIT')
    return answer
  } catch (error) {
    rollBack(db)
    throw error
  }
}

export function rollBack(db: Database): void {
  try {
    db.exec('ROLLBACK')
  } catch {
    // There was no transaction, or SQLite has already undone it: either way nothing of it stands.
  }
}

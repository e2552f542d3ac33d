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
 * How many pages the log may have before a commit copies it into the file: about a hundred payments. A larger log would
 * block the event loop for longer than 20 ms.
 */
const LOG_PAGES = 1000
/** SQLite cuts the log to this size when it starts again from its beginning, after a long read made it grow. */
const LOG_BYTES = 8 * 1024 * 1024

const SETTINGS = `PRAGMA cache_size = -16000; PRAGMA trusted_schema = OFF;
  PRAGMA wal_autocheckpoint = ${LOG_PAGES}; PRAGMA journal_size_limit = ${LOG_BYTES}`

/** An open database of a ledger. */
export interface OpenFile {
  readonly db: Database
  readonly sql: Sql
  /** Closes the database fully, so that none of its files stays open in this process. */
  close(): Promise<void>
}

/** Opens the database. It does not check whether the tables exist, or which version they have. */
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
 * Opens a ledger's file, or makes one. It updates the tables to this version, and notices gaps.
 *
 * @throws PaymentError `ledger_missing`, `ledger_corrupt`, `ledger_read_only`, `ledger_newer`; errors of SQLite.
 */
export async function openFile(path: string, create: boolean): Promise<OpenFile> {
  const driver = await loadDriver()
  // The record is read first. Another process may make the ledger meanwhile, and then it is not a lost ledger.
  const record = readRecord(path)
  prepareFile(path, create, record !== undefined)
  const file = connect(driver, path, false)
  const { db, sql } = file
  try {
    checkLength(db, path)
    if (!isCurrent(db, record !== undefined)) renew(db)
    // The log starts only now. So the tables of a new ledger are in the file itself before there is a log that could be
    // lost.
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
 * Opens a ledger's file for reading only. It does not update the tables, so they must have this version.
 *
 * @throws PaymentError `ledger_missing`, `ledger_corrupt`, `ledger_read_only`, `ledger_older`, `ledger_newer`; errors
 * of SQLite.
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

/** Checks the file's length, so that a truncated file is found now and not later, when a missing page is read. */
function checkLength(db: Database, path: string): void {
  // If another process is making the ledger, the missing pages are in its log.
  if (bytesOf(db) > sizeOf(path) && !hasLog(path))
    throw ledgerError('ledger_corrupt', `${path} has been cut short`)
}

function older(path: string): Error {
  return ledgerError(
    'ledger_older',
    `An older version of Purser wrote ${path}. Open it once with sqliteLedger of this version, which updates its tables`,
  )
}

/** Makes the tables or updates them: either fully and on the disk, or not at all. */
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

/** The state that the file itself records. */
interface State {
  readonly id: string
  /**
   * How many times a process began to write to the file. If the record has a higher number, the file is an older one.
   */
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

/** Stores a gap before any payment if payments may be missing. Then updates the record. */
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
 * @throws PaymentError `ledger_missing` if another ledger has replaced this one.
 */
export function unnoticedGap(sql: Sql, path: string): Gap | undefined {
  const state = stateOf(sql)
  const cause = causeOf(state, path, readRecord(path))
  return cause === undefined ? undefined : { since: state.high, cause }
}

function causeOf(state: State, path: string, record: MadeRecord | undefined): GapCause | undefined {
  const { id, generation, inUse, gaps } = state
  // One gap that is not confirmed already stops all payments, until a person confirms it.
  if (gaps.some(({ confirmed }) => confirmed === undefined)) return undefined
  // Every process that uses the ledger has written to its log, so the log was lost if it is missing or empty.
  if (inUse && !hasLog(path)) return 'log_lost'
  if (record?.id === undefined) return undefined
  if (record.id !== id) throw exchanged(path)
  return generation < record.generation ? 'older_copy' : undefined
}

function addGap(sql: Sql, state: State, path: string, record: MadeRecord | undefined): State {
  const cause = causeOf(state, path, record)
  if (cause === undefined) return state
  // A new id gives the wallets new lanes. So forgotten payments that were signed on the old lanes do not block new
  // ones.
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
 * Marks the ledger as used, in the file itself. From now on, the file is incomplete without its log, and a process that
 * opens it without the log notices that. Every process calls this before its first write.
 *
 * @throws errors of SQLite, for example because of a lock.
 */
export function markInUse({ db, sql }: Pick<OpenFile, 'db' | 'sql'>, path: string): void {
  db.exec('PRAGMA synchronous = FULL')
  const state = inTransaction(db, 'BEGIN IMMEDIATE', () => {
    sql.run('UPDATE meta SET in_use = 1, generation = generation + 1')
    return stateOf(sql)
  })
  // From now on {@link LogSync} syncs each commit that must be on the disk, and SQLite syncs none.
  db.exec('PRAGMA synchronous = NORMAL')
  // If a long read keeps the mark out of the file, a later checkpoint copies it there.
  sql.get('PRAGMA wal_checkpoint(PASSIVE)')
  writeRecord(path, state)
}

export function isInUse(sql: Sql): boolean {
  return stateOf(sql).inUse
}

/** Removes the mark, inside the caller's transaction. The file is complete after the log was copied into it. */
export function unmark(sql: Sql): void {
  sql.run('UPDATE meta SET in_use = 0')
}

/**
 * Copies the log into the file and empties the log, as the last step before a close. A driver may keep the file open
 * until its statements are collected. After this step, that delay can lose no data.
 */
export function foldForGood({ db, sql }: OpenFile): void {
  db.exec('PRAGMA wal_checkpoint(TRUNCATE)')
  // Another process has marked the ledger since then. Its log must not look like a lost log.
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
    // There was no transaction, or SQLite has already undone it. In both cases the step changed no data.
  }
}

import {
  accessSync,
  chmodSync,
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  openSync,
  readSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { homedir, platform } from 'node:os'
import { dirname, join } from 'node:path'
import { ledgerError } from './failures.js'

/** Where the ledger is when nobody says: below the user's state directory. */
export function defaultPath(env: NodeJS.ProcessEnv = process.env): string {
  const { XDG_STATE_HOME: xdg, LOCALAPPDATA: local } = env
  if (xdg !== undefined && xdg !== '') return join(xdg, 'purser', 'ledger.db')
  if (platform() === 'darwin') return join(homedir(), 'Library', 'Application Support', 'purser', 'ledger.db')
  if (platform() === 'win32') return join(local ?? join(homedir(), 'AppData', 'Local'), 'purser', 'ledger.db')
  return join(homedir(), '.local', 'state', 'purser', 'ledger.db')
}

/** The identity of a file: a path that leads elsewhere is another ledger, or none. */
export type FileId = string

export function fileId(path: string): FileId | undefined {
  const stat = statSync(path, { throwIfNoEntry: false })
  return stat === undefined ? undefined : `${stat.dev} ${stat.ino}`
}

/** Beside a ledger stands the record that it was made, so that one that vanishes is missed and not made anew. */
const recordOf = (path: string): string => `${path}.made`

export function wasMade(path: string): boolean {
  return existsSync(recordOf(path))
}

export function recordMade(path: string): void {
  if (!wasMade(path)) writeFileSync(recordOf(path), '', { mode: 0o600 })
}

/**
 * Checks a ledger's file before SQLite opens it, and makes an empty one where there is none yet.
 *
 * @throws PaymentError `ledger_missing`, `ledger_read_only`, `ledger_corrupt`.
 */
export function prepareFile(path: string, create: boolean): void {
  const stat = statSync(path, { throwIfNoEntry: false })
  if (stat === undefined) {
    makeFile(path, create)
    return
  }
  if (!stat.isFile()) throw ledgerError('ledger_corrupt', `${path} is not a file`)
  try {
    accessSync(path, constants.W_OK)
    accessSync(dirname(path), constants.W_OK)
  } catch {
    throw ledgerError('ledger_read_only', `${path} cannot be written to`)
  }
  if (stat.size === 0) {
    if (wasMade(path)) throw ledgerError('ledger_corrupt', `${path} has been emptied`)
    if (!create) throw ledgerError('ledger_missing', `There is no ledger in ${path}`)
    return
  }
  checkHeader(path, stat.size)
}

function makeFile(path: string, create: boolean): void {
  if (wasMade(path))
    throw ledgerError(
      'ledger_missing',
      `The ledger ${path} has vanished. Restore it, or remove ${recordOf(path)} to begin a new one`,
    )
  if (!create) throw ledgerError('ledger_missing', `There is no ledger at ${path}`)
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    // SQLite gives its other files the mode of this one.
    closeSync(openSync(path, 'a', 0o600))
    chmodSync(path, 0o600)
  } catch {
    throw ledgerError('ledger_read_only', `The ledger ${path} cannot be made`)
  }
}

const MAGIC = 'SQLite format 3\0'

/** A file that was cut short is found now, and not when the page that is missing happens to be read. */
function checkHeader(path: string, size: number): void {
  const header = Buffer.alloc(100)
  const file = openSync(path, 'r')
  try {
    const length = readSync(file, header, 0, 100, 0)
    if (length < 100 || header.toString('latin1', 0, 16) !== MAGIC)
      throw ledgerError('ledger_corrupt', `${path} is not a ledger`)
  } finally {
    closeSync(file)
  }
  // While a log stands beside it, the file may lack pages that the log still has.
  const log = statSync(`${path}-wal`, { throwIfNoEntry: false })
  if (log !== undefined && log.size > 0) return
  // https://sqlite.org/fileformat.html#the_database_header: page size at 16 (1 means 65536), pages at 28.
  const page = header.readUInt16BE(16) === 1 ? 65_536 : header.readUInt16BE(16)
  if (size < header.readUInt32BE(28) * page) throw ledgerError('ledger_corrupt', `${path} has been cut short`)
}

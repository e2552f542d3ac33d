import { PaymentError } from '../../errors/index.js'
import { ledgerError } from '../ledger-error.js'
import { mayAskSystem } from '../permission.js'
import { recordPath } from './made-record.js'

// These modules are not imported, because bundlers follow lazy imports too, and a name that starts with `node:` breaks
// the build of a web page.
const { accessSync, chmodSync, closeSync, constants, existsSync, mkdirSync, openSync, statSync } =
  process.getBuiltinModule('node:fs')
const { homedir, platform } = process.getBuiltinModule('node:os')
const { dirname, isAbsolute, join } = process.getBuiltinModule('node:path')

/**
 * Returns the default path of the ledger, below the user's state directory. A relative path would give each working
 * directory a different ledger, with unspent budgets. So a relative `XDG_STATE_HOME` is ignored, as its specification
 * requires, and there is no default without an absolute home directory.
 *
 * @throws PaymentError `invalid_config`
 */
export function defaultPath(env: NodeJS.ProcessEnv = process.env, home: string = homeOf(env)): string {
  const { XDG_STATE_HOME: xdg, LOCALAPPDATA: local } = env
  if (xdg !== undefined && isAbsolute(xdg)) return join(xdg, 'purser', 'ledger.db')
  if (platform() === 'win32' && local !== undefined && isAbsolute(local))
    return join(local, 'purser', 'ledger.db')
  if (!isAbsolute(home))
    throw new PaymentError(
      'invalid_config',
      'untouched',
      'HOME is no absolute path, so there is no place for the ledger: name a file, by sqliteLedger({ path }) or PURSER_LEDGER',
    )
  if (platform() === 'darwin') return join(home, 'Library', 'Application Support', 'purser', 'ledger.db')
  if (platform() === 'win32') return join(home, 'AppData', 'Local', 'purser', 'ledger.db')
  return join(home, '.local', 'state', 'purser', 'ledger.db')
}

/**
 * Returns the home directory. In Deno, the function for it needs an extra permission. Without that permission, this
 * reads the environment.
 */
function homeOf(env: NodeJS.ProcessEnv): string {
  return mayAskSystem('homedir') ? homedir() : (env['HOME'] ?? env['USERPROFILE'] ?? '')
}

/** The identity of a file. If a path leads to a file with another identity, the ledger was replaced or removed. */
export interface FileId {
  readonly dev: number
  readonly ino: number
}

export function fileId(path: string): FileId | undefined {
  return statSync(path, { throwIfNoEntry: false })
}

export function sameFile(a: FileId | undefined, b: FileId | undefined): boolean {
  return a?.dev === b?.dev && a?.ino === b?.ino
}

/**
 * Checks a ledger's file before SQLite opens it, and makes an empty file if there is none.
 *
 * It never opens a file that exists. Closing the file would drop the locks that SQLite has on it in this process
 * (https://sqlite.org/howtocorrupt.html#_posix_advisory_locks_canceled_by_a_separate_thread_doing_close_).
 *
 * @param made Whether the record shows that there was a ledger before.
 * @throws PaymentError `ledger_missing`, `ledger_read_only`, `ledger_corrupt`.
 */
export function prepareFile(path: string, create: boolean, made: boolean): void {
  const stat = fileAt(path, made)
  if (stat === undefined) {
    makeFile(path, create)
    return
  }
  if (!may(path, constants.W_OK) || !may(dirname(path), constants.W_OK))
    throw ledgerError(
      'ledger_read_only',
      `${path} cannot be written to. \`path\` of sqliteLedger can name another place`,
    )
  if (stat.size === 0 && !create)
    throw ledgerError(
      'ledger_missing',
      `There is no ledger in ${path}. Look at \`path\` and \`create\` of sqliteLedger`,
    )
}

/**
 * Checks a ledger's file before SQLite opens it for reading only.
 *
 * @throws PaymentError `ledger_missing`, `ledger_read_only`, `ledger_corrupt`, `ledger_failed`.
 */
export function checkReadable(path: string, made: boolean): void {
  const stat = fileAt(path, made)
  if (stat === undefined || stat.size === 0)
    throw ledgerError('ledger_missing', `There is no ledger at ${path}`)
  if (!may(path, constants.R_OK))
    throw ledgerError('ledger_failed', `This user may not read ${path}. Read it as the user who owns it`)
  // SQLite would make the extra files as this user, and the ledger's owner could not open them.
  const user = process.getuid?.() ?? 0
  if (
    made &&
    user !== 0 &&
    user !== stat.uid &&
    !existsSync(logPath(path)) &&
    may(dirname(path), constants.W_OK)
  )
    throw needsLog(path)
}

/** Returns the error for a ledger whose two extra files do not exist and cannot be made. SQLite needs them to read. */
export function needsLog(path: string): PaymentError {
  return ledgerError(
    'ledger_read_only',
    `${path} can only be read if ${path}-wal and ${path}-shm exist or can be made. Read it as the user who owns it and in a folder that can be written to, or while a process uses it, or read a copy that backupLedger() made`,
  )
}

/** Returns the size and the owner of the file, if it exists. */
function fileAt(path: string, made: boolean): { readonly size: number; readonly uid: number } | undefined {
  const stat = statSync(path, { throwIfNoEntry: false })
  if (stat === undefined) {
    if (made) throw vanished(path)
    return undefined
  }
  if (!stat.isFile())
    throw ledgerError('ledger_corrupt', `${path} is not a file. Look at \`path\` of sqliteLedger`)
  if (stat.size === 0 && made) throw ledgerError('ledger_corrupt', `${path} has been emptied`)
  return stat
}

function may(path: string, mode: number): boolean {
  try {
    accessSync(path, mode)
    return true
  } catch {
    return false
  }
}

function vanished(path: string): PaymentError {
  const restore = `Restore it, or remove ${recordPath(path)} to begin a new one`
  return ledgerError('ledger_missing', `The ledger ${path} has vanished. ${restore}`)
}

function makeFile(path: string, create: boolean): void {
  if (!create)
    throw ledgerError(
      'ledger_missing',
      `There is no ledger at ${path}. Look at \`path\` and \`create\` of sqliteLedger`,
    )
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    // SQLite gives the extra files the mode of this file.
    closeSync(openSync(path, 'a', 0o600))
    chmodSync(path, 0o600)
  } catch {
    throw ledgerError(
      'ledger_read_only',
      `The ledger ${path} cannot be made. \`path\` of sqliteLedger can name another place`,
    )
  }
}

export function logPath(path: string): string {
  return `${path}-wal`
}

/** Returns whether the file has a log that contains pages. If it has, the file itself may lack these pages. */
export function hasLog(path: string): boolean {
  return sizeOf(logPath(path)) > 0
}

export function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0
}

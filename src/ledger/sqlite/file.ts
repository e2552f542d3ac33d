import { PaymentError } from '../../errors/index.js'
import { ledgerError } from '../ledger-error.js'
import { mayAskSystem } from '../permission.js'
import { recordPath } from './made-record.js'

// Not imported: bundlers follow lazy imports too, and a name that starts with `node:` breaks the build of a page.
const { accessSync, chmodSync, closeSync, constants, existsSync, mkdirSync, openSync, statSync } =
  process.getBuiltinModule('node:fs')
const { homedir, platform } = process.getBuiltinModule('node:os')
const { dirname, isAbsolute, join } = process.getBuiltinModule('node:path')

/**
 * Where the ledger is when nobody says: below the user's state directory. A relative path would be another ledger, with
 * budgets that nothing was spent of, in each working directory: `XDG_STATE_HOME` is then not read, as its specification
 * asks, and without an absolute home there is no default.
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

/** Deno tells the home directory only with a permission of its own; the environment has it there too. */
function homeOf(env: NodeJS.ProcessEnv): string {
  return mayAskSystem('homedir') ? homedir() : (env['HOME'] ?? env['USERPROFILE'] ?? '')
}

/** The identity of a file: a path that leads elsewhere is another ledger, or none. */
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
 * Checks a ledger's file before SQLite opens it, and makes an empty one if there is none.
 *
 * It never opens a file that exists: closing it would drop the locks that SQLite has on it in this process
 * (https://sqlite.org/howtocorrupt.html#_posix_advisory_locks_canceled_by_a_separate_thread_doing_close_).
 *
 * @param made Does the record say that there was a ledger before?
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
 * Checks a ledger's file before SQLite opens it only to read it.
 *
 * @throws PaymentError `ledger_missing`, `ledger_read_only`, `ledger_corrupt`, `ledger_failed`.
 */
export function checkReadable(path: string, made: boolean): void {
  const stat = fileAt(path, made)
  if (stat === undefined || stat.size === 0)
    throw ledgerError('ledger_missing', `There is no ledger at ${path}`)
  if (!may(path, constants.R_OK))
    throw ledgerError('ledger_failed', `This user may not read ${path}. Read it as the user who owns it`)
  // SQLite would make the files beside the ledger as this user, and its owner could not open them.
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

/** SQLite reads a ledger only if there are two more files beside it, or if it can make them. */
export function needsLog(path: string): PaymentError {
  return ledgerError(
    'ledger_read_only',
    `${path} can only be read if ${path}-wal and ${path}-shm exist or can be made. Read it as the user who owns it and in a folder that can be written to, or while a process uses it, or read a copy that backupLedger() made`,
  )
}

/** The file, if there is one. */
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
    // SQLite gives its other files the mode of this one.
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

/** Does a log with pages of its own stand beside the file? While it does, the file may lack them. */
export function hasLog(path: string): boolean {
  return sizeOf(logPath(path)) > 0
}

export function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0
}

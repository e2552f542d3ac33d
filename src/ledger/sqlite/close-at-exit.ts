/** An open file that can be left in one synchronous step. */
export interface OpenLedgerFile {
  leave(): void
}

/**
 * The open files of this process. They are kept until they are closed: a driver closes a file that nobody holds any more,
 * and SQLite then removes the log that the file still says it has.
 */
const open = new Set<OpenLedgerFile>()

/** Deno emits no `exit` when an error ends the process: these come before. The file can be written to afterwards all the same. */
const ERRORS = 'Deno' in globalThis ? (['error', 'unhandledrejection'] as const) : []

/** Leaves the file when the process ends without closing it: by itself, by `process.exit()` or by an error. */
export function closeAtExit(file: OpenLedgerFile): void {
  if (open.size === 0) {
    process.on('exit', leaveAll)
    for (const name of ERRORS) globalThis.addEventListener(name, leaveAll)
  }
  open.add(file)
}

/** The file was closed. */
export function noLongerOpen(file: OpenLedgerFile): void {
  open.delete(file)
  if (open.size > 0) return
  process.off('exit', leaveAll)
  for (const name of ERRORS) globalThis.removeEventListener(name, leaveAll)
}

function leaveAll(): void {
  for (const file of open) file.leave()
}

/** An open file that can be closed properly in one synchronous step. */
export interface OpenLedgerFile {
  leave(): void
}

/**
 * The open files of this process. They are kept here until they are closed. Otherwise a driver closes a file when its
 * object is collected, and SQLite then removes the log although the file is still marked as having one.
 */
const open = new Set<OpenLedgerFile>()

/**
 * Deno emits no `exit` event if an error ends the process. It emits these events first, and the file can still be
 * written to after them.
 */
const ERRORS = 'Deno' in globalThis ? (['error', 'unhandledrejection'] as const) : []

/** Closes the file properly if the process ends without closing it: normally, by `process.exit()` or by an error. */
export function closeAtExit(file: OpenLedgerFile): void {
  if (open.size === 0) {
    process.on('exit', leaveAll)
    for (const name of ERRORS) globalThis.addEventListener(name, leaveAll)
  }
  open.add(file)
}

/** Removes a file from the list after it was closed. */
export function noLongerOpen(file: OpenLedgerFile): void {
  open.delete(file)
  if (open.size > 0) return
  process.off('exit', leaveAll)
  for (const name of ERRORS) globalThis.removeEventListener(name, leaveAll)
}

function leaveAll(): void {
  for (const file of open) file.leave()
}

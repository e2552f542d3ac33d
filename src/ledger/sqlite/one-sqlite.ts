import { ledgerError } from '../ledger-error.js'
import type { Driver } from './driver.js'
import { type FileId, fileId } from './file.js'

/** The use of a ledger's file in this process: which copy of SQLite has it open, and how often. */
interface Use {
  readonly sqlite: Driver['DatabaseSync']
  count: number
}

const KEY = Symbol.for('purser.ledgers.open')

/** Returns the map that all copies of this module in the process share. */
function uses(): Map<string, Use> {
  const known: unknown = Reflect.get(globalThis, KEY)
  if (known instanceof Map) return known
  const made = new Map<string, Use>()
  Object.defineProperty(globalThis, KEY, { value: made })
  return made
}

/**
 * Notes that this copy of SQLite has the file open. Two copies in one process must not have the same file open. If one
 * of them closes it, the operating system drops the locks of the other, and two processes may write at once
 * (https://sqlite.org/howtocorrupt.html#_multiple_copies_of_sqlite_linked_into_the_same_application).
 *
 * @returns A function that removes the note.
 * @throws PaymentError `ledger_failed` if another copy has the file open.
 */
export function useOneSqlite(path: string, sqlite: Driver['DatabaseSync']): () => void {
  const name = nameOf(fileId(path))
  if (name === undefined) return () => undefined
  const known = uses().get(name) ?? { sqlite, count: 0 }
  if (known.count > 0 && known.sqlite !== sqlite)
    throw ledgerError(
      'ledger_failed',
      `Another copy of SQLite has ${path} open in this process. Install one version of Purser and of @photostructure/sqlite`,
    )
  const use = known.count > 0 ? known : { sqlite, count: 0 }
  use.count++
  uses().set(name, use)
  let done = false
  return () => {
    if (done) return
    done = true
    use.count--
    if (use.count === 0) uses().delete(name)
  }
}

function nameOf(id: FileId | undefined): string | undefined {
  return id === undefined ? undefined : `${id.dev}:${id.ino}`
}

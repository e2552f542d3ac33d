import { isObject } from '../../util/objects.js'
import { syncFolder } from './disk.js'

const { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } =
  process.getBuiltinModule('node:fs')
const { randomUUID } = process.getBuiltinModule('node:crypto')

/**
 * The record that a ledger was made, in a separate file next to the ledger. It remains if the ledger's file and its log
 * are lost. So Purser notices if one of them is missing or was replaced by an older one.
 */
export interface MadeRecord {
  /** The ledger's id. Absent if the record cannot be read. */
  readonly id?: string
  /** The lowest generation that the ledger's file can have. See `meta.generation`. */
  readonly generation: number
}

export function recordPath(path: string): string {
  return `${path}.made`
}

export function readRecord(path: string): MadeRecord | undefined {
  let text: string
  try {
    text = readFileSync(recordPath(path), 'utf8')
  } catch (error) {
    if (isObject(error) && error['code'] === 'ENOENT') return undefined
    return { generation: 0 }
  }
  return parse(text)
}

function parse(text: string): MadeRecord {
  try {
    const value: unknown = JSON.parse(text)
    if (!isObject(value)) return { generation: 0 }
    const { id, generation } = value
    if (typeof id === 'string' && typeof generation === 'number') return { id, generation }
  } catch {
    // The record still shows that a ledger was made.
  }
  return { generation: 0 }
}

/** Writes the record, unless it has the same content already. It is on the disk when this function returns. */
export function writeRecord(path: string, record: Required<MadeRecord>): void {
  const before = readRecord(path)
  if (before?.id === record.id && before.generation >= record.generation) return
  // Another process may write the record at the same time. So each process writes a separate file first.
  const draft = `${recordPath(path)}.${randomUUID()}`
  const file = openSync(draft, 'wx', 0o600)
  try {
    writeSync(file, `${JSON.stringify(record)}\n`)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
  renameSync(draft, recordPath(path))
  syncFolder(path)
}

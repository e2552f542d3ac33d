const { closeSync, fsyncSync, openSync } = process.getBuiltinModule('node:fs')
const { dirname } = process.getBuiltinModule('node:path')

/** Puts the names of a file's folder on the disk: a file that was made or renamed there survives a power cut. */
export function syncFolder(path: string): void {
  try {
    const folder = openSync(dirname(path), 'r')
    try {
      fsyncSync(folder)
    } finally {
      closeSync(folder)
    }
  } catch {
    // Windows opens no folders, and needs no sync of them.
  }
}

/** Puts a file on the disk. Never for a file that SQLite has open in this process: closing it drops SQLite's locks. */
export function syncFile(path: string): void {
  const file = openSync(path, 'r+')
  try {
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}

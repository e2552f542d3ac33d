const { closeSync, fsyncSync, openSync } = process.getBuiltinModule('node:fs')
const { dirname } = process.getBuiltinModule('node:path')

/** Syncs a file's folder to the disk, so that a file that was made or renamed there survives a power cut. */
export function syncFolder(path: string): void {
  try {
    const folder = openSync(dirname(path), 'r')
    try {
      fsyncSync(folder)
    } finally {
      closeSync(folder)
    }
  } catch {
    // Windows cannot open a folder, and does not need to sync it.
  }
}

/**
 * Syncs a file to the disk. Never call it for a file that SQLite has open in this process: closing the file drops
 * SQLite's locks.
 */
export function syncFile(path: string): void {
  const file = openSync(path, 'r+')
  try {
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}

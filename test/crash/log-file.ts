/**
 * The write-ahead log of SQLite and its index, as far as the power cuts of the tests need them
 * (https://sqlite.org/fileformat2.html#the_write_ahead_log, https://sqlite.org/walformat.html).
 */

const HEADER = 32
const FRAME_HEADER = 24

/** A log, as its file has it. */
export interface LogFile {
  readonly bytes: Buffer
  /** Random for each generation of the log: the log starts anew with other ones when all of it is in the database. */
  readonly salts: string
  /** Of one frame, header included. */
  readonly frameBytes: number
}

/** @returns Undefined where the file holds no log yet. */
export function readLog(bytes: Buffer): LogFile | undefined {
  if (bytes.length < HEADER) return undefined
  return { bytes, salts: saltsAt(bytes, 16), frameBytes: FRAME_HEADER + bytes.readUInt32BE(8) }
}

/** Where in the file so many frames end. */
export function endOf(frames: number, { frameBytes }: LogFile): number {
  return HEADER + frames * frameBytes
}

/** The number of frames up to the end of the first transaction after the first `from` frames. */
export function commitAfter(from: number, log: LogFile): number | undefined {
  for (let frame = from; endOf(frame + 1, log) <= log.bytes.length; frame++) {
    const at = endOf(frame, log)
    if (saltsAt(log.bytes, at + 8) !== log.salts) return undefined
    // Only the last frame of a transaction says how large the database is after it.
    if (log.bytes.readUInt32BE(at + 4) !== 0) return frame + 1
  }
  return undefined
}

/** The index that processes share: how many frames count, and how many of them a checkpoint may have copied. */
export interface LogIndex {
  readonly salts: string
  readonly frames: number
  readonly copied: number
}

/** How many bytes {@link readIndex} reads. */
export const INDEX_BYTES = 136

/** @returns Undefined where there is none yet. */
export function readIndex(bytes: Buffer): LogIndex | undefined {
  if (bytes.length < INDEX_BYTES) return undefined
  return { salts: saltsAt(bytes, 32), frames: bytes.readUInt32LE(16), copied: bytes.readUInt32LE(128) }
}

function saltsAt(bytes: Buffer, at: number): string {
  return bytes.toString('hex', at, at + 8)
}

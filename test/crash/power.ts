import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { endOf, type LogFile, readIndex, readLog } from './log-file.js'
import type { Dice } from './random.js'
import { syncsOf } from './syncs.js'

/**
 * What a power cut is here. All processes of a ledger are dead, and its files become what a disk may hold by then:
 *
 * - What was synced is there. The log is synced as a whole by every sync that a process asks for, by every commit at
 *   `synchronous = FULL`, by any process, and by every checkpoint before it copies anything; its header when it is written. A checkpoint syncs the database before
 *   the log may start anew. (Seen with strace: SQLite 3.53, WAL mode, `FULL` and `NORMAL`.)
 * - Of what was not synced, which is only ever the end of the log, the disk may have kept anything: nothing, all of it,
 *   a part, or single sectors of 512 bytes with holes of zeros between them.
 * - Disks that lie about a sync, and sectors that rot, are not played.
 */

const SECTOR = 512
/** How much of the sectors in question a disk has kept. */
const KEPT = [0, 0.5, 0.95, 1] as const

/**
 * Takes away what a ledger had not synced. No process may have it open, this one included: a driver may let go of a ledger
 * long after it was told to close it.
 *
 * @param dice What of it the disk has kept all the same. Default: nothing.
 * @returns How many bytes of the log were in question.
 */
export function losePower(ledger: string, dice?: Dice): number {
  const path = `${ledger}-wal`
  const log = existsSync(path) ? readLog(readFileSync(path)) : undefined
  if (log === undefined) return 0
  const synced = endOf(syncedFrames(ledger, log), log)
  const open = log.bytes.subarray(synced)
  if (open.length > 0)
    writeFileSync(path, Buffer.concat([log.bytes.subarray(0, synced), remainder(open, dice)]))
  // The index is in memory; its file is made anew by whoever opens the ledger first.
  rmSync(`${ledger}-shm`, { force: true })
  return open.length
}

function syncedFrames(ledger: string, { salts }: LogFile): number {
  const notes = existsSync(syncsOf(ledger)) ? readFileSync(syncsOf(ledger), 'utf8').split('\n') : []
  const frames = notes
    .map((note) => note.split(' '))
    .map(([generation, end]) => (generation === salts ? Number(end) : 0))
  const index = existsSync(`${ledger}-shm`) ? readIndex(readFileSync(`${ledger}-shm`)) : undefined
  // What a checkpoint has begun to copy was synced before.
  return Math.max(0, ...frames, index?.salts === salts ? index.copied : 0)
}

function remainder(open: Buffer, dice: Dice | undefined): Buffer {
  if (dice === undefined) return Buffer.alloc(0)
  const kept = dice.pick(KEPT)
  const left = Buffer.from(open.subarray(0, dice.chance(0.5) ? open.length : dice.below(open.length + 1)))
  for (let at = 0; at < left.length; at += SECTOR)
    if (!dice.chance(kept)) left.fill(0, at, Math.min(at + SECTOR, left.length))
  return left
}

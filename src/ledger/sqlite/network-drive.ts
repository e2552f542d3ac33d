import { mayAskSystem } from '../permission.js'

const { readFile, stat, statfs } = process.getBuiltinModule('node:fs/promises')
const { dirname, resolve } = process.getBuiltinModule('node:path')
const { setTimeout } = process.getBuiltinModule('node:timers')

/** The `f_type` of statfs(2) on Linux for network drives, and the drives' usual names. */
const NETWORK_TYPES: ReadonlyMap<number, string> = new Map([
  [0x6969, 'NFS'],
  [0x517b, 'SMB'],
  [0xff534d42, 'CIFS'],
  [0xfe534d42, 'SMB'],
  [0x01021997, '9p'],
  [0x5346414f, 'AFS'],
  [0x6b414653, 'AFS'],
  [0x00c36400, 'Ceph'],
  [0x73757245, 'Coda'],
  [0x0bd00bd0, 'Lustre'],
  [0x47504653, 'GPFS'],
  [0x7461636f, 'OCFS2'],
  [0x01161970, 'GFS2'],
  [0x786f4256, 'a shared folder of VirtualBox'],
])

/** Programs mount drives of all kinds by FUSE. Only the table of mounts shows which kind it is. */
const FUSE = 0x65735546
const LOCAL_FUSE =
  /^(?:fuseblk|fuse\.(?:ntfs(?:-3g)?|exfat|ext2|ext4|mergerfs|lxcfs|bindfs|gocryptfs|encfs|fuse-overlayfs|portal))$/
const MOST_WAIT_MS = 2_000

/** Paths that were checked. A process warns once for each path. */
const seen = new Set<string>()
const MOST_SEEN = 100

/**
 * Warns by `process.emitWarning` if a ledger is on a network drive. SQLite's locks do not work there, so two processes
 * could spend the same budget, and the file could be damaged. The caller does not wait for the check. There is no
 * warning if the drive does not answer within two seconds.
 */
export function warnOfNetworkDrive(path: string): void {
  if (seen.has(path) || seen.size >= MOST_SEEN) return
  seen.add(path)
  void networkDriveOf(path).then((drive) => {
    if (drive === undefined) return
    process.emitWarning(
      `The ledger ${path} lies on a network drive (${drive}). SQLite's locks do not hold there: budgets can be exceeded and the file can be damaged. Put it on a local disk (PURSER_LEDGER, or path of sqliteLedger)`,
      { type: 'PurserWarning', code: 'PURSER_NETWORK_DRIVE' },
    )
  })
}

/** Returns the kind of network drive of a path. Undefined for a local drive, and if the kind is unknown. */
async function networkDriveOf(path: string): Promise<string | undefined> {
  if (process.platform === 'win32') return isShare(resolve(path)) ? 'a share' : undefined
  if (process.platform !== 'linux' || !mayAskSystem('statfs')) return undefined
  try {
    return await settledInTime(look(dirname(resolve(path))))
  } catch {
    return undefined
  }
}

async function look(folder: string): Promise<string | undefined> {
  const { type } = await statfs(folder)
  if (type !== FUSE) return networkType(type)
  const [{ dev }, mounts] = await Promise.all([stat(folder), readFile('/proc/self/mountinfo', 'utf8')])
  return fuseDrive(dev, mounts)
}

/**
 * Returns the name of a network drive by its number in statfs(2). Some runtimes return it as a negative 32-bit number.
 */
export function networkType(type: number): string | undefined {
  return NETWORK_TYPES.get(type >>> 0)
}

/**
 * Returns the name of a network drive that FUSE serves, from the table of mounts (proc_pid_mountinfo(5)). A drive that
 * is not known to be local is treated as a network drive.
 *
 * @param dev - The device of a file on the drive, as stat(2) returns it.
 */
export function fuseDrive(dev: number, mounts: string): string | undefined {
  const device = BigInt(dev)
  const major = ((device >> 8n) & 0xfffn) | ((device >> 32n) & ~0xfffn)
  const minor = (device & 0xffn) | ((device >> 12n) & ~0xffn & 0xffffffffn)
  const wanted = `${major}:${minor}`
  const line = mounts.split('\n').find((one) => one.split(' ')[2] === wanted)
  const type = line?.split(' - ')[1]?.split(' ')[0]
  return type === undefined || LOCAL_FUSE.test(type) ? undefined : type
}

/** Returns whether a path has the form `\\server\share\…`. */
export function isShare(path: string): boolean {
  return /^[\\/]{2}[^\\/?.]/.test(path)
}

async function settledInTime<T>(work: Promise<T>): Promise<T | undefined> {
  work.catch(() => undefined)
  return Promise.race([
    work,
    new Promise<undefined>((done) => {
      setTimeout(() => done(undefined), MOST_WAIT_MS).unref()
    }),
  ])
}

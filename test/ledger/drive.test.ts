import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { statfs } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { sqliteLedger } from '../../src/entry/ledger-sqlite.js'
import { fuseDrive, isShare, networkType } from '../../src/ledger/sqlite/network-drive.js'
import { ended, start } from './processes.js'

const folder = mkdtempSync(join(tmpdir(), 'purser-drive-'))
afterAll(() => rmSync(folder, { recursive: true }))

test.each([
  ['NFS', 0x6969, 'NFS'],
  ['SMB', 0x517b, 'SMB'],
  ['SMB 2', 0xfe534d42, 'SMB'],
  ['CIFS', 0xff534d42, 'CIFS'],
  ['CIFS, as a number with a sign', 0xff534d42 | 0, 'CIFS'],
  ['9p of a virtual machine', 0x01021997, '9p'],
  ['Ceph', 0x00c36400, 'Ceph'],
  ['ext4', 0xef53, undefined],
  ['btrfs', 0x9123683e, undefined],
  ['xfs', 0x58465342, undefined],
  ['tmpfs', 0x01021994, undefined],
  ['overlayfs', 0x794c7630, undefined],
  ['zfs', 0x2fc12fc1, undefined],
])('%s is told by its number', (_what, type, name) => {
  expect(networkType(type)).toBe(name)
})

const MOUNTS = `22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
60 22 0:53 / /mnt/far\\040away rw,nosuid - fuse.sshfs me@host:/ rw,user_id=1000
61 22 0:54 / /mnt/disk rw - fuseblk /dev/sdb1 rw
62 22 0:55 / /mnt/pool rw master:1 - fuse.mergerfs a:b rw
63 22 0:300 / /mnt/bucket rw - fuse.s3fs s3fs rw
64 22 0:56 / /mnt/guest rw - virtiofs share rw
`

test.each([
  ['sshfs', 53, 'fuse.sshfs'],
  ['a bucket, whose number has more than eight bits', 0x10002c, 'fuse.s3fs'],
  ['a folder of the host of a virtual machine', 56, 'virtiofs'],
  ['a local disk of Windows', 54, undefined],
  ['local disks that are put together', 55, undefined],
  ['a drive that is in no table', 99, undefined],
])('%s is told by the table of mounts', (_what, dev, name) => {
  expect(fuseDrive(dev, MOUNTS)).toBe(name)
})

test.runIf(process.platform === 'linux')('the real table of mounts is read', async () => {
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8')
  const { dev } = statSync('/proc')
  expect(fuseDrive(dev, mounts)).toBe('proc')
  expect((await statfs('/proc')).type).toBe(0x9fa0)
})

test.each([
  ['\\\\server\\share\\ledger.db', true],
  ['//server/share/ledger.db', true],
  ['C:\\ledger.db', false],
  ['\\\\?\\C:\\ledger.db', false],
  ['\\\\.\\pipe\\x', false],
])('%s is a share: %s', (path, share) => {
  expect(isShare(path)).toBe(share)
})

test('a ledger on a local disk warns of nothing, and opening it waits for nothing', async () => {
  const warnings: Error[] = []
  const note = (warning: Error) => void warnings.push(warning)
  process.on('warning', note)
  const ledger = sqliteLedger({ path: join(folder, 'local.db') })
  await ledger.id()
  await ledger.close()
  process.off('warning', note)
  expect(warnings.filter(({ name }) => name === 'PurserWarning')).toEqual([])
})

test.runIf(process.platform === 'linux')('a ledger on a network drive warns once, with a code', async () => {
  const { out } = await ended(start('far-opener.ts', [join(folder, 'far.db')]))
  const lines = out.trim().split('\n')
  expect(lines).toHaveLength(1)
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({
    name: 'PurserWarning',
    code: 'PURSER_NETWORK_DRIVE',
    message: expect.stringMatching(/far\.db lies on a network drive \(NFS\).*PURSER_LEDGER/),
  })
})

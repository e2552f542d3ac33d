import { mkdirSync, mkdtempSync, readdirSync, readlinkSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { backupLedger, restoreLedger, sqliteLedger } from '../../src/ledger/sqlite/index.js'
import { runtime } from '../runtime.js'
import { CENT, committed, everClaim, holdOf } from './fixtures.js'
import { ended, printed, start } from './processes.js'

const root = mkdtempSync(join(tmpdir(), 'purser-left-'))
afterAll(() => rmSync(root, { recursive: true }))

let number = 0
let path = ''
beforeEach(() => {
  const folder = join(root, `${++number}`)
  mkdirSync(folder)
  path = join(folder, 'ledger.db')
})

async function pay(ledger: ReturnType<typeof sqliteLedger>): Promise<void> {
  await ledger.renew('me', 60_000)
  const buy = { price: 1, claims: [everClaim(CENT, 5n * CENT)] }
  await ledger.hold(await holdOf(ledger, 'mine', buy))
  await ledger.advance('mine', committed(buy))
}

/** Files below the test's folder that this process has open. */
function opened(): readonly string[] {
  return readdirSync('/proc/self/fd').flatMap((name) => {
    try {
      const file = readlinkSync(`/proc/self/fd/${name}`)
      return file.startsWith(root) ? [file] : []
    } catch {
      return []
    }
  })
}

describe.runIf(process.platform === 'linux')('a ledger that was closed', () => {
  it('is let go of: no file of it stays open', async () => {
    const ledger = sqliteLedger({ path })
    await pay(ledger)
    expect(opened().length).toBeGreaterThan(0)
    await ledger.close()
    expect(opened()).toEqual([])
    expect(readdirSync(join(path, '..')).filter((name) => /-(wal|shm)$/.test(name))).toEqual([])
  })

  it('is let go of while another process goes on with it', { timeout: 30_000 }, async () => {
    const child = start('spender.ts', [path, 'other', '1', '5'])
    const end = ended(child)
    await printed(child, 2)
    const ledger = sqliteLedger({ path })
    await pay(ledger)
    await ledger.close()
    expect(opened()).toEqual([])
    child.kill('SIGKILL')
    await end
  })

  it('is let go of after a read alone, a backup, a restore and a failure', async () => {
    const ledger = sqliteLedger({ path })
    await pay(ledger)
    await ledger.close()
    const reader = sqliteLedger({ path })
    await reader.get('mine')
    await reader.close()
    await backupLedger(path, `${path}.backup`)
    await restoreLedger(`${path}.backup`, path)
    await expect(backupLedger(join(root, 'nowhere.db'), `${path}.other`)).rejects.toMatchObject({
      code: 'ledger_missing',
    })
    expect(opened()).toEqual([])
  })
})

// Deno has no way to collect garbage from inside, and no `SIGUSR2` handlers everywhere.
it.runIf(runtime() === 'node' && process.platform !== 'win32')(
  'a process that closed a ledger never takes the log of another process away',
  { timeout: 60_000 },
  async () => {
    const closer = start('closer.ts', [path])
    const closed = ended(closer)
    await printed(closer, 1)
    // The ledger is at rest, so that its file alone is whole: whoever moves a ledger takes no more than that.
    for (const end of ['-wal', '-shm']) rmSync(`${path}${end}`, { force: true })
    const spender = start('spender.ts', [path, 'killed', '3', '5'])
    const killed = ended(spender)
    await printed(spender, 2)
    spender.kill('SIGKILL')
    expect((await killed).out).toBe('open\n3\n')

    closer.kill('SIGUSR2')
    await printed(closer, 1)
    closer.kill('SIGKILL')
    expect((await closed).out).toBe('closed\ncollected\n')
    const ledger = sqliteLedger({ path })
    expect(await ledger.gaps()).toEqual([])
    for (const id of ['closer.1', 'killed.0', 'killed.1', 'killed.2'])
      expect(await ledger.get(id)).toMatchObject({ id, state: 'committed' })
    await ledger.close()
  },
)

import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'
import { sqliteLedger } from '../../src/ledger/sqlite/index.js'
import { buy, buyer } from './shop.js'

const LEAVER = fileURLToPath(new URL('./leaver.ts', import.meta.url))

it('a process that has nothing more to do ends, though fees are due and their node hangs', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'purser-leaving-'))
  try {
    const path = join(folder, 'ledger.db')
    const past = { now: () => Date.now() - 60_000, monotonic: () => performance.now() }
    const ledger = sqliteLedger({ path, clock: past })
    const purser = buyer({ ledger, clock: past, limit: '200', inspect: () => new Promise(() => undefined) })
    for (let n = 0; n < 20; n++) await buy(purser, `/${n}`)
    await purser.close()
    const args = ['--import', 'tsx', LEAVER, path]
    // Killed if it has not ended by itself by then.
    const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 50_000 })
    expect(stdout).toBe('200\n')
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}, 60_000)

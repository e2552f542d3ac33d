import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { backupLedger, restoreLedger, sqliteLedger } from '../../src/entry/ledger-sqlite.js'
import { against, paymentsOf, statesOf } from './kit.js'

const folder = mkdtempSync(join(tmpdir(), 'purser-restore-'))
afterAll(() => rmSync(folder, { recursive: true }))

const policy = { budgets: [{ limit: '1 USD', per: 'day' }] } as const

it('a purser on a restored ledger signs nothing, says so, and goes on once a person has said what was spent', async () => {
  const path = join(folder, 'ledger.db')
  const backup = join(folder, 'backup.db')
  {
    await using set = await against('honest', { policy, ledger: sqliteLedger({ path }) })
    expect((await set.payer.call('/a')).status).toBe(200)
    await backupLedger(path, backup)
    expect((await set.payer.call('/b')).status).toBe(200)
  }
  await restoreLedger(backup, path)
  await using set = await against('honest', { policy, ledger: sqliteLedger({ path }) })
  const { purser } = set.payer
  const heard: unknown[] = []
  purser.on('error', ({ error }) => heard.push(error))
  const got = await set.payer.call('/c')
  expect([got.code, got.funds, set.payer.signatures]).toEqual(['ledger_incomplete', 'untouched', 0])
  expect(heard).toMatchObject([{ code: 'ledger_incomplete' }])
  expect(await paymentsOf(purser)).toHaveLength(1)
  await purser.confirmRestore({ by: 'ann', spent: 'unknown' })
  expect([(await set.payer.call('/d')).status, set.payer.signatures]).toEqual([402, 0])
  expect(await purser.budgets()).toMatchObject([{ remaining: 0n }])
  await purser.confirmRestore({ by: 'ann', spent: '0.20 USD' })
  expect([(await set.payer.call('/e')).status, set.payer.signatures]).toEqual([200, 1])
  const [budget] = await purser.budgets()
  expect(budget?.spent).toBeGreaterThan(200_000_000n)
})

it('a confirmation first looks at every open payment that the ledger knows', async () => {
  const path = join(folder, 'open.db')
  const backup = join(folder, 'open-backup.db')
  {
    await using set = await against('hang-up', { policy, ledger: sqliteLedger({ path }) })
    expect((await set.payer.call('/a')).funds).toBe('unknown')
  }
  await backupLedger(path, backup)
  await restoreLedger(backup, path)
  await using set = await against('honest', { policy, ledger: sqliteLedger({ path }) })
  const { purser } = set.payer
  expect(await statesOf(set.payer)).toEqual(['committed'])
  expect(await purser.confirmRestore({ by: 'ann', spent: '0' })).toMatchObject({ open: 1 })
  expect((await set.payer.call('/b')).status).toBe(200)
})

it.each([
  [{ by: '', spent: '1' }, /`by`/],
  [{ by: 'ann', spent: 'a lot' }, /`spent`/],
  [{ by: 'ann', spent: '1 EUR' }, /`spent`/],
  [{ by: 'ann', spent: '1', deposits: 'unknown' }, /`deposits`/],
  [{ by: 'ann', spent: '1', payments: -1 }, /`payments`/],
])('a statement that cannot be read confirms nothing: %o', async (statement, message) => {
  const path = join(folder, 'statement.db')
  const ledger = sqliteLedger({ path })
  await ledger.renew('me', 1)
  await ledger.close()
  rmSync(join(folder, 'statement-backup.db'), { force: true })
  await backupLedger(path, join(folder, 'statement-backup.db'))
  await restoreLedger(join(folder, 'statement-backup.db'), path)
  await using set = await against('honest', { policy, ledger: sqliteLedger({ path }) })
  await expect(set.payer.purser.confirmRestore(statement)).rejects.toThrow(message)
  expect((await set.payer.call('/a')).code).toBe('ledger_incomplete')
})

it('a ledger that forgot nothing has nothing to confirm', async () => {
  await using set = await against('honest', {
    policy,
    ledger: sqliteLedger({ path: join(folder, 'whole.db') }),
  })
  await expect(set.payer.purser.confirmRestore({ by: 'ann', spent: '0' })).rejects.toThrow(/no gap/)
})

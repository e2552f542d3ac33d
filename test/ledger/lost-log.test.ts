import { copyFileSync, mkdirSync, mkdtempSync, rmSync, statSync, truncateSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { type SqliteLedgerOptions, sqliteLedger } from '../../src/ledger/sqlite/index.js'
import { CENT, committed, everClaim, holdOf } from './fixtures.js'
import { ended, printed, start } from './processes.js'

const root = mkdtempSync(join(tmpdir(), 'purser-lost-'))
afterAll(() => rmSync(root, { recursive: true }))

let number = 0
let path = ''
beforeEach(() => {
  const folder = join(root, `${++number}`)
  mkdirSync(folder)
  path = join(folder, 'ledger.db')
})

/** Pays that often in a process of its own, which closes the ledger. */
async function endedAfter(payments: number, name: string): Promise<void> {
  const { out } = await ended(start('spender.ts', [path, name, `${payments}`, '5', 'closes']))
  expect(out).toBe(`open\n${payments}\n`)
}

/** Pays that often in a process of its own, which is killed afterwards. */
async function killedAfter(payments: number): Promise<void> {
  const child = start('spender.ts', [path, 'killed', `${payments}`, '5'])
  const end = ended(child)
  await printed(child, 2)
  child.kill('SIGKILL')
  expect((await end).out).toBe(`open\n${payments}\n`)
}

/** Pays that often and closes the ledger. */
async function closedAfter(payments: number, name: string): Promise<number> {
  const ledger = sqliteLedger({ path })
  const paid = await pay(ledger, payments, name)
  await ledger.close()
  return paid
}

async function pay(ledger: ReturnType<typeof sqliteLedger>, payments: number, name: string): Promise<number> {
  await ledger.renew('me', 60_000)
  let paid = 0
  for (let n = 0; n < payments; n++) {
    const buy = { price: 1, claims: [everClaim(CENT, 5n * CENT)] }
    const held = await ledger.hold(await holdOf(ledger, `${name}.${n}`, buy))
    if (held.ok && (await ledger.advance(`${name}.${n}`, committed(buy))).ok) paid++
  }
  return paid
}

const withoutLog = (): void => {
  for (const end of ['-wal', '-shm']) rmSync(`${path}${end}`, { force: true })
}

/** The ledger pays nothing, and says why; what it knows can still be read. */
async function paysNothing(options: SqliteLedgerOptions = { path }): Promise<void> {
  const ledger = sqliteLedger(options)
  await ledger.renew('me', 60_000)
  const hold = await holdOf(ledger, 'new', { price: 1 })
  await expect(ledger.hold(hold)).rejects.toMatchObject({ code: 'ledger_incomplete', funds: 'untouched' })
  await ledger.close()
  const again = sqliteLedger(options)
  await expect(again.hold(hold)).rejects.toMatchObject({ code: 'ledger_incomplete' })
  await again.close()
}

describe('a ledger whose log is lost', { timeout: 60_000 }, () => {
  it('is missed when the log beside a fresh ledger is tidied away after a kill', async () => {
    await killedAfter(4)
    withoutLog()
    await paysNothing()
  })

  it('is missed when the log beside an older ledger is tidied away after a kill', async () => {
    await endedAfter(1, 'old')
    await killedAfter(4)
    withoutLog()
    await paysNothing()
  })

  it('is missed when the log was emptied', async () => {
    await killedAfter(4)
    rmSync(`${path}-shm`)
    truncateSync(`${path}-wal`, 0)
    await paysNothing()
  })

  it('is missed when only the file itself outlives its container', async () => {
    await killedAfter(4)
    withoutLog()
    rmSync(`${path}.made`)
    await paysNothing()
  })

  it('is missed in a backup of the file alone, taken while it was in use', async () => {
    await closedAfter(1, 'old')
    const ledger = sqliteLedger({ path })
    expect(await pay(ledger, 3, 'now')).toBe(3)
    const copy = `${path}.copy`
    copyFileSync(path, copy)
    await ledger.close()
    await paysNothing({ path: copy })
  })

  it('is missed when an older backup is copied over it', async () => {
    await closedAfter(1, 'old')
    copyFileSync(path, `${path}.backup`)
    await closedAfter(4, 'new')
    copyFileSync(`${path}.backup`, path)
    await paysNothing()
  })
})

describe('a ledger that lost nothing goes on', { timeout: 60_000 }, () => {
  it.each([
    ['by itself', 'leaves', 0],
    ['by process.exit()', 'exits', 0],
    ['by an error', 'throws', 1],
  ])('after a process that ended %s and closed nothing', async (_, how, code) => {
    for (const name of ['first', 'second']) {
      const end = await ended(start('spender.ts', [path, name, '2', '9', how]))
      expect(end).toEqual({ code, out: 'open\n2\n' })
    }
    expect(await closedAfter(1, 'last')).toBe(1)
  })

  it('after a process that read the log of a killed one, and closed nothing', async () => {
    await killedAfter(2)
    const { out } = await ended(start('spender.ts', [path, 'reader', '0', '9', 'leaves']))
    expect(out).toBe('open\n0\n')
    expect(await closedAfter(1, 'last')).toBe(1)
  })

  it('after a kill, with its log', async () => {
    await closedAfter(1, 'old')
    await killedAfter(3)
    expect(statSync(`${path}-wal`).size).toBeGreaterThan(0)
    expect(await closedAfter(5, 'new')).toBe(1)
  })

  it('after a kill before anything was written', async () => {
    await killedAfter(0)
    expect(await closedAfter(5, 'new')).toBe(5)
  })

  it('after a clean close, with the file alone', async () => {
    expect(await closedAfter(2, 'a')).toBe(2)
    const from = path
    path = `${from}.moved`
    copyFileSync(from, path)
    expect(await closedAfter(5, 'b')).toBe(3)
  })

  it('when one process closes while another has just marked the ledger and is killed', async () => {
    const [first, second] = [sqliteLedger({ path }), sqliteLedger({ path })]
    expect(await pay(first, 1, 'first')).toBe(1)
    expect(await pay(second, 1, 'second')).toBe(1)
    await Promise.all([first.close(), pay(second, 1, 'more')])
    for (const end of ['', '-wal', '.made']) copyFileSync(`${path}${end}`, `${path}.killed${end}`)
    await second.close()
    path = `${path}.killed`
    expect(await closedAfter(5, 'third')).toBe(2)
  })

  it('after a kill, and a reader that closed it afterwards', async () => {
    await killedAfter(3)
    const reader = sqliteLedger({ path })
    expect(await reader.frozen()).toBeUndefined()
    await reader.close()
    expect(await closedAfter(5, 'b')).toBe(2)
  })

  it('when one of two processes closes and the other is killed', async () => {
    const child = start('spender.ts', [path, 'first', '2', '5'])
    const end = ended(child)
    await printed(child, 2)
    expect(await closedAfter(1, 'second')).toBe(1)
    child.kill('SIGKILL')
    await end
    expect(await closedAfter(5, 'third')).toBe(2)
  })
})

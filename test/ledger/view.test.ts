import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { budgetsOf } from '../../src/ledger/budgets.js'
import type { Ledger, LedgerView, Payment } from '../../src/ledger/index.js'
import { storeLedger } from '../../src/ledger/key-value/index.js'
import { memoryLedger } from '../../src/ledger/memory.js'
import { loadDriver } from '../../src/ledger/sqlite/driver.js'
import { backupLedger, openLedgerView, sqliteLedger } from '../../src/ledger/sqlite/index.js'
import { APPLICATION_ID, MIGRATIONS } from '../../src/ledger/sqlite/schema.js'
import { createPolicy, type PolicyDocument } from '../../src/policy/index.js'
import { resource } from '../pay/peers.js'
import { ExampleStore } from './example-store.js'
import {
  CENT,
  committed,
  DAY,
  dayClaim,
  everClaim,
  holdOf,
  rollingClaim,
  START,
  settled,
  TestClock,
  termsOf,
  VENDOR,
} from './fixtures.js'
import { ended, printed, start } from './processes.js'

const root = mkdtempSync(join(tmpdir(), 'purser-view-'))
chmodSync(root, 0o755)
afterAll(() => rmSync(root, { recursive: true }))

let number = 0
let folder = ''
let path = ''
beforeEach(() => {
  folder = join(root, `${++number}`)
  path = join(folder, 'ledger.db')
  mkdirSync(folder)
})

const raw = async (sql: string): Promise<void> => {
  const { DatabaseSync } = await loadDriver()
  const db = new DatabaseSync(path, { timeout: 0 })
  db.exec(sql)
  db.close()
}

async function all(view: LedgerView, query?: Parameters<LedgerView['payments']>[0]): Promise<Payment[]> {
  const found: Payment[] = []
  for await (const payment of view.payments(query)) found.push(payment)
  return found
}

const idsOf = async (view: LedgerView, query?: Parameters<LedgerView['payments']>[0]): Promise<string[]> =>
  (await all(view, query)).map(({ id }) => id)

/** Pays that often and closes the ledger. */
async function made(payments: number): Promise<void> {
  const ledger = sqliteLedger({ path, synchronous: 'normal' })
  await ledger.renew('me', 60_000)
  for (let n = 0; n < payments; n++) {
    await ledger.hold(await holdOf(ledger, `p${n}`))
    await ledger.advance(`p${n}`, committed())
  }
  await ledger.close()
}

const document: PolicyDocument = {
  name: 'team',
  perPayment: '1',
  budgets: [
    { limit: '5', per: 'day' },
    { payments: 10, per: 'day' },
    { limit: '2', per: 'day', each: 'vendor' },
    { limit: '9', per: '30d', rolling: true },
  ],
  deposits: '2',
  unlisted: 'allow',
}

/** A settled, a committed, a held and a refused payment, judged by this policy. */
async function filled(ledger: Ledger, policyDocument: PolicyDocument): Promise<void> {
  const policy = createPolicy(policyDocument)
  await ledger.renew('me', 60_000)
  for (const [id, price, vendor] of [
    ['settled', 40, VENDOR],
    ['committed', 30, 'https://maps.example'],
    ['held', 20, VENDOR],
  ] as const) {
    const shop = { ...resource(), vendor }
    const hold = await holdOf(ledger, id, { price, vendor })
    const facts = await ledger.facts({
      vendor,
      operation: hold.pattern,
      agent: 'researcher',
      unit: policy.unit,
    })
    const decision = policy.evaluate(hold.terms, shop, { agent: 'researcher', tasks: [] }, facts)
    expect(await ledger.hold({ ...hold, decision })).toMatchObject({ ok: true })
    if (id !== 'held') await ledger.advance(id, committed({ price }))
    if (id === 'settled') await ledger.advance(id, settled)
  }
  await ledger.deny(await holdOf(ledger, 'denied', { price: 99 }), { reason: 'too dear' })
}

const ledgers: Readonly<Record<string, (clock: TestClock) => Ledger>> = {
  memory: (clock) => memoryLedger({ clock }),
  sqlite: (clock) => sqliteLedger({ path, synchronous: 'normal', clock }),
  'key-value': (clock) => storeLedger(new ExampleStore(), { clock }),
}

describe.each(Object.keys(ledgers))('the view of a %s ledger', (name) => {
  const open = async (policy = document): Promise<{ ledger: Ledger; view: LedgerView }> => {
    const ledger = (ledgers[name] ?? memoryLedger)(new TestClock())
    await filled(ledger, policy)
    const view = ledger.view?.()
    if (view === undefined) throw new TypeError('The ledger has no view')
    return { ledger, view }
  }

  it('shows one payment, lists all of them, and narrows the list', async () => {
    const { ledger, view } = await open()
    expect(await view.id()).toBe(await ledger.id())
    expect(await view.payment('settled')).toEqual(await ledger.get('settled'))
    expect(await view.payment('nothing')).toBeUndefined()
    expect(await idsOf(view)).toEqual(['denied', 'held', 'committed', 'settled'])
    expect(await idsOf(view, { states: ['denied'] })).toEqual(['denied'])
    expect(await idsOf(view, { vendor: VENDOR, order: 'oldest', limit: 2 })).toEqual(['settled', 'held'])
    const mistyped = { limit: 1, vendors: [VENDOR] }
    expect(() => view.payments(mistyped)).toThrow(TypeError)
    await ledger.close()
  })

  it('shows the budgets of a policy as a purser does', async () => {
    const { ledger, view } = await open()
    const budgets = await view.budgets(document, { agent: 'researcher' })
    const policy = createPolicy(document)
    expect(budgets).toEqual(await budgetsOf(policy, ledger, { agent: 'researcher', tasks: [] }))
    expect(await view.budgets(policy, { agent: 'researcher' })).toEqual(budgets)
    expect(budgets.map(({ message }) => message)).toEqual([
      '0.4 USD of 5 USD spent, 0.5 USD held',
      '3 of 10 payments',
      '0.4 USD of 2 USD spent, 0.2 USD held',
      '0 USD of 2 USD spent, 0.3 USD held',
      '0.4 USD of 9 USD spent, 0.5 USD held',
      '0 USD of 2 USD locked up',
    ])
    await ledger.close()
  })

  it('adds up the payments for budgets that the ledger has no counters for, and makes none', async () => {
    const { ledger, view } = await open({
      name: 'team',
      perPayment: '1',
      unlisted: 'allow',
      budgets: [{ limit: '100', per: 'week' }],
    })
    const before = await view.counters()
    const budgets = await view.budgets(document, { agent: 'researcher' })
    expect(await view.counters()).toEqual(before)
    expect(budgets).toEqual(
      await budgetsOf(createPolicy(document), await countedAnew(ledger), {
        agent: 'researcher',
        tasks: [],
      }),
    )
    expect(budgets.map(({ message }) => message)).toContain('0.4 USD of 2 USD spent, 0.2 USD held')
    await ledger.close()
  })

  it('lists what was counted without a policy', async () => {
    const { ledger, view } = await open()
    const sums = await view.counters()
    expect(sums).toContainEqual({
      counts: 'spend',
      window: 'day@UTC',
      scope: { policy: 'team', unit: 'iso4217:USD', vendor: VENDOR },
      spent: 40n * CENT,
      held: 20n * CENT,
      resetsAt: Math.floor(START / DAY) * DAY + DAY,
    })
    expect(sums).toContainEqual(
      expect.objectContaining({ counts: 'spend', window: '30d~', spent: 40n * CENT, held: 50n * CENT }),
    )
    expect(sums.every(({ spent, held }) => spent > 0n || held > 0n)).toBe(true)
    await ledger.close()
  })

  it('shows a freeze, sessions, approvals, pins and gaps', async () => {
    const { ledger, view } = await open()
    await ledger.freeze('looking into it')
    const channel = {
      lane: 'lane',
      slot: 'slot',
      wallet: 'tempo:1',
      vendor: VENDOR,
      address: VENDOR,
      state: 'open',
      deposit: termsOf({}).most,
      funding: [],
      detail: null,
      rev: 0,
    } as const
    await ledger.putChannel(channel)
    expect(await view.frozen()).toBe('looking into it')
    expect(await view.channels({ state: 'open' })).toMatchObject([{ lane: 'lane', rev: 1 }])
    expect(await view.channels({ state: 'closed' })).toEqual([])
    expect(await view.signed('lane')).toBe(0n)
    expect([await view.gaps(), await view.grants(), await view.pins()]).toEqual([[], [], []])
    await ledger.close()
  })

  it('leaves the ledger open when it is closed', async () => {
    const { ledger, view } = await open()
    await view.close()
    await expect(view.payment('settled')).rejects.toMatchObject({ code: 'closed' })
    expect(await ledger.get('settled')).toBeDefined()
    await ledger.close()
  })
})

/** Lets the ledger itself count the budgets of the document, families included. */
async function countedAnew(ledger: Ledger): Promise<Ledger> {
  const now = START
  const unit = { unit: 'iso4217:USD' }
  await ledger.room([
    dayClaim(now, 0n, 0n, unit),
    dayClaim(now, 0n, 0n, { ...unit, vendor: VENDOR }),
    rollingClaim(now, 0n, 0n, unit),
    everClaim(0n, 0n, unit),
  ])
  return ledger
}

describe('the view of a file', () => {
  it('changes no byte of the ledger, and leaves it as complete as it was', async () => {
    await made(3)
    const before = readFileSync(path)
    const record = readFileSync(`${path}.made`)
    const view = await openLedgerView({ path })
    expect(await idsOf(view)).toEqual(['p2', 'p1', 'p0'])
    expect(await view.payment('p1')).toMatchObject({ state: 'committed' })
    await view.budgets(document)
    await view.counters()
    await view.close()
    expect(readFileSync(path).equals(before)).toBe(true)
    expect(readFileSync(`${path}.made`).equals(record)).toBe(true)
    // An empty log may stay, which says nothing to the next process.
    for (const name of readdirSync(folder)) expect(name).toMatch(/^ledger\.db(\.made|-wal|-shm)?$/)
    if (existsSync(`${path}-wal`)) expect(statSync(`${path}-wal`).size).toBe(0)
    const ledger = sqliteLedger({ path, create: false })
    expect(await ledger.gaps()).toEqual([])
    expect(await ledger.hold(await holdOf(ledger, 'next'))).toMatchObject({ ok: true })
    await ledger.close()
  })

  it('sees each payment of another process as soon as it is made, and stops none', {
    timeout: 60_000,
  }, async () => {
    await made(1)
    const child = start('spender.ts', [path, 'other', '60', '100', 'closes'])
    const end = ended(child)
    await printed(child, 1)
    const view = await openLedgerView({ path })
    let seen = 1
    while (seen < 61) {
      const ids = await idsOf(view, { order: 'oldest' })
      expect(ids.length).toBeGreaterThanOrEqual(seen)
      expect(ids).toEqual(['p0', ...Array.from({ length: ids.length - 1 }, (_, n) => `other.${n}`)])
      seen = ids.length
    }
    expect((await end).out).toBe('open\n60\n')
    expect(await idsOf(view, { states: ['committed'] })).toHaveLength(61)
    await view.close()
    const ledger = sqliteLedger({ path })
    expect(await ledger.gaps()).toEqual([])
    await ledger.close()
  })

  it('reads the log that a killed process left, and leaves it there', { timeout: 60_000 }, async () => {
    const child = start('spender.ts', [path, 'killed', '4', '5'])
    const end = ended(child)
    await printed(child, 2)
    child.kill('SIGKILL')
    await end
    const [file, log] = [readFileSync(path), readFileSync(`${path}-wal`)]
    const view = await openLedgerView({ path })
    expect(await idsOf(view)).toHaveLength(4)
    expect(await view.gaps()).toEqual([])
    await view.close()
    expect(readFileSync(path).equals(file)).toBe(true)
    expect(readFileSync(`${path}-wal`).equals(log)).toBe(true)
    const ledger = sqliteLedger({ path })
    expect(await ledger.gaps()).toEqual([])
    expect(await ledger.hold(await holdOf(ledger, 'next'))).toMatchObject({ ok: true })
    await ledger.close()
  })

  it('shows a gap that no process has noticed yet', { timeout: 60_000 }, async () => {
    const child = start('spender.ts', [path, 'killed', '1', '5'])
    const end = ended(child)
    await printed(child, 2)
    child.kill('SIGKILL')
    await end
    rmSync(`${path}-wal`)
    rmSync(`${path}-shm`)
    const view = await openLedgerView({ path })
    expect(await view.gaps()).toMatchObject([{ cause: 'log_lost' }])
    await view.close()
    const ledger = sqliteLedger({ path })
    expect(await ledger.gaps()).toMatchObject([{ cause: 'log_lost' }])
    await ledger.close()
  })

  it('works beside a ledger that this process has open', async () => {
    const ledger = sqliteLedger({ path })
    await ledger.renew('me', 60_000)
    await ledger.hold(await holdOf(ledger, 'a'))
    const view = await openLedgerView({ path })
    expect(await idsOf(view)).toEqual(['a'])
    await ledger.hold(await holdOf(ledger, 'b'))
    expect(await idsOf(view)).toEqual(['b', 'a'])
    await view.close()
    expect(await ledger.hold(await holdOf(ledger, 'c'))).toMatchObject({ ok: true })
    await ledger.close()
  })

  it('never makes a ledger', async () => {
    await expect(openLedgerView({ path })).rejects.toMatchObject({
      code: 'ledger_missing',
      funds: 'untouched',
    })
    await expect(openLedgerView({ path: join(folder, 'a', 'b.db') })).rejects.toMatchObject({
      code: 'ledger_missing',
    })
    expect(readdirSync(folder)).toEqual([])
    writeFileSync(path, '')
    await expect(openLedgerView({ path })).rejects.toMatchObject({ code: 'ledger_missing' })
    expect(statSync(path).size).toBe(0)
  })

  it('misses a ledger that was deleted, emptied, cut short or exchanged', async () => {
    await made(50)
    const whole = readFileSync(path)
    rmSync(path)
    await expect(openLedgerView({ path })).rejects.toMatchObject({ code: 'ledger_missing' })
    writeFileSync(path, '')
    await expect(openLedgerView({ path })).rejects.toMatchObject({ code: 'ledger_corrupt' })
    writeFileSync(path, whole)
    truncateSync(path, whole.length - 8192)
    await expect(openLedgerView({ path })).rejects.toMatchObject({ code: 'ledger_corrupt' })
    writeFileSync(path, whole)
    const view = await openLedgerView({ path })
    renameSync(path, `${path}.away`)
    await expect(view.payment('p1')).rejects.toMatchObject({ code: 'ledger_missing' })
    await view.close()
  })

  it('refuses a file that is no ledger', async () => {
    writeFileSync(path, 'not a ledger, though long enough to be one of those files. '.repeat(100))
    await expect(openLedgerView({ path })).rejects.toMatchObject({ code: 'ledger_corrupt' })
    rmSync(path)
    await raw('CREATE TABLE things (a)')
    await expect(openLedgerView({ path })).rejects.toMatchObject({ code: 'ledger_corrupt' })
    await expect(openLedgerView({ path: folder })).rejects.toMatchObject({ code: 'ledger_corrupt' })
  })

  it('refuses tables of a newer version', async () => {
    await made(1)
    await raw(`PRAGMA user_version = ${MIGRATIONS.length + 1}`)
    await expect(openLedgerView({ path })).rejects.toMatchObject({ code: 'ledger_newer' })
  })

  it.each(MIGRATIONS.slice(1).map((_, index) => index + 1))(
    'refuses tables of the older version %i, and does not update them',
    async (version) => {
      await raw(`PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${version};
      ${MIGRATIONS.slice(0, version).join('')}
      INSERT INTO meta (one, id, high, filled, shapes) VALUES (1, 'the old one', ${Date.now()}, 0, 0)`)
      const before = readFileSync(path)
      await expect(openLedgerView({ path })).rejects.toMatchObject({
        code: 'ledger_older',
        message: expect.stringContaining('Open it once with sqliteLedger'),
      })
      expect(readFileSync(path).equals(before)).toBe(true)
    },
  )

  it('stops when a newer version updates the tables meanwhile', async () => {
    await made(1)
    const view = await openLedgerView({ path })
    await raw(`PRAGMA user_version = ${MIGRATIONS.length + 1}`)
    await expect(view.payment('p0')).rejects.toMatchObject({ code: 'ledger_newer' })
    await view.close()
  })

  it('refuses options that it does not know', async () => {
    const mistyped = { path, file: path }
    await expect(openLedgerView(mistyped)).rejects.toThrow(TypeError)
  })

  // Root may read and write anything, so another user tries.
  describe.skipIf(process.getuid?.() !== 0)('of another user', () => {
    const NOBODY = 65_534
    const read = async (of = path): Promise<string> =>
      (await ended(start('view-reader.ts', [of], NOBODY))).out
    const open = (mode: number): void => {
      for (const name of readdirSync(folder)) chmodSync(join(folder, name), 0o644)
      chmodSync(folder, mode)
    }

    it('says what to do if the folder cannot be written to', { timeout: 60_000 }, async () => {
      await made(2)
      open(0o755)
      expect(await read()).toMatch(/^ledger_read_only .*Read it as the user who owns it.*backupLedger\(\)/)
      expect(readdirSync(folder).sort()).toEqual(['ledger.db', 'ledger.db.made'])
    })

    it('makes no files that the owner of the ledger could not open', { timeout: 60_000 }, async () => {
      await made(2)
      open(0o777)
      expect(await read()).toMatch(/^ledger_read_only /)
      expect(readdirSync(folder).sort()).toEqual(['ledger.db', 'ledger.db.made'])
    })

    it('reads it in a folder that cannot be written to while a process uses it', {
      timeout: 60_000,
    }, async () => {
      const ledger = sqliteLedger({ path })
      await ledger.renew('me', 60_000)
      await ledger.hold(await holdOf(ledger, 'a'))
      open(0o755)
      expect(await read()).toBe('1 payments\n')
      await ledger.hold(await holdOf(ledger, 'b'))
      expect(await read()).toBe('2 payments\n')
      await ledger.close()
    })

    it('reads a backup in a folder that cannot be written to', { timeout: 60_000 }, async () => {
      await made(2)
      const copy = join(folder, 'copy.db')
      await backupLedger(path, copy)
      open(0o755)
      expect(await read(copy)).toBe('2 payments\n')
    })

    it('says so if the file may not be read', { timeout: 60_000 }, async () => {
      await made(1)
      chmodSync(folder, 0o755)
      expect(await read()).toMatch(/^ledger_failed .*may not read/)
    })
  })

  it('reads a copy of the files of a ledger in use', async () => {
    const ledger = sqliteLedger({ path })
    await ledger.renew('me', 60_000)
    await ledger.hold(await holdOf(ledger, 'a'))
    const copy = join(folder, 'copy.db')
    for (const end of ['', '-wal']) copyFileSync(`${path}${end}`, `${copy}${end}`)
    const view = await openLedgerView({ path: copy })
    expect(await idsOf(view)).toEqual(['a'])
    await view.close()
    await ledger.close()
  })
})

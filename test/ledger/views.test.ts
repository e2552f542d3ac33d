import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { loadDriver } from '../../src/ledger/sqlite/driver.js'
import { sqliteLedger } from '../../src/ledger/sqlite/index.js'
import { amount, CURRENCIES, type Currency, formatDecimal } from '../../src/money/index.js'
import { CENT, committed, holdOf, START, settled, TestClock } from './fixtures.js'

const folder = mkdtempSync(join(tmpdir(), 'purser-views-'))
afterAll(() => rmSync(folder, { recursive: true }))

const odd = (symbol: string, decimals: number, id = 'x:1/y:2'): Currency => ({ id, symbol, decimals })
/** Prices in currencies of every kind that the file writes in its own way. */
const PRICES: readonly (readonly [value: bigint, currency: Currency, text: string])[] = [
  [1n, CURRENCIES.pathUSD, '0.000001'],
  [12_345_678n, CURRENCIES.pathUSD, '12.345678'],
  [0n, CURRENCIES.pathUSD, '0.000000'],
  [100n, CURRENCIES.USD, '1.00'],
  [250n, odd('JPY', 0, 'iso4217:JPY'), '250'],
  [10n ** 40n + 7n, odd('two  words', 18), '10000000000000000000000.000000000000000007'],
  [7n, odd('X', 36), '0.000000000000000000000000000000000007'],
  [5n, { ...odd('E', 2, 'iso4217:EUR'), rate: { unit: 'iso4217:USD', most: '1.12' } }, '0.05'],
  [9n, { ...odd('X', 1, 'an id with spaces'), peg: 'iso4217:USD' }, '0.9'],
]

async function filled(path: string): Promise<void> {
  const ledger = sqliteLedger({ path, clock: new TestClock() })
  await ledger.renew('me', 60_000)
  for (const [index, [value, currency]] of PRICES.entries()) {
    const hold = await holdOf(ledger, `p${index}`, { price: 10, fee: 2, tasks: ['work'] })
    const most = amount(value, currency)
    const terms = { ...hold.terms, most, payees: [{ id: '0xaaaa', amount: most }] }
    expect(await ledger.hold({ ...hold, terms })).toMatchObject({ ok: true })
    if (index > 0) expect(await ledger.advance(`p${index}`, committed())).toMatchObject({ ok: true })
    if (index === 1) await ledger.advance(`p${index}`, settled)
    if (index > 1)
      await ledger.advance(`p${index}`, {
        ...settled,
        proof: 'chain',
        spent: most,
        fee: amount(3n, CURRENCIES.pathUSD),
      })
  }
  await ledger.close()
}

async function rows(path: string, sql: string): Promise<readonly Record<string, unknown>[]> {
  const { DatabaseSync } = await loadDriver()
  const db = new DatabaseSync(path, { timeout: 0 })
  try {
    return db
      .prepare(sql)
      .all()
      .map((row: unknown) => ({ ...Object(row) }))
  } finally {
    db.close()
  }
}

test('the view payment_amounts shows every payment in plain decimal units', async () => {
  const path = join(folder, 'amounts.db')
  await filled(path)
  const seen = await rows(path, 'SELECT * FROM payment_amounts')
  expect(seen.map(({ price, symbol, currency }) => [price, symbol, currency])).toEqual(
    PRICES.map(([, { symbol, id }, text]) => [text, symbol, id]),
  )
  for (const [index, [value, { decimals }]] of PRICES.entries())
    expect(Number(PRICES[index]?.[2])).toBe(Number(formatDecimal(value, decimals)))
  // Held: nothing has moved. Settled by its receipt: the price, and no fee that was read. Else what the chain took.
  expect(seen[0]).toMatchObject({
    state: 'held',
    spent: null,
    fee: null,
    created: '2026-01-05T12:00:00.000Z',
  })
  expect(seen[1]).toMatchObject({ state: 'settled', spent: '12.345678', fee: null, proof: 'receipt' })
  expect(seen.slice(2).map(({ spent }) => spent)).toEqual(PRICES.slice(2).map(([, , text]) => text))
  expect(seen[2]).toMatchObject({
    agent: 'researcher',
    task: 'work',
    vendor: 'https://api.search.example',
    operation: 'GET /v1/items/1',
    kind: 'tempo/charge',
    network: 'eip155:4217',
    fee: '0.000003',
    fee_symbol: 'pathUSD',
    delivered: 1,
    reference: '0xref',
  })
})

test('the view budget_sums shows what counters have counted, in the unit', async () => {
  const path = join(folder, 'sums.db')
  await filled(path)
  const day = new Date(START - (START % 86_400_000)).toISOString()
  expect(await rows(path, 'SELECT counts, window, at, counted, scope FROM budget_sums')).toEqual([
    {
      counts: 'spend',
      window: 'day@UTC',
      at: day,
      counted: expect.stringMatching(/^\d+\.\d{9}$/),
      scope: '[["policy","team"]]',
    },
  ])
  const [{ counted } = { counted: '' }] = await rows(path, 'SELECT counted FROM budget_sums')
  const ledger = sqliteLedger({ path, clock: new TestClock() })
  let units = 0n
  for await (const payment of ledger.find({})) units += payment.units
  await ledger.close()
  expect(units).toBeGreaterThan(PRICES.length * Number(CENT))
  expect(counted).toBe(`${units / 10n ** 9n}.${String(units % 10n ** 9n).padStart(9, '0')}`)
})

test('the sqlite3 shell reads the views', async () => {
  const path = join(folder, 'shell.db')
  await filled(path)
  const read = (sql: string): string | undefined => {
    try {
      return execFileSync('sqlite3', ['-readonly', path, sql], { encoding: 'utf8' })
    } catch (error) {
      // A machine without the shell has nothing to show; any other failure is one.
      if (Object(error).code === 'ENOENT') return undefined
      throw error
    }
  }
  const said = read("SELECT price, symbol FROM payment_amounts WHERE currency = 'iso4217:USD'")
  expect([undefined, '1.00|USD\n']).toContain(said)
})

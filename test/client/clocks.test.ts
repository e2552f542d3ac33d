import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, it, test } from 'vitest'
import { memoryLedger } from '../../src/entry/ledger-memory.js'
import { sqliteLedger } from '../../src/entry/ledger-sqlite.js'
import { createPurser, type Purser } from '../../src/index.js'
import { systemClock } from '../../src/ledger/index.js'
import { serveRaw } from '../fetch/kit.js'
import { DAY, TestClock } from '../ledger/fixtures.js'
import { buyer, slowWallet } from './shop.js'

const dateAt = (off: number): string => new Date(Date.now() + off).toUTCString()

async function bought(purser: Purser): Promise<string> {
  const reply = await purser.fetch('https://shop.example/tea')
  const outcome = purser.paymentFor(reply)
  return outcome?.state === 'refused' ? outcome.code : (outcome?.state ?? '')
}

it.each([
  ['a server whose Date is ours', () => ({ date: dateAt(0) }), 'settled'],
  ['a server that says no time', () => ({}), 'settled'],
  ['a server whose Date is no date', () => ({ date: 'yesterday' }), 'settled'],
  ['a server that is two minutes ahead of us', () => ({ date: dateAt(120_000) }), 'clock_wrong'],
  ['a server that is two hours behind us', () => ({ date: dateAt(-7_200_000) }), 'clock_wrong'],
  ['a reply that lay in a cache for two minutes', () => ({ date: dateAt(-120_000), age: '120' }), 'settled'],
])('%s', async (_, head, outcome) => {
  await using purser = buyer({
    ledger: memoryLedger(),
    limit: '5',
    head,
    inspect: async () => ({ state: 'unknown', reason: 'nobody looked' }),
  })
  expect(await bought(purser)).toBe(outcome)
})

test('the clock of the runtime knows how long ago the host was started', async () => {
  const since = systemClock.booted?.() ?? 0
  const { stdout } = await promisify(execFile)(process.execPath, ['-p', 'os.uptime() * 1000'])
  expect(Math.abs(Number(stdout) - since)).toBeLessThan(30_000)
})

test('after a restart of the host a server on this machine vouches for no clock: a person does, once', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'purser-clocks-'))
  await using shop = await serveRaw((request, response) => {
    // Node sends its `Date`, which is right, and from the clock of this very host.
    if (request.headers.authorization === undefined)
      response.writeHead(402, {
        'www-authenticate': 'Payment id="c1", realm="shop", method="slow", intent="charge", request="e30"',
      })
    response.end()
  })
  const clock = new TestClock()
  clock.wall = Date.now() - 3 * DAY
  const open = () =>
    createPurser({
      wallets: [slowWallet(async () => ({ state: 'unknown', reason: 'nothing is seen' }))],
      policy: {
        perPayment: '1',
        maxFee: '0.90',
        budgets: [{ limit: '50', per: 'day' }],
        vendors: [{ origin: shop.url }],
      },
      ledger: sqliteLedger({ path: join(folder, 'ledger.db'), clock }),
      clock,
    })
  const buy = async (purser: Purser, path: string): Promise<unknown> =>
    purser.fetch(shop.url + path).then(
      ({ status }) => status,
      (error: unknown) => Object(error).code,
    )
  const friday = open()
  expect(await buy(friday, '/friday')).toBe(200)
  await friday.close()
  clock.sleep(3 * DAY)
  clock.restart()
  const monday = open()
  expect(await buy(monday, '/monday')).toBe('clock_jumped')
  await monday.confirmClock()
  expect(await buy(monday, '/monday')).toBe(200)
  await monday.close()
  // The next process of the same day, and of the next one, asks nobody.
  clock.pass(DAY / 24)
  const later = open()
  expect(await buy(later, '/later')).toBe(200)
  await later.close()
  rmSync(folder, { recursive: true })
})

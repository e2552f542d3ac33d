import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, it, test } from 'vitest'
import { memoryLedger } from '../../src/entry/ledger-memory.js'
import type { Purser } from '../../src/index.js'
import { systemClock } from '../../src/ledger/index.js'
import { buyer } from './shop.js'

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
    inspect: async () => ({ state: 'unknown', because: 'nobody looked' }),
  })
  expect(await bought(purser)).toBe(outcome)
})

test('the clock of the runtime knows how long ago the host was started', async () => {
  const since = systemClock.booted?.() ?? 0
  const { stdout } = await promisify(execFile)(process.execPath, ['-p', 'os.uptime() * 1000'])
  expect(Math.abs(Number(stdout) - since)).toBeLessThan(30_000)
})

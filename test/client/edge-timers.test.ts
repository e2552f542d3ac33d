import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { memoryLedger } from '../../src/ledger/memory.js'
import { buy, buyer } from './shop.js'

/** How many payments one purser makes: more than it lets through without a turn of the event loop. */
const MANY = 40

// The Edge runtime of Next.js has a `setImmediate` and a `clearImmediate`, and both throw when they are called.
beforeEach(() => {
  for (const name of ['setImmediate', 'clearImmediate'])
    vi.stubGlobal(name, () => {
      throw new Error(`A Node.js API is used (${name}) which is not supported in the Edge Runtime.`)
    })
})
afterEach(() => vi.unstubAllGlobals())

it('a purser pays one call after another where setImmediate throws', async () => {
  await using purser = buyer({
    ledger: memoryLedger(),
    limit: '1000',
    inspect: async () => ({ state: 'unknown', reason: 'nobody asks' }),
  })
  const statuses: number[] = []
  for (let n = 0; n < MANY; n++) statuses.push(await buy(purser, `/${n}`))
  expect(statuses).toEqual(Array.from({ length: MANY }, () => 200))
})

it('a purser pays many calls at once where setImmediate throws', async () => {
  await using purser = buyer({
    ledger: memoryLedger(),
    limit: '1000',
    inspect: async () => ({ state: 'unknown', reason: 'nobody asks' }),
  })
  const statuses = await Promise.all(Array.from({ length: MANY }, (_, n) => buy(purser, `/${n}`)))
  expect(new Set(statuses)).toEqual(new Set([200]))
})

it('payments in doubt are recovered where setImmediate throws', async () => {
  const ledger = memoryLedger()
  let settled = false
  await using purser = buyer({
    ledger,
    limit: '1000',
    inspect: async () =>
      settled ? { state: 'settled', reference: '0xfee' } : { state: 'unknown', reason: 'not yet' },
    answer: () => Promise.reject(new TypeError('fetch failed')),
  })
  for (let n = 0; n < 3; n++) await buy(purser, `/${n}`).catch(() => undefined)
  settled = true
  expect(await purser.recover({ reconcile: true })).toMatchObject({ settled: 3, open: 0 })
})

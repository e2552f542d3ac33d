import { createServer, type Server } from 'node:http'
import { afterEach, expect, it, vi } from 'vitest'
import type { Verdict } from '../../src/entry/wallet.js'
import type { Payment, Purser } from '../../src/index.js'
import { memoryLedger } from '../../src/ledger/memory.js'
import { TestClock } from '../ledger/fixtures.js'
import { buy, buyer, feeOf } from './shop.js'

const SECOND = 1_000

afterEach(() => {
  vi.useRealTimers()
})

// Timers have no port of their own; the clock has, and is not touched by this.
function fakeTimers(): void {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] })
}

async function elapse(clock: TestClock, ms: number): Promise<void> {
  for (let left = ms; left > 0; left -= SECOND) {
    clock.pass(Math.min(left, SECOND))
    await vi.advanceTimersByTimeAsync(Math.min(left, SECOND))
    for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate)
  }
}

async function payments(purser: Purser): Promise<Payment[]> {
  const all: Payment[] = []
  for await (const payment of purser.payments()) all.push(payment)
  return all
}

/** A rail that is asked over a socket, as a node is. */
async function railOver(
  answer: (reply: (verdict: Verdict) => void) => void,
): Promise<{ readonly asked: () => number; inspect(): Promise<Verdict>; stop(): Promise<void> }> {
  let asked = 0
  const server: Server = createServer((_, response) => {
    asked++
    answer((verdict) => response.end(JSON.stringify(verdict)))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return {
    asked: () => asked,
    inspect: async () => (await fetch(`http://127.0.0.1:${address.port}`)).json() as Promise<Verdict>,
    stop: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

const UNREAD: Verdict = { state: 'settled', reference: 'tx' }

it('fees are read in the background soon after they were charged, and make room in the budget', async () => {
  fakeTimers()
  const clock = new TestClock()
  await using purser = buyer({
    ledger: memoryLedger({ clock }),
    clock,
    limit: '20',
    inspect: async () => ({ ...UNREAD, fee: feeOf(1) }),
  })
  for (let n = 0; n < 20; n++) await buy(purser, `/${n}`)
  expect((await payments(purser)).filter(({ fee }) => fee !== undefined)).toEqual([])
  await elapse(clock, 20 * SECOND)
  expect((await payments(purser)).filter(({ fee }) => fee === undefined)).toEqual([])
  expect(await buy(purser, '/more')).toBe(200)
})

it('a start leaves fees alone for a moment, and then reads those that fell due before it', async () => {
  fakeTimers()
  const clock = new TestClock()
  const ledger = memoryLedger({ clock })
  let asked = 0
  const shop = {
    ...{ ledger, clock, limit: '20' },
    inspect: async (): Promise<Verdict> => {
      asked++
      return { ...UNREAD, fee: feeOf(1) }
    },
  }
  // Both share the ledger, which is closed with the last of them.
  await using keeper = buyer(shop)
  await buy(keeper, '/one')
  clock.pass(60 * SECOND)
  await using purser = buyer(shop)
  await purser.ready()
  await elapse(clock, SECOND)
  expect(asked).toBe(0)
  await elapse(clock, 2 * SECOND)
  expect(asked).toBe(1)
})

it('a rail that cannot show fees is asked ever less often, and no call waits for it', async () => {
  fakeTimers()
  const clock = new TestClock()
  let asked = 0
  await using purser = buyer({
    ledger: memoryLedger({ clock }),
    clock,
    limit: '20',
    inspect: async () => {
      asked++
      return UNREAD
    },
  })
  await buy(purser, '/one')
  await elapse(clock, 60 * SECOND)
  const soon = asked
  expect(soon).toBeGreaterThanOrEqual(2)
  await elapse(clock, 540 * SECOND)
  expect(asked - soon).toBeLessThanOrEqual(4)
})

it('a purser that closes waits for no rail that hangs, and looks at nothing more', async () => {
  fakeTimers()
  const clock = new TestClock()
  const ledger = memoryLedger({ clock })
  let asked = 0
  const purser = buyer({
    ...{ ledger, clock, limit: '20' },
    inspect: () => {
      asked++
      return new Promise(() => undefined)
    },
  })
  for (let n = 0; n < 20; n++) await buy(purser, `/${n}`)
  await elapse(clock, 20 * SECOND)
  expect(asked).toBe(8)
  await purser.close()
  expect(vi.getTimerCount()).toBe(0)
  expect(asked).toBe(8)
})

it('a refusal by a full budget comes soon, though hundreds of fees are unread and each takes a node 50 ms', async () => {
  const clock = new TestClock()
  const rail = await railOver((reply) => void setTimeout(() => reply(UNREAD), 50))
  await using purser = buyer({ ledger: memoryLedger({ clock }), clock, limit: '200', inspect: rail.inspect })
  for (let n = 0; n < 200; n++) await buy(purser, `/${n}`)
  clock.pass(20 * SECOND)
  const start = performance.now()
  expect(await buy(purser, '/more')).toBe(402)
  // A second, and what a busy machine adds. One by one they would take ten.
  expect(performance.now() - start).toBeLessThan(5 * SECOND)
  expect(rail.asked()).toBeGreaterThan(8)
  await purser.close()
  await rail.stop()
})

it('a refusal by a full budget comes soon, though the node hangs', async () => {
  const clock = new TestClock()
  const rail = await railOver(() => undefined)
  await using purser = buyer({ ledger: memoryLedger({ clock }), clock, limit: '50', inspect: rail.inspect })
  for (let n = 0; n < 50; n++) await buy(purser, `/${n}`)
  clock.pass(20 * SECOND)
  const start = performance.now()
  const calls = Array.from({ length: 10 }, (_, n) => buy(purser, `/more/${n}`))
  expect(new Set(await Promise.all(calls))).toEqual(new Set([402]))
  expect(performance.now() - start).toBeLessThan(5 * SECOND)
  // The ten of them share one search.
  expect(rail.asked()).toBe(8)
  await purser.close()
  await rail.stop()
})

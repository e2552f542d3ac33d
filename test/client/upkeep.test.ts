import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Lease } from '../../src/client/lease.js'
import { memoryLedger } from '../../src/entry/ledger-memory.js'
import type { Ledger } from '../../src/ledger/index.js'
import { committed, holdOf, TestClock } from '../ledger/fixtures.js'

// Timers have no port of their own; the clock has, and is not touched by this.
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] })
})
afterEach(() => {
  vi.useRealTimers()
})

interface Bench {
  readonly clock: TestClock
  readonly ledger: Ledger
  readonly upkeep: Lease
  readonly lookAgain: ReturnType<typeof vi.fn>
  readonly renewed: ReturnType<typeof vi.spyOn>
}

function bench(): Bench {
  const clock = new TestClock()
  const ledger = memoryLedger({ clock })
  const renewed = vi.spyOn(ledger, 'renew')
  const lookAgain = vi.fn(async () => undefined)
  return {
    clock,
    ledger,
    renewed,
    lookAgain,
    upkeep: new Lease({ clock, owner: 'me', ledger, lookAgain }),
  }
}

async function elapse(clock: TestClock, ms: number): Promise<void> {
  clock.pass(ms)
  await vi.advanceTimersByTimeAsync(ms)
}

test('the lease is renewed before it is needed, once for all who ask at the same time, and not while it is fresh', async () => {
  const { clock, upkeep, renewed } = bench()
  await Promise.all([upkeep.keepAlive(), upkeep.keepAlive()])
  expect(renewed.mock.calls).toEqual([['me', 30_000]])
  clock.pass(9_999)
  await upkeep.keepAlive()
  expect(renewed).toHaveBeenCalledTimes(1)
  clock.pass(1)
  await upkeep.keepAlive()
  expect(renewed).toHaveBeenCalledTimes(2)
})

test('a lease that cannot be renewed fails who needs it, and the next tries again', async () => {
  const { upkeep, renewed } = bench()
  renewed.mockRejectedValueOnce(new RangeError('locked'))
  await expect(upkeep.keepAlive()).rejects.toThrow('locked')
  await upkeep.keepAlive()
  expect(renewed).toHaveBeenCalledTimes(2)
})

test('while a payment is under way its hold stays alive, however long a person thinks', async () => {
  const { clock, ledger, upkeep } = bench()
  const leave = upkeep.enter()
  await upkeep.keepAlive()
  await ledger.hold(await holdOf(ledger, 'p', { owner: 'me' }))
  for (let minute = 0; minute < 5; minute++) await elapse(clock, 10_000)
  expect(await ledger.get('p')).toMatchObject({ state: 'held', live: true })
  expect(await ledger.advance('p', committed())).toMatchObject({ ok: true })
  leave()
  upkeep.stop()
})

test('the heart beats for as long as anybody is inside; leaving twice is leaving once', async () => {
  const { clock, upkeep, renewed } = bench()
  const [first, second] = [upkeep.enter(), upkeep.enter()]
  first()
  first()
  await elapse(clock, 10_000)
  expect(renewed).toHaveBeenCalledTimes(1)
  second()
  await elapse(clock, 10_000)
  expect(renewed).toHaveBeenCalledTimes(1)
  upkeep.stop()
})

test('a beat that fails is dropped: the lease then runs out, which is its purpose', async () => {
  const { clock, upkeep, renewed } = bench()
  upkeep.enter()
  renewed.mockRejectedValue(new RangeError('locked'))
  await elapse(clock, 30_000)
  expect(renewed).toHaveBeenCalledTimes(3)
  upkeep.stop()
})

test('looks again at each moment that was asked for, a moment late, and once for those that come together', async () => {
  const { clock, upkeep, lookAgain } = bench()
  for (const ms of [5_000, 1_000, 9_000, 4_100, 4_900]) upkeep.lookAgain(clock.wall + ms)
  await elapse(clock, 1_249)
  expect(lookAgain).not.toHaveBeenCalled()
  await elapse(clock, 1)
  expect(lookAgain).toHaveBeenCalledTimes(1)
  await elapse(clock, 4_000)
  expect(lookAgain).toHaveBeenCalledTimes(2)
  await elapse(clock, 60_000)
  expect(lookAgain).toHaveBeenCalledTimes(3)
})

test('remembers the earliest of very many moments', async () => {
  const { clock, upkeep, lookAgain } = bench()
  for (let second = 2_000; second > 0; second--) upkeep.lookAgain(clock.wall + second * 1_000)
  for (let quarter = 0; quarter < 13; quarter++) await elapse(clock, 250)
  expect(lookAgain).toHaveBeenCalledTimes(3)
  upkeep.stop()
  expect(vi.getTimerCount()).toBe(0)
})

test('what is due already is looked at soon; what is due in years does not overflow a timer', async () => {
  const { clock, upkeep, lookAgain } = bench()
  upkeep.lookAgain(clock.wall + 10 * 365 * 86_400_000)
  await elapse(clock, 1_000)
  expect(lookAgain).not.toHaveBeenCalled()
  upkeep.lookAgain(clock.wall - 5_000)
  await elapse(clock, 250)
  expect(lookAgain).toHaveBeenCalledTimes(1)
})

test('a clock that gives no time ends no process, and is asked again a minute later', async () => {
  const { clock, upkeep, lookAgain } = bench()
  upkeep.lookAgain(clock.wall + 1_000)
  const now = vi.spyOn(clock, 'now').mockImplementation(() => {
    throw new RangeError('no time')
  })
  await elapse(clock, 1_250)
  expect(lookAgain).not.toHaveBeenCalled()
  now.mockRestore()
  await elapse(clock, 60_000)
  expect(lookAgain).toHaveBeenCalledTimes(1)
  upkeep.stop()
})

test('after the stop nothing happens any more', async () => {
  const { clock, upkeep, lookAgain, renewed } = bench()
  upkeep.enter()
  upkeep.lookAgain(clock.wall + 1_000)
  upkeep.stop()
  upkeep.lookAgain(clock.wall + 1_000)
  await elapse(clock, 60_000)
  expect(lookAgain).not.toHaveBeenCalled()
  expect(renewed).not.toHaveBeenCalled()
  expect(vi.getTimerCount()).toBe(0)
})

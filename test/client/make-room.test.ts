import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { RoomSearch } from '../../src/client/make-room.js'
import { CENT, dayClaim, TestClock } from '../ledger/fixtures.js'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
})
afterEach(() => {
  vi.useRealTimers()
})

const claim = (vendor: string) => dayClaim(0, CENT, CENT, { vendor })

/** A search whose looks end when they are told to. */
function search() {
  const clock = new TestClock()
  const looks: { readonly vendor: string | undefined; gained(): void; end(): void }[] = []
  const rooms = new RoomSearch(clock, (on, gained) => {
    return new Promise((end) => {
      looks.push({ vendor: on[0]?.scope.vendor, gained, end })
    })
  })
  return { clock, looks, rooms }
}

it('a caller waits no longer than its patience, and is told what was found until then', async () => {
  const { looks, rooms } = search()
  const [poor, rich] = [rooms.makeRoom([claim('a')], 400), rooms.makeRoom([claim('a')], 1_000)]
  await vi.advanceTimersByTimeAsync(400)
  expect(await poor).toBe(false)
  looks[0]?.gained()
  await vi.advanceTimersByTimeAsync(600)
  expect(await rich).toBe(true)
  expect(vi.getTimerCount()).toBe(0)
})

it('callers that are short of the same counters share one search; it goes on when they have gone', async () => {
  const { looks, rooms } = search()
  const first = rooms.makeRoom([claim('a')], 1_000)
  await vi.advanceTimersByTimeAsync(1_000)
  expect(await first).toBe(false)
  const second = rooms.makeRoom([claim('a')], 1_000)
  const third = rooms.makeRoom([claim('a')], 1_000)
  expect(looks.length).toBe(1)
  looks[0]?.gained()
  looks[0]?.end()
  expect(await Promise.all([second, third])).toEqual([true, true])
})

it('counters are not searched again at once after a search that found nothing, and others are', async () => {
  const { clock, looks, rooms } = search()
  const ask = async (vendor: string, gains: boolean): Promise<boolean> => {
    const before = looks.length
    const asked = rooms.makeRoom([claim(vendor)], 1_000)
    await vi.advanceTimersByTimeAsync(0)
    const look = looks[before]
    if (gains) look?.gained()
    look?.end()
    return asked
  }
  expect(await ask('a', false)).toBe(false)
  expect(await ask('a', true)).toBe(false)
  expect(looks.length).toBe(1)
  expect(await ask('b', true)).toBe(true)
  expect(await ask('b', true)).toBe(true)
  clock.pass(5_000)
  expect(await ask('a', true)).toBe(true)
  expect(looks.map(({ vendor }) => vendor)).toEqual(['a', 'b', 'b', 'a'])
})

it('no more than four searches run at once: a call that would start another is refused without', async () => {
  const { looks, rooms } = search()
  const asked = ['a', 'b', 'c', 'd', 'e'].map((vendor) => rooms.makeRoom([claim(vendor)], 1_000))
  await vi.advanceTimersByTimeAsync(1_000)
  expect(await Promise.all(asked)).toEqual([false, false, false, false, false])
  expect(looks.length).toBe(4)
})

it('a search that fails finds nothing, and its callers are refused', async () => {
  const rooms = new RoomSearch(new TestClock(), async () => {
    throw new RangeError('the ledger is busy')
  })
  expect(await rooms.makeRoom([claim('a')], 1_000)).toBe(false)
})

import { describe, expect, it, onTestFinished } from 'vitest'
import type { Ledger } from '../../src/ledger/index.js'
import {
  CENT,
  committed,
  DAY,
  dayClaim,
  everClaim,
  holdOf,
  OPERATION,
  rollingClaim,
  START,
  settled,
  TestClock,
  VENDOR,
} from './fixtures.js'

const HOUR = DAY / 24
const LIMIT = 10n * CENT
const YEAR = 365 * DAY

/** A store that processes open one after another, or side by side. `place` names it. */
export type OpenAt = (place: string, clock: TestClock) => Ledger

interface Bench {
  readonly clock: TestClock
  readonly ledger: Ledger
  /** Another process on the same store, or the same one anew. */
  open(clock?: TestClock): Promise<Ledger>
}

let places = 0

async function bench(make: OpenAt): Promise<Bench> {
  const clock = new TestClock()
  const place = `clock-${++places}`
  const open = async (other = clock): Promise<Ledger> => {
    const ledger = make(place, other)
    onTestFinished(() => ledger.close())
    await ledger.renew('me', 60_000)
    return ledger
  }
  return { clock, ledger: await open(), open }
}

/** One payment of ten cents, as its process would make it: judged anew as long as it is stale. */
async function buy(ledger: Ledger, id: string): Promise<string> {
  for (let turn = 0; turn < 5; turn++) {
    const held = await ledger.hold(await holdOf(ledger, id, { limit: LIMIT }))
    if (!held.ok && held.why === 'stale') continue
    if (!held.ok) return held.why
    await ledger.advance(id, committed())
    await ledger.advance(id, settled)
    return 'paid'
  }
  return 'stale'
}

const refused = { code: 'clock_jumped', funds: 'untouched' }
const nowOf = async (ledger: Ledger): Promise<number> =>
  (await ledger.facts({ vendor: VENDOR, operation: OPERATION, agent: 'researcher', unit: 'iso4217:USD' })).now

/** What every store must do about clocks, in one process. */
export function clockContract(name: string, make: OpenAt): void {
  describe(`${name}: a host that sleeps`, () => {
    it.each([1_000, 240_000, HOUR, 3 * DAY])(
      'goes on after a nap of %d ms, and after a hundred of them',
      async (nap) => {
        const { clock, ledger } = await bench(make)
        for (let n = 0; n < 100; n++) {
          clock.pass(5_000)
          clock.sleep(nap)
          await ledger.renew('me', 60_000)
          expect(await nowOf(ledger)).toBe(clock.wall)
        }
        expect(await buy(ledger, 'a')).toBe('paid')
      },
    )

    it('opens the window of the day it wakes on', async () => {
      const { clock, ledger } = await bench(make)
      expect(await buy(ledger, 'a')).toBe('paid')
      expect(await buy(ledger, 'b')).toBe('short')
      clock.sleep(DAY)
      await ledger.renew('me', 60_000)
      expect(await buy(ledger, 'c')).toBe('paid')
    })

    it('where nothing counts sleep: goes on too, and opens no window by that', async () => {
      const { clock, ledger } = await bench(make)
      clock.boot = undefined
      clock.pass(700_000)
      await ledger.renew('me', 60_000)
      expect(await buy(ledger, 'a')).toBe('paid')
      for (let n = 0; n < 10; n++) {
        clock.sleep(DAY)
        await ledger.renew('me', 60_000)
        expect(await nowOf(ledger)).toBe(clock.wall)
        expect(await buy(ledger, `b${n}`)).toBe('short')
      }
      // A day that really passes is another matter.
      for (let hour = 0; hour < 25; hour++) {
        clock.pass(HOUR)
        await ledger.renew('me', 60_000)
      }
      expect(await buy(ledger, 'c')).toBe('paid')
    })
  })

  describe(`${name}: a clock that is set`, () => {
    it('forward: nothing is paid, and all goes on by itself once it is right again', async () => {
      const { clock, ledger } = await bench(make)
      clock.set(YEAR)
      await expect(buy(ledger, 'a')).rejects.toMatchObject(refused)
      await expect(buy(ledger, 'a')).rejects.toThrow(/12 months|365 days ahead/)
      clock.pass(5_000)
      clock.set(-YEAR)
      expect(await buy(ledger, 'a')).toBe('paid')
      expect(await nowOf(ledger)).toBe(clock.wall)
    })

    it('forward in many small steps: it is caught all the same', async () => {
      const { clock, ledger } = await bench(make)
      const steps = async (): Promise<void> => {
        for (let n = 0; n < 5; n++) {
          clock.set(290_000)
          clock.pass(1_000)
          expect(await buy(ledger, `a${n}`)).toMatch(/paid|short/)
        }
      }
      await expect(steps()).rejects.toMatchObject(refused)
    })

    it('forward, and one server agrees, whatever it calls itself: payments go on, no window opens', async () => {
      const { clock, ledger } = await bench(make)
      expect(await buy(ledger, 'a')).toBe('paid')
      clock.set(2 * DAY)
      for (let n = 0; n < 3; n++) ledger.hearTime?.('vendor.example', clock.wall)
      await ledger.renew('me', 60_000)
      expect(await buy(ledger, 'b')).toBe('short')
      expect(await nowOf(ledger)).toBe(clock.wall)
    })

    it('forward, and two agree: it was right, and the window is a new one', async () => {
      const { clock, ledger } = await bench(make)
      expect(await buy(ledger, 'a')).toBe('paid')
      clock.set(2 * DAY)
      ledger.hearTime?.('vendor.example', clock.wall - 20_000)
      await ledger.renew('me', 60_000)
      expect(await buy(ledger, 'b')).toBe('short')
      ledger.hearTime?.('chain', clock.wall + 20_000)
      await ledger.renew('me', 60_000)
      expect(await buy(ledger, 'b')).toBe('paid')
    })

    it('forward, and what others say is two minutes off: they do not agree', async () => {
      const { clock, ledger } = await bench(make)
      clock.set(2 * DAY)
      for (const source of ['a.example', 'b.example']) ledger.hearTime?.(source, clock.wall - 120_000)
      await expect(buy(ledger, 'b')).rejects.toMatchObject(refused)
    })

    it('back: nothing is paid, whatever others say, until it has caught up', async () => {
      const { clock, ledger } = await bench(make)
      expect(await buy(ledger, 'a')).toBe('paid')
      clock.set(-HOUR)
      for (const source of ['a.example', 'b.example']) ledger.hearTime?.(source, clock.wall)
      await expect(buy(ledger, 'b')).rejects.toMatchObject(refused)
      clock.set(HOUR)
      expect(await buy(ledger, 'b')).toBe('short')
    })
  })

  describe(`${name}: time that a person takes back`, () => {
    it('counts what was paid in the future as of now, in every window', async () => {
      const { clock, ledger } = await bench(make)
      clock.set(2 * YEAR)
      await ledger.confirmClock()
      await ledger.renew('me', 60_000)
      expect(await buy(ledger, 'a')).toBe('paid')
      const then = [rollingClaim(clock.wall, 0n, LIMIT), everClaim(0n, LIMIT)]
      expect((await ledger.room(then)).map(({ remaining }) => remaining)).toEqual([0n, 0n])
      clock.set(-2 * YEAR)
      await expect(buy(ledger, 'b')).rejects.toMatchObject(refused)
      await ledger.confirmClock({ to: 'wall' })
      expect(await nowOf(ledger)).toBe(clock.wall)
      await ledger.renew('me', 60_000)
      expect(await buy(ledger, 'b')).toBe('short')
      const claims = [
        dayClaim(clock.wall, 0n, LIMIT),
        rollingClaim(clock.wall, 0n, LIMIT),
        everClaim(0n, LIMIT),
      ]
      expect((await ledger.room(claims)).map(({ spent }) => spent)).toEqual([LIMIT, LIMIT, LIMIT])
      const payment = await ledger.get('a')
      expect(payment).toMatchObject({ state: 'settled', createdAt: clock.wall, updatedAt: clock.wall })
      expect(payment?.attempts.map(({ at }) => at)).toEqual([clock.wall])
      // And the next day is a new one.
      clock.pass(DAY)
      await ledger.renew('me', 60_000)
      expect(await buy(ledger, 'c')).toBe('paid')
    })

    it('still counts what was paid before, also on counters that were made in the future', async () => {
      const { clock, ledger } = await bench(make)
      expect(await buy(ledger, 'a')).toBe('paid')
      clock.set(5 * DAY)
      await ledger.confirmClock()
      // This counter is asked for in the future alone, where its window holds nothing.
      const agent = { agent: 'researcher' }
      expect(await ledger.room([dayClaim(clock.wall, 0n, LIMIT, agent)])).toMatchObject([
        { remaining: LIMIT },
      ])
      clock.set(-5 * DAY)
      await ledger.confirmClock({ to: 'wall' })
      expect(await ledger.room([dayClaim(clock.wall, 0n, LIMIT, agent)])).toMatchObject([{ remaining: 0n }])
    })

    it('keeps the sums right when those payments go on', async () => {
      const { clock, ledger } = await bench(make)
      clock.set(2 * YEAR)
      await ledger.confirmClock()
      await ledger.renew('me', 60_000)
      await ledger.hold(await holdOf(ledger, 'a', { limit: LIMIT }))
      await ledger.advance('a', committed())
      clock.set(-2 * YEAR)
      await ledger.confirmClock({ to: 'wall' })
      const room = async () => (await ledger.room([dayClaim(clock.wall, 0n, LIMIT)]))[0]
      expect(await room()).toMatchObject({ held: LIMIT, remaining: 0n })
      await ledger.advance('a', { to: 'released', reason: 'void' })
      expect(await room()).toMatchObject({ held: 0n, spent: 0n, remaining: LIMIT })
    })

    it('ends leases, grants and denials no later than they would have ended', async () => {
      const { clock, ledger } = await bench(make)
      clock.set(2 * YEAR)
      await ledger.confirmClock()
      await ledger.renew('me', 60_000)
      const hold = await holdOf(ledger, 'a')
      await ledger.deny(hold, { reason: 'no', standsMs: 600_000 })
      const grant = {
        id: 'g',
        agent: 'researcher',
        vendor: VENDOR,
        rail: 'tempo',
        by: 'ann',
        payees: [],
        unit: 'iso4217:USD',
      }
      await ledger.grant({ ...grant, until: clock.wall + HOUR, upTo: 1n, total: 1n })
      await ledger.hold(await holdOf(ledger, 'b', { price: 1 }))
      clock.set(-2 * YEAR)
      await ledger.confirmClock({ to: 'wall' })
      const denied = async () =>
        (
          await ledger.facts({
            vendor: VENDOR,
            operation: OPERATION,
            agent: 'researcher',
            unit: 'iso4217:USD',
          })
        ).denied.length
      expect([(await ledger.grants()).length, await denied()]).toEqual([1, 1])
      expect(await ledger.get('b')).toMatchObject({ state: 'held', live: true })
      clock.pass(61_000)
      expect(await ledger.get('b')).toMatchObject({ live: false })
      clock.pass(540_000)
      expect(await denied()).toBe(0)
      clock.pass(HOUR)
      expect(await ledger.grants()).toEqual([])
    })

    it('and is no way to open a window: the second payment of the day is short', async () => {
      const { clock, ledger } = await bench(make)
      expect(await buy(ledger, 'a')).toBe('paid')
      clock.set(DAY)
      await ledger.confirmClock()
      await ledger.renew('me', 60_000)
      expect(await buy(ledger, 'b')).toBe('paid')
      clock.set(-DAY)
      await ledger.confirmClock({ to: 'wall' })
      await ledger.renew('me', 60_000)
      expect(await buy(ledger, 'c')).toBe('short')
      expect((await ledger.room([dayClaim(clock.wall, 0n, LIMIT)]))[0]?.spent).toBe(2n * LIMIT)
    })

    it('is a word of two kinds', async () => {
      const { ledger } = await bench(make)
      await expect(ledger.confirmClock({ to: Object('yesterday') })).rejects.toThrow(TypeError)
    })
  })
}

/** What a store that outlives its process must do about clocks. */
export function reopeningContract(name: string, make: OpenAt): void {
  describe(`${name}: a start`, () => {
    it.each([0, 1, 10])(
      'with a clock that is ahead, %d others of a lone witness: five dollars stay five',
      async (others) => {
        const { clock, ledger, open } = await bench(make)
        expect(await buy(ledger, 'a')).toBe('paid')
        await ledger.close()
        for (let n = 0; n < 3; n++) {
          clock.set(YEAR)
          clock.restart()
          const again = await open()
          if (others > 0) again.hearTime?.('vendor.example', clock.wall)
          const bought = await buy(again, `b${n}`).catch((error: unknown) => String(Object(error).code))
          expect(bought).toBe(others > 0 ? 'short' : 'clock_jumped')
          await again.close()
        }
      },
    )

    it('with a clock that is ahead, and then right: the ledger goes on without anybody', async () => {
      const { clock, ledger, open } = await bench(make)
      await ledger.close()
      clock.pass(HOUR)
      clock.set(2 * YEAR)
      clock.restart()
      const wrong = await open()
      await expect(buy(wrong, 'a')).rejects.toMatchObject(refused)
      await wrong.close()
      clock.set(-2 * YEAR)
      clock.restart()
      const right = await open()
      right.hearTime?.('vendor.example', clock.wall)
      await right.renew('me', 60_000)
      expect(await buy(right, 'a')).toBe('paid')
    })

    it('after a weekend of a host that was up, or slept: nobody is asked', async () => {
      const { clock, ledger, open } = await bench(make)
      expect(await buy(ledger, 'a')).toBe('paid')
      await ledger.close()
      clock.sleep(2 * DAY + HOUR)
      clock.mono = 0
      expect(await buy(await open(), 'b')).toBe('paid')
    })

    it('after a weekend of a host that was off: one server opens payments, a second one the new window', async () => {
      const { clock, ledger, open } = await bench(make)
      expect(await buy(ledger, 'a')).toBe('paid')
      await ledger.close()
      clock.sleep(2 * DAY)
      clock.restart()
      const monday = await open()
      await expect(buy(monday, 'b')).rejects.toMatchObject(refused)
      monday.hearTime?.('a.example', clock.wall)
      await monday.renew('me', 60_000)
      expect(await buy(monday, 'b')).toBe('short')
      monday.hearTime?.('b.example', clock.wall)
      await monday.renew('me', 60_000)
      expect(await buy(monday, 'b')).toBe('paid')
    })

    it('with a clock that is behind: refused, and a person brings the time back', async () => {
      const { clock, ledger, open } = await bench(make)
      expect(await buy(ledger, 'a')).toBe('paid')
      await ledger.close()
      clock.set(-2 * DAY)
      clock.restart()
      const again = await open()
      await expect(buy(again, 'b')).rejects.toThrow(/2 days behind .*confirmClock\(\{ to: 'wall' \}\)/)
      await again.confirmClock({ to: 'wall' })
      await again.renew('me', 60_000)
      expect(await buy(again, 'b')).toBe('short')
    })
  })

  describe(`${name}: several processes`, () => {
    it('that wake together: each goes on, and the window that no witness opened is opened for none', async () => {
      const { clock, ledger, open } = await bench(make)
      clock.boot = undefined
      const bootless = await open()
      const third = await open()
      clock.pass(700_000)
      for (const each of [ledger, bootless, third]) await each.renew('me', 60_000)
      expect(await buy(ledger, 'a')).toBe('paid')
      clock.sleep(2 * DAY)
      await third.renew('me', 60_000)
      for (const each of [ledger, bootless, third]) expect(await buy(each, 'b')).toBe('short')
    })

    it('follow a time that a person took back, and do not write the old one again', async () => {
      const { clock, ledger, open } = await bench(make)
      const other = await open()
      clock.set(2 * YEAR)
      await ledger.confirmClock()
      await other.renew('me', 60_000)
      expect(await buy(other, 'a')).toBe('paid')
      clock.set(-2 * YEAR)
      await ledger.confirmClock({ to: 'wall' })
      for (const each of [other, ledger]) {
        await each.renew('me', 60_000)
        // A file's own time runs ahead by so little, so that not every step writes it.
        expect((await nowOf(each)) - clock.wall).toBeLessThanOrEqual(50)
        expect(await buy(each, 'b')).toBe('short')
      }
      const third = await open()
      expect((await nowOf(third)) - clock.wall).toBeLessThanOrEqual(50)
      expect(clock.wall).toBe(START)
    })
  })
}

import { describe, expect, it, onTestFinished } from 'vitest'
import type { HoldResult, Ledger } from '../../src/ledger/index.js'
import type { Facts } from '../../src/policy/index.js'
import { type Buy, committed, holdOf, OPERATION, settled, TestClock, VENDOR } from './fixtures.js'

const HOUR = 3_600_000
const REQUEST: Buy = { fingerprint: 'this once' }

interface Bench {
  readonly ledger: Ledger
  readonly clock: TestClock
  bought(more?: Buy & { readonly id?: string; readonly withinMs?: number }): Promise<Facts['bought']>
  /** Holds as a decision does that rests on `last` as the newest earlier purchase. */
  hold(id: string, last?: string, more?: Buy): Promise<HoldResult>
  buy(id: string, last?: string, more?: Buy): Promise<void>
}

/** What every store must know about a request that was bought before. */
export function repeatContract(name: string, make: (clock: TestClock) => Ledger): void {
  const bench = async (): Promise<Bench> => {
    const clock = new TestClock()
    const ledger = make(clock)
    onTestFinished(() => ledger.close())
    await ledger.renew('me', 24 * HOUR)
    const bought: Bench['bought'] = async (more = {}) => {
      const { agent = 'researcher', key, fingerprint = 'this once', owner = 'me', withinMs = HOUR, id } = more
      const purchase = {
        fingerprint,
        owner,
        withinMs,
        doubtWindowMs: 120_000,
        ...(key === undefined ? {} : { key }),
        ...(id === undefined ? {} : { id }),
      }
      const query = { vendor: VENDOR, operation: OPERATION, agent, unit: 'iso4217:USD', purchase }
      return (await ledger.facts(query)).bought
    }
    const hold: Bench['hold'] = async (id, last, more = {}) => {
      const plain = await holdOf(ledger, id, { ...REQUEST, ...more })
      const repeat = last === undefined ? { withinMs: HOUR } : { withinMs: HOUR, last }
      return ledger.hold({ ...plain, decision: { ...plain.decision, repeat } })
    }
    const buy: Bench['buy'] = async (id, last, more) => {
      expect(await hold(id, last, more)).toMatchObject({ ok: true })
      expect(await ledger.advance(id, committed(more))).toMatchObject({ ok: true })
      expect(await ledger.advance(id, settled)).toMatchObject({ ok: true })
    }
    return { ledger, clock, bought, hold, buy }
  }
  const stale = { ok: false, why: 'stale' }

  describe(`${name}: a request that was bought before`, () => {
    it('is found for as long as asked, with its receipt, and no longer', async () => {
      const { clock, bought, buy } = await bench()
      expect(await bought()).toBeUndefined()
      const at = clock.wall
      await buy('a')
      expect(await bought()).toEqual({ payment: 'a', at, open: false, reference: '0xref' })
      clock.pass(HOUR - 1)
      expect(await bought()).toMatchObject({ payment: 'a' })
      clock.pass(1)
      expect(await bought()).toBeUndefined()
      expect(await bought({ withinMs: HOUR + 1 })).toMatchObject({ payment: 'a' })
    })

    it('is found whether or not a rule applied to it when it was bought', async () => {
      const { ledger, bought } = await bench()
      await ledger.hold(await holdOf(ledger, 'a', REQUEST))
      await ledger.advance('a', committed(REQUEST))
      await ledger.advance('a', settled)
      expect(await bought()).toMatchObject({ payment: 'a' })
    })

    it('is another one for another agent, another request, or without a price', async () => {
      const { bought, buy } = await bench()
      await buy('a')
      await buy('free', undefined, { fingerprint: 'a proof', price: 0 })
      expect(await bought({ agent: 'writer' })).toBeUndefined()
      expect(await bought({ fingerprint: 'something else' })).toBeUndefined()
      expect(await bought({ fingerprint: 'a proof' })).toBeUndefined()
    })

    it('counts from its hold on: of two that are judged at once, the ledger takes one', async () => {
      const { bought, hold, ledger } = await bench()
      const answers = await Promise.all([hold('a'), hold('b')])
      expect(answers.map(({ ok }) => ok)).toEqual([true, false])
      expect(answers[1]).toEqual(stale)
      expect(await bought()).toMatchObject({ payment: 'a', open: true })
      await ledger.advance('a', committed())
      expect(await bought()).toMatchObject({ payment: 'a', open: true })
      expect(await hold('b')).toEqual(stale)
    })

    it('was not bought if the payment was released or denied', async () => {
      const { bought, hold, ledger } = await bench()
      await hold('a')
      await ledger.advance('a', { to: 'released', reason: 'no' })
      expect(await bought()).toBeUndefined()
      await hold('b')
      await ledger.deny(await holdOf(ledger, 'b', REQUEST), { reason: 'no' })
      expect(await bought()).toBeUndefined()
      expect(await hold('c')).toMatchObject({ ok: true })
    })

    it('was not bought by a process that died before it signed', async () => {
      const { bought, hold, ledger, clock } = await bench()
      await ledger.renew('other', 1000)
      await hold('a', undefined, { owner: 'other' })
      expect(await bought()).toMatchObject({ payment: 'a' })
      clock.pass(1001)
      expect(await bought()).toBeUndefined()
      expect(await hold('b')).toMatchObject({ ok: true })
    })

    it('may be bought again by a decision that knows the newest purchase, and by no other', async () => {
      const { bought, hold, buy } = await bench()
      await buy('a')
      expect(await hold('b')).toEqual(stale)
      await buy('b', 'a')
      expect(await bought()).toMatchObject({ payment: 'b' })
      expect(await hold('c', 'a')).toEqual(stale)
      expect(await hold('c', 'b')).toMatchObject({ ok: true })
    })

    it('may be bought by a decision that knew a purchase which is too old by now, once it is judged again', async () => {
      const { clock, hold, buy } = await bench()
      await buy('a')
      clock.pass(HOUR)
      expect(await hold('b', 'a')).toEqual(stale)
      expect(await hold('b')).toMatchObject({ ok: true })
    })

    it('is no repeat of itself: a payment is held again, and what came later is not before it', async () => {
      const { bought, hold } = await bench()
      expect(await hold('a')).toMatchObject({ ok: true })
      expect(await bought({ id: 'a' })).toBeUndefined()
      expect(await hold('b', 'a')).toMatchObject({ ok: true })
      expect(await bought({ id: 'a' })).toBeUndefined()
      expect(await hold('a')).toMatchObject({ ok: true })
    })

    it('is a doubt that a retry goes on with first, and a purchase once that is over', async () => {
      const { ledger, clock, bought, hold } = await bench()
      await hold('a')
      await ledger.advance('a', committed())
      await ledger.advance('a', { to: 'unresolved' })
      expect(await bought()).toBeUndefined()
      expect(await hold('b')).toMatchObject({ why: 'taken', by: { id: 'a' } })
      await ledger.advance('a', { to: 'reported' })
      clock.pass(120_000)
      expect(await bought()).toMatchObject({ payment: 'a', open: false })
      expect(await hold('b')).toEqual(stale)
    })

    it('is the same purchase under the same key, and a repeat under another one', async () => {
      const { bought, hold, buy } = await bench()
      await buy('a', undefined, { key: 'order-1' })
      expect(await bought({ key: 'order-1' })).toBeUndefined()
      expect(await hold('b', undefined, { key: 'order-1' })).toMatchObject({ why: 'taken', by: { id: 'a' } })
      expect(await bought({ key: 'order-2' })).toMatchObject({ payment: 'a' })
      expect(await hold('c', undefined, { key: 'order-2' })).toEqual(stale)
    })

    it('is found among many, the newest first, whatever came between', async () => {
      const { clock, bought, buy } = await bench()
      let last: string | undefined
      for (let n = 0; n < 150; n++) {
        await buy(`p${n}`, last)
        last = `p${n}`
        clock.pass(1000)
        if (n % 50 === 49) expect(await bought()).toMatchObject({ payment: last })
      }
      for (let n = 0; n < 150; n++) await buy(`other${n}`, undefined, { fingerprint: `other ${n}` })
      expect(await bought()).toMatchObject({ payment: 'p149' })
      expect(await bought({ fingerprint: 'other 3' })).toMatchObject({ payment: 'other3' })
    })
  })
}

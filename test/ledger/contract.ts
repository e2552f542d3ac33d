import { describe, expect, it, onTestFinished } from 'vitest'
import type { Channel, Ledger, Move } from '../../src/ledger/index.js'
import {
  type Buy,
  CENT,
  cents,
  committed,
  DAY,
  dayClaim,
  everClaim,
  evidence,
  holdOf,
  OPERATION,
  rollingClaim,
  settled,
  settledUntil,
  TestClock,
  termsOf,
  VENDOR,
} from './fixtures.js'

export type MakeLedger = (clock: TestClock) => Ledger

interface Bench {
  readonly ledger: Ledger
  readonly clock: TestClock
  hold(id: string, buy?: Buy): ReturnType<Ledger['hold']>
  commit(id: string, buy?: Buy): Promise<void>
  left(limit: bigint, scope?: object): Promise<unknown>
}

/** What every store must do. */
export function contract(name: string, make: MakeLedger): void {
  const bench = async (): Promise<Bench> => {
    const clock = new TestClock()
    const ledger = make(clock)
    onTestFinished(() => ledger.close())
    await ledger.renew('me', 60_000)
    const hold: Bench['hold'] = async (id, buy) => ledger.hold(await holdOf(ledger, id, buy))
    return {
      ledger,
      clock,
      hold,
      commit: async (id, buy) => {
        expect(await hold(id, buy)).toMatchObject({ ok: true })
        expect(await ledger.advance(id, committed(buy))).toMatchObject({ ok: true })
      },
      left: async (limit, scope) => {
        const [room] = await ledger.room([dayClaim(clock.wall, 0n, limit, scope)])
        return room && { spent: room.spent, held: room.held, remaining: room.remaining }
      },
    }
  }

  describe(`${name}: budgets`, () => {
    it('holds what fits, to the last cent, and names every counter that is short', async () => {
      const { ledger, hold, clock } = await bench()
      const claims = (limit: bigint) => [
        dayClaim(clock.wall, 10n * CENT, limit),
        everClaim(10n * CENT, 15n * CENT, { agent: 'researcher' }),
      ]
      expect(await hold('a', { claims: claims(20n * CENT) })).toMatchObject({ ok: true })
      const short = await hold('b', { claims: claims(19n * CENT) })
      expect(short).toMatchObject({ ok: false, why: 'short' })
      expect(short.ok === false && short.why === 'short' && short.short.map((r) => r.remaining)).toEqual([
        9n * CENT,
        5n * CENT,
      ])
      expect(await ledger.get('b')).toBeUndefined()
      const oneLess = dayClaim(clock.wall, 5n * CENT, 15n * CENT - 1n)
      expect(await hold('d', { price: 5, claims: [oneLess] })).toMatchObject({ ok: false, why: 'short' })
      expect(
        await hold('c', { price: 5, claims: [dayClaim(clock.wall, 5n * CENT, 15n * CENT)] }),
      ).toMatchObject({
        ok: true,
      })
    })

    it('counts price and fee bound while committed, and what was taken once it is known', async () => {
      const { ledger, commit, left } = await bench()
      const buy = { price: 10, fee: 4 }
      await commit('a', buy)
      expect(await left(CENT * 100n)).toEqual({ spent: 0n, held: 14n * CENT, remaining: 86n * CENT })
      await ledger.advance('a', settled)
      expect(await left(CENT * 100n)).toEqual({ spent: 14n * CENT, held: 0n, remaining: 86n * CENT })
      await ledger.advance('a', { to: 'settled', proof: 'chain', fee: cents(1), reference: '0xref' })
      expect(await left(CENT * 100n)).toMatchObject({ spent: 11n * CENT })
      expect(await ledger.get('a')).toMatchObject({ units: 11n * CENT, proof: 'chain', delivered: true })
    })

    it('counts the part that was taken, and a payee its share of it', async () => {
      const { ledger, commit, clock } = await bench()
      const scope = { payee: '0xaaaa' }
      const claims = [
        dayClaim(clock.wall, 12n * CENT, 100n * CENT),
        dayClaim(clock.wall, 10n * CENT, 100n * CENT, scope),
      ]
      await commit('a', { price: 10, fee: 2, claims })
      await ledger.advance('a', {
        to: 'settled',
        proof: 'chain',
        spent: cents(4),
        fee: cents(1),
        reference: 'r',
      })
      const rooms = await ledger.room(claims)
      expect(rooms.map((room) => room.spent)).toEqual([5n * CENT, 4n * CENT])
    })

    it('does not let a receipt lower what was agreed', async () => {
      const { ledger, commit, left } = await bench()
      await commit('a')
      await ledger.advance('a', { to: 'settled', proof: 'receipt', spent: cents(1) })
      expect(await left(CENT * 100n)).toMatchObject({ spent: 10n * CENT })
    })

    it('gives back what was released, and keeps the fees that burnt, past a limit if it must be', async () => {
      const { ledger, commit, left } = await bench()
      await commit('a', { price: 10, fee: 4, limit: 14n * CENT })
      await ledger.advance('a', { to: 'released', reason: 'void', fee: cents(20) })
      expect(await left(CENT * 14n)).toEqual({ spent: 20n * CENT, held: 0n, remaining: 0n })
    })

    it('counts a released payment that turns up on the chain, over the limit', async () => {
      const { ledger, commit, left, hold } = await bench()
      const limit = 10n * CENT
      await commit('a', { limit })
      await ledger.advance('a', { to: 'released', reason: 'void' })
      expect(await hold('b', { limit })).toMatchObject({ ok: true })
      expect(await ledger.advance('a', { to: 'settled', proof: 'receipt' })).toMatchObject({ ok: false })
      expect(await ledger.advance('a', { to: 'settled', proof: 'chain', reference: 'r' })).toMatchObject({
        ok: true,
      })
      expect(await left(limit)).toEqual({ spent: limit, held: limit, remaining: 0n })
    })

    it('keeps the receipt of an answer that came after its payment was released, and counts nothing for it', async () => {
      const { ledger, commit, left, hold } = await bench()
      const receipt = { success: true, reference: 'late', claims: {} }
      await commit('a', { key: 'k' })
      await ledger.advance('a', { to: 'released', reason: 'void' })
      const late = { to: 'settled', proof: 'receipt', delivered: true, spent: cents(10), receipt } as const
      const kept = { state: 'released', reason: 'void', units: 0n, delivered: true, receipts: [receipt] }
      expect(await ledger.advance('a', late)).toMatchObject({ ok: true, payment: kept })
      expect(await ledger.get('a')).toMatchObject(kept)
      expect(await left(10n * CENT)).toEqual({ spent: 0n, held: 0n, remaining: 10n * CENT })
      expect(await hold('b', { key: 'k' })).toMatchObject({ ok: true })
      // Proof still beats the ledger, and the receipt is still there.
      await ledger.advance('a', { to: 'settled', proof: 'chain', reference: 'r' })
      expect(await ledger.get('a')).toMatchObject({ state: 'settled', delivered: true, receipts: [receipt] })
    })

    it('replaces the claims of a hold that is repeated', async () => {
      const { hold, left } = await bench()
      await hold('a', { price: 10 })
      expect(await hold('a', { price: 3 })).toMatchObject({ ok: true })
      expect(await left(CENT * 100n)).toMatchObject({ held: 3n * CENT })
    })

    it('counts the dearest of several attempts', async () => {
      const { ledger, hold, commit, left } = await bench()
      await commit('a', { price: 10 })
      expect(await hold('a', { price: 4 })).toMatchObject({ ok: true })
      expect(await left(CENT * 100n)).toMatchObject({ held: 10n * CENT })
      await ledger.advance('a', { to: 'voided', attempt: 0, reason: 'expired', fee: cents(1) })
      expect(await left(CENT * 100n)).toMatchObject({ spent: CENT, held: 10n * CENT })
    })

    it('fills a counter it has never seen from the payments it has', async () => {
      const { ledger, commit, clock } = await bench()
      await commit('a', { tasks: ['t'] })
      await ledger.advance('a', settled)
      await commit('b', { tasks: ['t', 'u'] })
      await commit('c', { agent: 'writer', vendor: 'https://other.example' })
      const claims = [
        everClaim(0n, 100n * CENT),
        everClaim(0n, 100n * CENT, { agent: 'researcher' }),
        everClaim(0n, 100n * CENT, { task: 't/u' }),
        everClaim(0n, 100n * CENT, { task: '' }),
        everClaim(0n, 100n * CENT, { vendor: 'https://*.search.example' }),
        everClaim(0n, 100n * CENT, { policy: 'other' }),
        rollingClaim(clock.wall, 0n, 100n * CENT),
      ]
      const rooms = await ledger.room(claims)
      expect(rooms.map(({ spent, held }) => [spent / CENT, held / CENT])).toEqual([
        [10n, 20n],
        [10n, 10n],
        [0n, 10n],
        [0n, 10n],
        [10n, 10n],
        [0n, 0n],
        [10n, 20n],
      ])
      // And keeps it right as those payments go on, though they never claimed it.
      await ledger.advance('b', { to: 'released', reason: 'void' })
      await ledger.advance('c', settled)
      const after = await ledger.room(claims)
      expect(after.map(({ spent, held }) => [spent / CENT, held / CENT])).toEqual([
        [20n, 0n],
        [10n, 0n],
        [0n, 0n],
        [10n, 0n],
        [10n, 0n],
        [0n, 0n],
        [20n, 0n],
      ])
    })

    it('counts payments whose policy no longer names a counter that exists', async () => {
      const { ledger, hold, clock } = await bench()
      const old = everClaim(10n * CENT, 100n * CENT, { agent: 'researcher' })
      await hold('a', { claims: [old] })
      await hold('b', { claims: [dayClaim(clock.wall, 10n * CENT, 100n * CENT)] })
      await hold('c', { agent: 'writer' })
      expect(await ledger.room([old])).toMatchObject([{ held: 20n * CENT }])
    })

    it('lists the counters of a family', async () => {
      const { ledger, hold, clock } = await bench()
      const each = (vendor: string) => [dayClaim(clock.wall, 10n * CENT, 20n * CENT, { vendor })]
      await hold('a', { vendor: VENDOR, claims: each(VENDOR) })
      await hold('b', { vendor: 'https://b.example', claims: each('https://b.example') })
      await hold('c', { claims: [dayClaim(clock.wall, 10n * CENT, 20n * CENT)] })
      const family = await ledger.family(dayClaim(clock.wall, 0n, 20n * CENT), 'vendor')
      expect(family.map(({ scope }) => scope.vendor).sort()).toEqual([VENDOR, 'https://b.example'])
      expect(await ledger.room(family)).toMatchObject([{ held: 10n * CENT }, { held: 10n * CENT }])
    })
  })

  describe(`${name}: time`, () => {
    it('opens a new window and keeps the old one', async () => {
      const { hold, clock } = await bench()
      await hold('a', { limit: 10n * CENT })
      expect(await hold('b', { limit: 10n * CENT })).toMatchObject({ why: 'short' })
      clock.pass(DAY)
      expect(await hold('c', { limit: 10n * CENT })).toMatchObject({ ok: true })
    })

    it('does not open a window again when the clock goes back a little', async () => {
      const { ledger, hold, clock } = await bench()
      clock.pass(DAY / 2 - 60_000)
      await hold('a', { limit: 10n * CENT })
      clock.pass(70_000)
      await ledger.renew('me', 60_000)
      clock.set(-80_000)
      const facts = await ledger.facts({
        vendor: VENDOR,
        operation: OPERATION,
        agent: 'researcher',
        unit: 'iso4217:USD',
      })
      expect(facts.now).toBe(clock.wall + 80_000)
      expect(await hold('b', { limit: 10n * CENT })).toMatchObject({ ok: true })
      expect(await hold('c', { limit: 10n * CENT })).toMatchObject({ why: 'short' })
    })

    it.each([-2 * DAY, 2 * DAY, 301_000, -301_000])('stops payments on a jump of %d ms', async (jump) => {
      const { ledger, hold, clock } = await bench()
      await hold('a')
      await hold('b')
      clock.pass(1000)
      const before = await ledger.facts({
        vendor: VENDOR,
        operation: OPERATION,
        agent: 'researcher',
        unit: 'iso4217:USD',
      })
      clock.set(jump)
      await expect(hold('c')).rejects.toMatchObject({ code: 'clock_jumped' })
      await expect(ledger.advance('a', committed())).rejects.toMatchObject({ code: 'clock_jumped' })
      clock.pass(5000)
      const during = await ledger.facts({
        vendor: VENDOR,
        operation: OPERATION,
        agent: 'researcher',
        unit: 'iso4217:USD',
      })
      expect(during.now).toBe(before.now + 5000)
      await ledger.confirmClock()
      const after = await ledger.facts({
        vendor: VENDOR,
        operation: OPERATION,
        agent: 'researcher',
        unit: 'iso4217:USD',
      })
      expect(after.now).toBe(Math.max(during.now, clock.wall))
      await ledger.renew('me', 60_000)
      expect(await hold('c')).toMatchObject({ ok: true })
      expect(await ledger.advance('c', committed())).toMatchObject({ ok: true })
    })

    it('refuses a decision of another moment or another window', async () => {
      const { ledger, clock } = await bench()
      const late = await holdOf(ledger, 'a')
      clock.pass(5001)
      expect(await ledger.hold(late)).toEqual({ ok: false, why: 'stale' })
      clock.pass(DAY / 2 - 5001 - 1000)
      const lastSecond = await holdOf(ledger, 'b')
      clock.pass(1000)
      expect(await ledger.hold(lastSecond)).toEqual({ ok: false, why: 'stale' })
    })
  })

  describe(`${name}: owners`, () => {
    it('knows a doubt by its owner: gone, retired or left', async () => {
      const { ledger, commit, clock } = await bench()
      await commit('a')
      expect(await ledger.get('a')).toMatchObject({ live: true })
      clock.pass(60_000)
      expect(await ledger.get('a')).toMatchObject({ live: false })
      await ledger.renew('me', 60_000)
      expect(await ledger.get('a')).toMatchObject({ live: true })
      await ledger.retire('me')
      expect(await ledger.get('a')).toMatchObject({ live: false })
      await ledger.renew('me', 60_000)
      await ledger.advance('a', { to: 'unresolved' })
      expect(await ledger.get('a')).toMatchObject({ live: false, state: 'committed' })
    })

    it('does not commit for an owner that is gone', async () => {
      const { ledger, hold, clock } = await bench()
      await hold('a')
      clock.pass(60_000)
      expect(await ledger.advance('a', committed())).toMatchObject({ ok: false, payment: { state: 'held' } })
    })

    it('gives a dead hold to the next that needs its room', async () => {
      const { ledger, hold, clock } = await bench()
      await hold('a', { limit: 10n * CENT })
      clock.pass(60_000)
      await ledger.renew('you', 60_000)
      expect(await hold('b', { limit: 10n * CENT, owner: 'you' })).toMatchObject({ ok: true })
      expect(await ledger.get('a')).toMatchObject({ state: 'released' })
    })

    it('gives back all that a dead process held, however many payments that were', async () => {
      const { ledger, hold } = await bench()
      await ledger.renew('you', 60_000)
      const limit = 130n * CENT
      for (let n = 0; n < 130; n++) await hold(`p${n}`, { price: 1, owner: 'you', limit })
      await ledger.retire('you')
      const held = await hold('all', { price: 130, limit })
      expect(held).toMatchObject({ ok: true })
      expect(held.ended?.map(({ id, state }) => `${id} ${state}`).toSorted()).toEqual(
        Array.from({ length: 130 }, (_, n) => `p${n} released`).toSorted(),
      )
    })

    it('lets one adopt what another left, and no one what another has', async () => {
      const { ledger, commit } = await bench()
      await commit('a')
      await ledger.renew('you', 60_000)
      expect(await ledger.advance('a', { to: 'taken-over', owner: 'you' })).toMatchObject({ ok: false })
      await ledger.advance('a', { to: 'unresolved' })
      expect(await ledger.advance('a', { to: 'taken-over', owner: 'you' })).toMatchObject({
        ok: true,
        payment: { live: true },
      })
      expect(await ledger.advance('a', { to: 'taken-over', owner: 'me' })).toMatchObject({ ok: false })
    })
  })

  describe(`${name}: keys and twins`, () => {
    it('pays once under a key, for good', async () => {
      const { ledger, hold, commit, clock } = await bench()
      const buy = { key: 'k', fingerprint: 'f' }
      await commit('a', buy)
      expect(await hold('b', buy)).toMatchObject({ why: 'taken', by: { id: 'a', live: true } })
      expect(await hold('b', { ...buy, fingerprint: 'g' })).toMatchObject({
        why: 'conflict',
        by: { id: 'a' },
      })
      expect(await hold('c', { ...buy, agent: 'writer' })).toMatchObject({ ok: true })
      await ledger.advance('a', { to: 'unresolved' })
      await ledger.advance('a', { to: 'reported' })
      clock.pass(10 * 60_000)
      await ledger.renew('me', 60_000)
      expect(await hold('b', buy)).toMatchObject({ why: 'taken', by: { id: 'a' } })
      await ledger.advance('a', { to: 'released', reason: 'void' })
      expect(await hold('b', buy)).toMatchObject({ ok: true })
    })

    it('stops the twin of a doubt until it was reported and time has passed', async () => {
      const { ledger, hold, commit, clock } = await bench()
      const buy = { fingerprint: 'f' }
      await commit('a', buy)
      // Live twins are separate calls.
      expect(await hold('b', buy)).toMatchObject({ ok: true })
      await ledger.advance('b', { to: 'released', reason: 'not needed' })
      await ledger.advance('a', { to: 'unresolved' })
      expect(await hold('c', buy)).toMatchObject({ why: 'taken', by: { id: 'a' } })
      clock.pass(120_000)
      await ledger.renew('me', 600_000)
      expect(await hold('c', buy)).toMatchObject({ why: 'taken' })
      await ledger.advance('a', { to: 'reported' })
      clock.pass(119_999)
      expect(await hold('c', buy)).toMatchObject({ why: 'taken' })
      clock.pass(1)
      expect(await hold('c', buy)).toMatchObject({ ok: true })
    })

    it('lets the twin of a doubt pass at once if its caller was told so, except under a key', async () => {
      const { ledger, hold, commit } = await bench()
      const buy = { fingerprint: 'f' }
      await commit('a', buy)
      await ledger.advance('a', { to: 'unresolved' })
      expect(await hold('b', buy)).toMatchObject({ why: 'taken', by: { id: 'a' } })
      expect(await ledger.get('a')).not.toHaveProperty('repeatable')
      await ledger.advance('a', { to: 'reported', repeatable: true })
      expect(await ledger.get('a')).toMatchObject({ repeatable: true })
      expect(await hold('b', buy)).toMatchObject({ ok: true })
      const keyed = { key: 'k', fingerprint: 'g' }
      await commit('c', keyed)
      await ledger.advance('c', { to: 'unresolved' })
      await ledger.advance('c', { to: 'reported', repeatable: true })
      expect(await hold('d', keyed)).toMatchObject({ why: 'taken', by: { id: 'c' } })
    })

    it('stops the twin of what another process has open: that process may have died', async () => {
      const { ledger, hold, commit } = await bench()
      const buy = { fingerprint: 'f' }
      await commit('a', buy)
      await ledger.renew('you', 60_000)
      expect(await hold('b', { ...buy, owner: 'you' })).toMatchObject({
        why: 'taken',
        by: { id: 'a', live: true },
      })
      await ledger.advance('a', settled)
      expect(await hold('b', { ...buy, owner: 'you' })).toMatchObject({ ok: true })
    })

    it('does not stop the twin of what was answered, though nothing proves yet that it was paid', async () => {
      const { ledger, hold, commit } = await bench()
      await commit('a', { fingerprint: 'f' })
      await ledger.advance('a', { to: 'unresolved', delivered: true })
      expect(await hold('b', { fingerprint: 'f' })).toMatchObject({ ok: true })
    })

    it('stops the twin of what was adopted, and of what was paid and not delivered', async () => {
      const { ledger, hold, commit } = await bench()
      const buy = { fingerprint: 'f' }
      await commit('a', buy)
      await ledger.advance('a', { to: 'unresolved' })
      await ledger.advance('a', { to: 'taken-over', owner: 'me' })
      expect(await hold('b', buy)).toMatchObject({ why: 'taken', by: { id: 'a' } })
      await ledger.advance('a', { to: 'settled', proof: 'chain' })
      expect(await hold('b', buy)).toMatchObject({ why: 'taken', by: { state: 'settled' } })
      expect(await hold('c', { ...buy, key: 'again' })).toMatchObject({ ok: true })
      await ledger.advance('a', { to: 'delivered' })
      expect(await hold('b', buy)).toMatchObject({ ok: true })
    })

    it('does not hold a payment again that has ended, or that another works on', async () => {
      const { ledger, hold, commit } = await bench()
      await commit('a')
      expect(await hold('a', { owner: 'you' })).toMatchObject({ why: 'taken', by: { id: 'a' } })
      await ledger.advance('a', settled)
      expect(await hold('a')).toMatchObject({ why: 'taken', by: { state: 'settled' } })
    })
  })

  describe(`${name}: channels`, () => {
    const channel: Channel = {
      lane: 'slot#0',
      slot: 'slot',
      wallet: 'session:0xaaaa',
      vendor: VENDOR,
      address: `${VENDOR}/v1/items`,
      state: 'opening',
      deposit: cents(100),
      funding: ['a'],
      detail: { salt: '0x01' },
      rev: 0,
    }

    it('keeps each change for whoever saw the one before', async () => {
      const { ledger } = await bench()
      expect(await ledger.putChannel(channel)).toBe(true)
      expect(await ledger.putChannel(channel)).toBe(false)
      const [stored] = await ledger.channels({ slot: 'slot' })
      expect(stored).toEqual({ ...channel, rev: 1 })
      expect(await ledger.putChannel({ ...channel, state: 'open', rev: 1 })).toBe(true)
      expect(await ledger.channels({ state: 'opening' })).toEqual([])
      expect(await ledger.putChannel({ ...channel, lane: 'slot#1' })).toBe(true)
      const all = await ledger.channels({ vendor: VENDOR, wallet: 'session:0xaaaa' })
      expect(all.map(({ lane, state, rev }) => [lane, state, rev])).toEqual([
        ['slot#0', 'open', 2],
        ['slot#1', 'opening', 1],
      ])
      expect(await ledger.channels({ vendor: 'https://other.example' })).toEqual([])
    })

    it('counts a deposit as locked up until it has come back, and never as spend', async () => {
      const { clock, hold, ledger } = await bench()
      const locks = [
        dayClaim(clock.wall, 10n * CENT, 100n * CENT),
        { ...everClaim(80n * CENT, 100n * CENT), counts: 'lock' as const, rule: 'deposits' },
      ]
      expect(await hold('a', { claims: locks, locks: 80 })).toMatchObject({ ok: true })
      await ledger.advance('a', committed())
      await ledger.advance('a', settled)
      expect(await hold('b', { claims: locks, locks: 80 })).toMatchObject({ why: 'short' })
      expect(await ledger.room(locks)).toMatchObject([
        { spent: 10n * CENT, held: 0n },
        { spent: 0n, held: 80n * CENT },
      ])
      await ledger.putChannel(channel)
      expect(await ledger.room(locks)).toMatchObject([{ held: 0n }, { held: 80n * CENT }])
      expect(await ledger.putChannel({ ...channel, state: 'closed', rev: 1 })).toBe(true)
      expect(await ledger.room(locks)).toMatchObject([
        { spent: 10n * CENT, held: 0n },
        { spent: 0n, held: 0n },
      ])
      expect(await hold('b', { claims: locks, locks: 80 })).toMatchObject({ ok: true })
    })

    it('gives back what a payment had locked up that a channel names no more', async () => {
      const { hold, ledger } = await bench()
      const locks = [{ ...everClaim(80n * CENT, 100n * CENT), counts: 'lock' as const, rule: 'deposits' }]
      await hold('a', { claims: locks, locks: 80 })
      await ledger.advance('a', committed())
      await ledger.putChannel({ ...channel, state: 'open', funding: ['a'] })
      expect(await ledger.putChannel({ ...channel, state: 'open', funding: [], rev: 0 })).toBe(false)
      expect(await ledger.room(locks)).toMatchObject([{ held: 80n * CENT }])
      expect(await ledger.putChannel({ ...channel, state: 'open', funding: [], rev: 1 })).toBe(true)
      expect(await ledger.room(locks)).toMatchObject([{ held: 0n }])
    })
  })

  describe(`${name}: deposits that are tried again`, () => {
    it('count again when the same payment locks up another one', async () => {
      const { clock, hold, ledger } = await bench()
      const locks = [
        dayClaim(clock.wall, 10n * CENT, 100n * CENT),
        { ...everClaim(80n * CENT, 100n * CENT), counts: 'lock' as const, rule: 'deposits' },
      ]
      await hold('a', { claims: locks, locks: 80 })
      await ledger.advance('a', committed())
      // The first deposit never reached the chain, which is proven.
      await ledger.advance('a', { to: 'unlocked' })
      expect((await ledger.room(locks))[1]).toMatchObject({ held: 0n })
      expect(await hold('a', { claims: locks, locks: 80 })).toMatchObject({ ok: true })
      expect((await ledger.room(locks))[1]).toMatchObject({ held: 80n * CENT })
      expect(await hold('b', { claims: locks, locks: 80 })).toMatchObject({ why: 'short' })
    })
  })

  describe(`${name}: lanes`, () => {
    const lane = { names: ['l1', 'l2'], otherwise: 'wait' } as const

    it('grants the first free lane, and the same one for the same payment', async () => {
      const { ledger, hold } = await bench()
      expect(await hold('a', { lane })).toMatchObject({ lane: { name: 'l1', value: 0n } })
      expect(await hold('b', { lane })).toMatchObject({ lane: { name: 'l2', value: 0n } })
      expect(await hold('a', { lane })).toMatchObject({ lane: { name: 'l1', value: 0n } })
      expect(await hold('c', { lane })).toEqual({ ok: false, why: 'lane' })
      expect(await ledger.get('c')).toBeUndefined()
      const go = await hold('c', { lane: { ...lane, otherwise: 'go' } })
      expect(go).toMatchObject({ ok: true })
      expect(go).not.toHaveProperty('lane')
    })

    it('frees a lane with its next value, keeps one in doubt, and lowers a value for nothing but proof', async () => {
      const { ledger, hold, commit } = await bench()
      await commit('a', { lane })
      await ledger.advance('a', { to: 'unresolved' })
      expect(await hold('b', { lane })).toMatchObject({ lane: { name: 'l2' } })
      await ledger.advance('a', { to: 'settled', proof: 'chain', lane: 7n })
      expect(await hold('c', { lane })).toMatchObject({ lane: { name: 'l1', value: 7n } })
      await ledger.advance('c', { to: 'released', reason: 'no' })
      await commit('d', { lane })
      await ledger.advance('d', { to: 'voided', attempt: 0, reason: 'reverted', lane: 8n })
      await ledger.advance('d', { to: 'released', reason: 'void', lane: 3n })
      await commit('e', { lane })
      await ledger.advance('e', { to: 'settled', proof: 'receipt', lane: 9n })
      // It was never submitted, so the next payment on its lane cannot be included either, and that is proven.
      await commit('f', { lane })
      expect(await ledger.get('f')).toMatchObject({ state: 'committed' })
      await ledger.advance('f', { to: 'voided', attempt: 0, reason: 'it ran out', lane: 8n })
      expect(await hold('g', { lane })).toMatchObject({ why: 'lane' })
      await ledger.advance('f', { to: 'released', reason: 'void' })
      expect(await hold('h', { lane })).toMatchObject({ lane: { name: 'l1', value: 8n } })
      // Whoever has let go of a lane has no more say in where it stands.
      await ledger.advance('h', { to: 'released', reason: 'no' })
      await ledger.advance('d', { to: 'settled', proof: 'chain', lane: 1n })
      expect(await hold('i', { lane })).toMatchObject({ lane: { name: 'l1', value: 8n } })
    })

    it('keeps a running total with the commit, and lets others go on from there', async () => {
      const { hold, ledger } = await bench()
      const total = { names: ['c'], otherwise: 'wait' } as const
      const signs = (signed: bigint): Move => committed({}, { signed })
      expect(await hold('a', { lane: { ...total, at: 0n } })).toMatchObject({ lane: { value: 0n } })
      await ledger.advance('a', signs(10n))
      expect(await ledger.signed('c')).toBe(10n)
      expect(await hold('b', { lane: total })).toMatchObject({ why: 'lane' })
      // Nobody works on it any more: it stays in doubt, and its total stays signed.
      await ledger.advance('a', { to: 'unresolved' })
      expect(await hold('b', { lane: { ...total, at: 0n } })).toMatchObject({ why: 'stale' })
      expect(await hold('b', { lane: { ...total, at: 10n } })).toMatchObject({ lane: { value: 10n } })
      await ledger.advance('b', signs(20n))
      await ledger.advance('a', { to: 'released', reason: 'void' })
      expect(await hold('c', { lane: total })).toMatchObject({ why: 'lane' })
      await ledger.advance('b', settled)
      expect(await hold('c', { lane: { ...total, at: 20n } })).toMatchObject({ lane: { value: 20n } })
      expect(await ledger.signed('nobody')).toBe(0n)
    })

    it('knows a total for signed while the same payment is held once more', async () => {
      const { hold, ledger } = await bench()
      const lane = { names: ['c'], otherwise: 'wait' } as const
      await hold('a', { lane })
      await ledger.advance('a', committed({}, { signed: 10n }))
      expect(await hold('a', { lane: { ...lane, at: 10n } })).toMatchObject({ lane: { value: 10n } })
      // The second credential was never made.
      await ledger.advance('a', { to: 'unresolved' })
      expect(await hold('b', { lane })).toMatchObject({ lane: { value: 10n } })
    })

    it('takes a lane of totals over from a dead process, and no other lane', async () => {
      const { clock, hold, ledger } = await bench()
      const lanes = (name: string) => ({ names: [name], otherwise: 'wait' }) as const
      await ledger.renew('dying', 1000)
      for (const [id, name] of [
        ['a', 'total'],
        ['b', 'nonce'],
      ] as const) {
        await hold(id, { lane: lanes(name), owner: 'dying' })
        await ledger.advance(id, committed({}, id === 'a' ? { signed: 5n } : {}))
      }
      expect(await hold('c', { lane: lanes('total') })).toMatchObject({ why: 'lane' })
      clock.pass(2000)
      expect(await hold('c', { lane: lanes('total') })).toMatchObject({ lane: { value: 5n } })
      expect(await hold('d', { lane: lanes('nonce') })).toMatchObject({ why: 'lane' })
    })

    it('takes a lane from a dead hold', async () => {
      const { ledger, hold, clock } = await bench()
      const one = { names: ['l1'], otherwise: 'wait' } as const
      await hold('a', { lane: one })
      clock.pass(60_000)
      await ledger.renew('me', 60_000)
      await ledger.renew('you', 60_000)
      expect(await hold('b', { lane: one })).toMatchObject({ why: 'lane' })
      await ledger.retire('me')
      expect(await hold('b', { lane: one, owner: 'you' })).toMatchObject({ lane: { name: 'l1' } })
    })
  })

  describe(`${name}: pins`, () => {
    const pins = async (ledger: Ledger) =>
      (await ledger.facts({ vendor: VENDOR, operation: OPERATION, agent: 'researcher', unit: 'iso4217:USD' }))
        .pins['tempo/charge@eip155:4217']
    const pin = { pin: true }

    it('pins at the commit, against a racing payment to another payee', async () => {
      const { ledger, hold } = await bench()
      await hold('a', { payee: '0xaaaa' })
      await hold('b', { payee: '0xbbbb' })
      expect(await ledger.advance('a', committed({ payee: '0xaaaa' }, pin))).toMatchObject({ ok: true })
      expect(await ledger.advance('b', committed({ payee: '0xbbbb' }, pin))).toMatchObject({ ok: false })
      expect(await pins(ledger)).toEqual(['0xaaaa'])
    })

    it('keeps a pin only while a payment supports it, or once one was settled and delivered', async () => {
      const { ledger, hold } = await bench()
      await hold('a')
      await hold('b')
      await ledger.advance('a', committed({}, pin))
      await ledger.advance('b', committed({}, pin))
      await ledger.advance('a', { to: 'released', reason: 'void' })
      expect(await pins(ledger)).toEqual(['0xaaaa'])
      await ledger.advance('b', { to: 'released', reason: 'void' })
      expect(await pins(ledger)).toBeUndefined()
      await hold('c', { payee: '0xcccc' })
      await ledger.advance('c', committed({ payee: '0xcccc' }, pin))
      await ledger.advance('c', settled)
      await hold('d', { payee: '0xcccc' })
      await ledger.advance('d', committed({ payee: '0xcccc' }, pin))
      await ledger.advance('d', { to: 'released', reason: 'void' })
      expect(await pins(ledger)).toEqual(['0xcccc'])
    })

    it('widens a pin only where a person said so', async () => {
      const { ledger, hold } = await bench()
      await hold('a')
      await ledger.advance('a', committed({}, pin))
      await hold('b', { payee: '0xbbbb' })
      expect(
        await ledger.advance('b', committed({ payee: '0xbbbb' }, { pin: true, widenPin: true })),
      ).toMatchObject({ ok: true })
      expect(await pins(ledger)).toEqual(['0xaaaa', '0xbbbb'])
    })
  })

  describe(`${name}: pins of payments that did not settle`, () => {
    const facts = { vendor: VENDOR, operation: OPERATION, agent: 'researcher', unit: 'iso4217:USD' }
    const rail = 'tempo/charge@eip155:4217'
    const pinned = async (ledger: Ledger) => (await ledger.facts(facts)).pins[rail]
    const pay = async (b: Bench, id: string, payee: string) => {
      await b.hold(id, { payee })
      return (await b.ledger.advance(id, committed({ payee }, { pin: true }))).ok
    }

    it('a doubt holds the vendor to nobody, whoever left it', async () => {
      const b = await bench()
      expect(await pay(b, 'a', '0xaaaa')).toBe(true)
      await b.ledger.advance('a', { to: 'unresolved', recheckAt: b.clock.wall + DAY })
      expect(await pinned(b.ledger)).toBeUndefined()
      expect(await pay(b, 'b', '0xbbbb')).toBe(true)
      expect(await pinned(b.ledger)).toEqual(['0xbbbb'])
      // This process dies.
      b.clock.pass(61_000)
      expect(await pinned(b.ledger)).toBeUndefined()
      await b.ledger.renew('me', 60_000)
    })

    it('a payment that settled and brought nothing pins nobody; what it bought may come later', async () => {
      const b = await bench()
      await pay(b, 'a', '0xaaaa')
      await b.ledger.advance('a', { to: 'settled', proof: 'receipt', delivered: false })
      expect(await pinned(b.ledger)).toBeUndefined()
      await b.ledger.advance('a', { to: 'delivered' })
      expect(await pinned(b.ledger)).toEqual(['0xaaaa'])
    })

    it('of payments to different payees at once, the first delivered one decides', async () => {
      const b = await bench()
      await pay(b, 'a', '0xaaaa')
      await b.ledger.advance('a', { to: 'unresolved', delivered: true })
      await pay(b, 'b', '0xbbbb')
      await b.ledger.advance('a', { to: 'settled', proof: 'chain', reference: 'r' })
      expect(await pinned(b.ledger)).toEqual(['0xaaaa'])
      await b.ledger.advance('b', settled)
      expect(await pinned(b.ledger)).toEqual(['0xaaaa'])
      expect(await pay(b, 'c', '0xbbbb')).toBe(false)
    })

    it('and a payee whom a person approved meanwhile stays beside it', async () => {
      const b = await bench()
      await pay(b, 'a', '0xaaaa')
      await b.hold('b', { payee: '0xbbbb' })
      await b.ledger.advance('b', committed({ payee: '0xbbbb' }, { pin: true, widenPin: true }))
      await b.ledger.advance('a', settled)
      expect(await pinned(b.ledger)).toEqual(['0xaaaa', '0xbbbb'])
      await b.ledger.advance('b', settled)
      expect(await pinned(b.ledger)).toEqual(['0xaaaa', '0xbbbb'])
    })

    it('an attempt that is proven void pins nobody', async () => {
      const b = await bench()
      await pay(b, 'a', '0xaaaa')
      await b.ledger.advance('a', { to: 'voided', attempt: 0, reason: 'expired' })
      expect(await b.hold('a', { payee: '0xbbbb' })).toMatchObject({ ok: true })
      await b.ledger.advance('a', committed({ payee: '0xbbbb' }, { pin: true, widenPin: true }))
      await b.ledger.advance('a', settled)
      expect(await pinned(b.ledger)).toEqual(['0xbbbb'])
    })

    it('a released payment that turns up on the chain pins nobody', async () => {
      const b = await bench()
      await pay(b, 'a', '0xaaaa')
      await b.ledger.advance('a', { to: 'released', reason: 'void' })
      await b.ledger.advance('a', { to: 'settled', proof: 'chain', reference: 'r', delivered: true })
      expect(await pinned(b.ledger)).toBeUndefined()
    })

    it('lists what is pinned, and forgets it for a person', async () => {
      const b = await bench()
      const other = 'https://other.example'
      await pay(b, 'a', '0xaaaa')
      expect(await b.ledger.pins()).toEqual([{ vendor: VENDOR, rail, payee: '0xaaaa', payment: 'a' }])
      await b.ledger.advance('a', settled)
      await b.hold('b', { vendor: other, payee: '0xcccc' })
      await b.ledger.advance('b', committed({ payee: '0xcccc' }, { pin: true }))
      await b.ledger.advance('b', settled)
      const both = [
        { vendor: VENDOR, rail, payee: '0xaaaa' },
        { vendor: other, rail, payee: '0xcccc' },
      ]
      expect(await b.ledger.pins()).toEqual(both)
      expect(await b.ledger.pins({ vendor: other })).toEqual(both.slice(1))
      expect(await b.ledger.pins({ rail: 'other@eip155:1' })).toEqual([])
      expect(await pay(b, 'c', '0xdddd')).toBe(false)
      expect(await b.ledger.unpin({ vendor: VENDOR, payee: '0xdddd' })).toBe(0)
      const before = (await b.ledger.facts(facts)).version
      expect(await b.ledger.unpin({ vendor: VENDOR, payee: '0xaaaa' })).toBe(1)
      expect((await b.ledger.facts(facts)).version).not.toBe(before)
      expect(await b.ledger.pins()).toEqual(both.slice(1))
      expect(await pay(b, 'd', '0xdddd')).toBe(true)
    })
  })

  describe(`${name}: facts`, () => {
    const query = { vendor: VENDOR, operation: OPERATION, agent: 'researcher', unit: 'iso4217:USD' }
    const rail = 'tempo/charge@eip155:4217'
    const buyAt = async (b: Bench, id: string, price: number) => {
      await b.commit(id, { price })
      await b.ledger.advance(id, settled)
    }

    it('remembers usual prices: the lowest median of a day with three', async () => {
      const b = await bench()
      const usual = async () => (await b.ledger.facts(query)).usual[rail]
      await buyAt(b, 'a', 10)
      await buyAt(b, 'b', 10)
      expect(await usual()).toBeUndefined()
      await buyAt(b, 'c', 90)
      expect(await usual()).toBe(10n * CENT)
      for (let day = 1; day <= 29; day++) {
        b.clock.pass(DAY)
        await b.ledger.renew('me', 60_000)
        for (const n of [1, 2, 3]) await buyAt(b, `${day}.${n}`, 20)
        expect(await usual()).toBe(10n * CENT)
      }
      b.clock.pass(DAY)
      expect(await usual()).toBe(20n * CENT)
    })

    describe('usual prices where paths hold slugs', () => {
      const buy = async (b: Bench, number: number, price: number, pattern: string) => {
        const id = `${pattern} ${number}`
        await b.commit(id, { price, pattern })
        await b.ledger.advance(id, settled)
      }
      const usualAt = async (b: Bench, operation: string) =>
        (await b.ledger.facts({ ...query, operation })).usual[rail]

      it('are known once a dozen differ in one segment, and hold for the next', async () => {
        const b = await bench()
        for (let n = 0; n < 11; n++) await buy(b, n, 10, `GET /articles/story-${n}`)
        expect(await usualAt(b, 'GET /articles/another')).toBeUndefined()
        const before = (await b.ledger.facts({ ...query, operation: 'GET /articles/another' })).version
        await buy(b, 11, 10, 'GET /articles/story-11')
        const after = await b.ledger.facts({ ...query, operation: 'GET /articles/another' })
        expect(after.usual[rail]).toBe(10n * CENT)
        expect(after.version).not.toBe(before)
        expect(await usualAt(b, 'GET /articles/story-3')).toBe(10n * CENT)
        for (const other of [
          'GET /articles',
          'GET /videos/another',
          'POST /articles/another',
          'GET /articles/a/b',
        ])
          expect(await usualAt(b, other)).toBeUndefined()
        // A price that moves moves the version of every one of them.
        b.clock.pass(DAY)
        await b.ledger.renew('me', 60_000)
        for (let n = 0; n < 3; n++) await buy(b, n, 4, `GET /articles/new-${n}`)
        const later = await b.ledger.facts({ ...query, operation: 'GET /articles/another' })
        expect(later.usual[rail]).toBe(4n * CENT)
        expect(later.version).not.toBe(after.version)
      })

      it('are known for slugs in the middle of a path too', async () => {
        const b = await bench()
        for (let n = 0; n < 12; n++) await buy(b, n, 10, `GET /users/user-${n}/posts`)
        expect(await usualAt(b, 'GET /users/ann/posts')).toBe(10n * CENT)
        expect(await usualAt(b, 'GET /users/ann')).toBeUndefined()
      })

      it('leave what is bought often its own price', async () => {
        const b = await bench()
        for (let n = 0; n < 3; n++) await buy(b, n, 90, 'GET /v1/render')
        for (let n = 0; n < 12; n++) await buy(b, n, 10, `GET /v1/page-${n}`)
        expect(await usualAt(b, 'GET /v1/render')).toBe(90n * CENT)
        expect(await usualAt(b, 'GET /v1/another')).toBe(10n * CENT)
        await buy(b, 3, 90, 'GET /v1/render')
        expect(await usualAt(b, 'GET /v1/render')).toBe(90n * CENT)
      })

      it('refuse a hold that was judged before they were put together', async () => {
        const b = await bench()
        for (let n = 0; n < 11; n++) await buy(b, n, 10, `GET /articles/story-${n}`)
        const hold = await holdOf(b.ledger, 'early', { pattern: 'GET /articles/early', price: 90 })
        await buy(b, 11, 10, 'GET /articles/story-11')
        expect(await b.ledger.hold(hold)).toEqual({ ok: false, why: 'stale' })
      })
    })

    it('moves its version when a value moves, and only then', async () => {
      const b = await bench()
      const version = async () => (await b.ledger.facts(query)).version
      const moved = async (act: () => Promise<unknown>) => {
        const before = await version()
        await act()
        return (await version()) !== before
      }
      expect(await moved(() => b.hold('a'))).toBe(false)
      expect(await moved(() => b.ledger.advance('a', committed({}, { pin: true })))).toBe(true)
      expect(await moved(() => b.ledger.advance('a', settled))).toBe(true)
      expect(await moved(() => buyAt(b, 'b', 10))).toBe(false)
      expect(await moved(() => buyAt(b, 'c', 10))).toBe(true)
      expect(await moved(() => buyAt(b, 'd', 10))).toBe(false)
      expect(await moved(() => b.ledger.advertise(query, 5n))).toBe(true)
      expect(await moved(() => b.ledger.advertise(query, 5n))).toBe(false)
      expect(await moved(() => b.ledger.advertise({ ...query, operation: 'GET /other' }, 5n))).toBe(false)
    })

    it('refuses a hold that rests on facts that have moved', async () => {
      const { ledger } = await bench()
      const hold = await holdOf(ledger, 'a')
      await ledger.advertise(query, 5n)
      expect(await ledger.hold(hold)).toEqual({ ok: false, why: 'stale' })
    })

    it('remembers approvals until they end or are revoked', async () => {
      const { ledger, clock } = await bench()
      const grant = {
        id: 'g',
        agent: 'researcher',
        vendor: VENDOR,
        rail,
        by: 'ann',
        unit: 'iso4217:USD',
        until: clock.wall + 1000,
        upTo: CENT,
        total: 5n * CENT,
        payees: ['0xaaaa'],
      }
      await ledger.grant(grant)
      expect(await ledger.grants()).toEqual([grant])
      expect((await ledger.facts(query)).grants).toEqual([grant])
      expect((await ledger.facts({ ...query, agent: 'writer' })).grants).toEqual([])
      const hold = await holdOf(ledger, 'a')
      const under = { ...hold, decision: { ...hold.decision, grant: 'g' } }
      clock.pass(1000)
      expect(await ledger.hold(under)).toEqual({ ok: false, why: 'stale' })
      expect(await ledger.grants()).toEqual([])
      await ledger.grant({ ...grant, until: clock.wall + 1000 })
      expect(await ledger.revoke('g')).toBe(true)
      expect(await ledger.revoke('g')).toBe(false)
      expect((await ledger.facts(query)).grants).toEqual([])
    })

    it('counts a remembered approval under every document: its budget has no name of a policy', async () => {
      const { ledger, hold, clock } = await bench()
      const grant = {
        id: 'g',
        agent: 'researcher',
        vendor: VENDOR,
        rail,
        by: 'ann',
        unit: 'iso4217:USD',
        until: clock.wall + DAY,
        upTo: 10n * CENT,
        total: 15n * CENT,
        payees: ['0xaaaa'],
      }
      await ledger.grant(grant)
      const claims = [{ ...everClaim(10n * CENT, 15n * CENT), scope: { grant: 'g', unit: 'iso4217:USD' } }]
      expect(await hold('a', { policy: 'old name', grant: 'g', claims })).toMatchObject({ ok: true })
      expect(await hold('b', { policy: 'new name', grant: 'g', claims })).toMatchObject({
        why: 'short',
        short: [{ remaining: 5n * CENT }],
      })
      // Nor does it matter whose counter it was first: one that is filled from stored payments finds them all.
      const late = { ...everClaim(1n, 15n * CENT), scope: { grant: 'g' } }
      expect(await ledger.room([late])).toMatchObject([{ held: 10n * CENT }])
    })

    it('commits nothing under a remembered approval that was revoked, or ran out, since the hold', async () => {
      const { ledger, hold, clock } = await bench()
      const grant = (id: string, until: number) => ({
        ...{ id, agent: 'researcher', vendor: VENDOR, rail, by: 'ann', unit: 'iso4217:USD' },
        ...{ until, upTo: 10n * CENT, total: 100n * CENT, payees: ['0xaaaa'] },
      })
      await ledger.grant(grant('revoked', clock.wall + DAY))
      await ledger.grant(grant('short', clock.wall + 1000))
      await hold('a', { grant: 'revoked' })
      await ledger.revoke('revoked')
      expect(await ledger.advance('a', committed())).toMatchObject({ ok: false, payment: { state: 'held' } })
      await hold('b', { grant: 'short' })
      clock.pass(1000)
      expect(await ledger.advance('b', committed())).toMatchObject({ ok: false, payment: { state: 'held' } })
    })

    it('keeps what was counted, and every price, under the unit that it was counted in', async () => {
      const b = await bench()
      const yen = { ...query, unit: 'iso4217:JPY' }
      for (const id of ['a', 'b', 'c']) await buyAt(b, id, 10)
      await b.ledger.advertise(query, 5n)
      expect(await b.ledger.facts(query)).toMatchObject({ usual: { [rail]: 10n * CENT }, advertised: 5n })
      const facts = await b.ledger.facts(yen)
      expect(facts.usual).toEqual({})
      expect(facts.advertised).toBeUndefined()
      const spent = (scope: object) => b.ledger.room([everClaim(0n, 100n * CENT, scope)])
      expect(await spent({ unit: 'iso4217:USD' })).toMatchObject([{ spent: 30n * CENT }])
      expect(await spent({ unit: 'iso4217:JPY' })).toMatchObject([{ spent: 0n }])
      expect(await b.ledger.get('a')).toMatchObject({ units: 10n * CENT, unit: 'iso4217:USD' })
    })

    it('lets a denial stand, and no longer', async () => {
      const { ledger, clock, left } = await bench()
      const denied = await ledger.deny(await holdOf(ledger, 'a'), { reason: 'no', standsMs: 600_000 })
      expect(denied).toMatchObject({ state: 'denied', reason: 'no', units: 0n })
      expect(await ledger.facts(query)).toMatchObject({ denied: [termsOf({})], denials: 1 })
      // For another operation of the vendor it is no denial, and counts as a question all the same.
      const elsewhere = { ...query, operation: 'GET /other' }
      expect(await ledger.facts(elsewhere)).toMatchObject({ denied: [], denials: 1 })
      expect(await ledger.facts({ ...query, agent: 'writer' })).toMatchObject({ denied: [], denials: 0 })
      clock.pass(600_000)
      expect(await ledger.facts(query)).toMatchObject({ denied: [], denials: 0 })
      expect(await left(100n * CENT)).toMatchObject({ held: 0n, spent: 0n })
    })

    it('counts a hold that reserves nothing nowhere, wants room for it all the same, and commits it only once it is held', async () => {
      const { ledger, hold, left } = await bench()
      const waiting = { limit: 15n * CENT, reserves: 'nothing' } as const
      expect(await hold('a', waiting)).toMatchObject({ ok: true, payment: { state: 'held', units: 0n } })
      expect(await left(15n * CENT)).toMatchObject({ held: 0n, remaining: 15n * CENT })
      expect(await ledger.advance('a', committed())).toMatchObject({ ok: false, payment: { state: 'held' } })
      await hold('b', { limit: 15n * CENT })
      expect(await hold('c', waiting)).toMatchObject({ why: 'short' })
      expect(await hold('a', { limit: 15n * CENT })).toMatchObject({ why: 'short' })
      await ledger.advance('b', { to: 'released', reason: 'no' })
      expect(await hold('a', { limit: 15n * CENT })).toMatchObject({ payment: { units: 10n * CENT } })
      expect(await ledger.advance('a', committed())).toMatchObject({ ok: true })
    })

    it('denies a hold that waited for a person, and gives its budget back', async () => {
      const { ledger, hold, left } = await bench()
      await hold('a')
      expect(await ledger.deny(await holdOf(ledger, 'a'), { reason: 'no' })).toMatchObject({
        state: 'denied',
      })
      expect(await left(100n * CENT)).toMatchObject({ held: 0n })
      expect(await ledger.advance('a', committed())).toMatchObject({ ok: false })
    })

    it('knows a vendor once it has delivered', async () => {
      const b = await bench()
      expect((await b.ledger.facts(query)).knownVendor).toBe(false)
      await buyAt(b, 'a', 10)
      expect((await b.ledger.facts(query)).knownVendor).toBe(true)
      expect((await b.ledger.facts({ ...query, agent: 'writer' })).knownVendor).toBe(false)
    })
  })

  describe(`${name}: freeze`, () => {
    it('stops holds and commits, and nothing else', async () => {
      const { ledger, hold, commit } = await bench()
      await commit('a')
      await hold('b')
      await ledger.freeze('stolen key')
      expect(await ledger.frozen()).toBe('stolen key')
      expect(await hold('c')).toEqual({ ok: false, why: 'frozen', reason: 'stolen key' })
      expect(await ledger.advance('b', committed())).toMatchObject({ ok: false })
      expect(await ledger.advance('a', settled)).toMatchObject({ ok: true })
      await ledger.unfreeze()
      expect(await ledger.frozen()).toBeUndefined()
      expect(await hold('c')).toMatchObject({ ok: true })
    })
  })

  describe(`${name}: queries`, () => {
    const all = async (found: AsyncIterable<{ readonly id: string }>) => {
      const ids: string[] = []
      for await (const { id } of found) ids.push(id)
      return ids
    }

    it('finds payments by what they are, newest first, across pages', async () => {
      const { ledger, hold, clock } = await bench()
      const names = Array.from({ length: 230 }, (_, n) => `p${n}`)
      for (const id of names) await hold(id, { price: 1 })
      clock.pass(10)
      await hold('x', { agent: 'writer', tasks: ['t', 'u'], vendor: 'https://x.example', key: 'k' })
      expect(await all(ledger.find({}))).toEqual(['x', ...names.toReversed()])
      expect(await all(ledger.find({ order: 'oldest', limit: 150 }))).toEqual(names.slice(0, 150))
      for (const query of [
        { agent: 'writer' },
        { task: 'u' },
        { vendor: 'https://x.example' },
        { key: 'k' },
        { id: 'x' },
      ])
        expect(await all(ledger.find(query))).toEqual(['x'])
      expect(await all(ledger.find({ task: 't/u' }))).toEqual([])
      expect(await all(ledger.find({ from: clock.wall }))).toEqual(['x'])
      expect(await all(ledger.find({ to: clock.wall, limit: 1 }))).toEqual(['p229'])
      expect(await all(ledger.find({ states: ['settled', 'denied'] }))).toEqual([])
    })

    it('gives recovery what nobody works on, and what this process can prove', async () => {
      const { ledger, hold, commit, clock } = await bench()
      const due = (which: 'due' | 'all', wallets = [evidence.wallet]) => all(ledger.due({ wallets, which }))
      await hold('held')
      await commit('open')
      await commit('later')
      await commit('fee', { fee: 3 })
      await commit('done')
      await ledger.advance('later', { to: 'unresolved', recheckAt: clock.wall + 1000 })
      await ledger.advance('fee', settled)
      await ledger.advance('done', settled)
      expect(await due('due')).toEqual([])
      expect(await due('all')).toEqual(['later', 'fee'])
      await ledger.retire('me')
      expect(await due('due')).toEqual(['held', 'open'])
      expect(await due('due', [])).toEqual(['held'])
      expect(await due('all')).toEqual(['held', 'open', 'later', 'fee'])
      clock.pass(1000)
      expect(await due('due')).toEqual(['held', 'open', 'later'])
      await ledger.advance('fee', { to: 'settled', proof: 'chain', fee: cents(1) })
      expect(await due('all')).toEqual(['held', 'open', 'later'])
    })

    it('gives recovery an unread fee once it is due, and again when it was put off', async () => {
      const { ledger, commit, clock } = await bench()
      const due = () => all(ledger.due({ wallets: [evidence.wallet], which: 'due' }))
      for (const id of ['a', 'b']) {
        await commit(id, { fee: 3 })
        await ledger.advance(id, settledUntil(clock.wall + 1000))
      }
      expect(await due()).toEqual([])
      clock.pass(1000)
      expect(await due()).toEqual(['a', 'b'])
      const later = { to: 'settled', proof: 'receipt', recheckAt: clock.wall + 5000 } as const
      expect(await ledger.advance('a', later)).toMatchObject({
        ok: true,
        payment: { reference: '0xref', delivered: true, recheckAt: clock.wall + 5000 },
      })
      expect(await due()).toEqual(['b'])
      clock.pass(5000)
      expect(await due()).toEqual(['b', 'a'])
      await ledger.advance('b', { to: 'settled', proof: 'chain', fee: cents(1) })
      expect(await due()).toEqual(['a'])
    })

    it('gives recovery what counts on a counter, the newest first, and no more than asked for', async () => {
      const { ledger, clock } = await bench()
      const rich = 1000n * CENT
      const claims = (scope: object) => [everClaim(4n * CENT, rich, scope), dayClaim(clock.wall, 0n, rich)]
      const pay = async (id: string, vendor: string, ends: boolean): Promise<void> => {
        const buy = { price: 3, fee: 1, vendor, claims: claims({ vendor }) }
        await ledger.hold(await holdOf(ledger, id, buy))
        await ledger.advance(id, committed(buy))
        clock.pass(10)
        await ledger.advance(id, ends ? settledUntil(clock.wall) : { to: 'unresolved' })
      }
      const [a, b] = ['https://a.example', 'https://b.example']
      for (let n = 0; n < 130; n++) await pay(`a${n}`, a, true)
      await pay('b0', b, true)
      await pay('doubt 1', b, false)
      await pay('doubt 2', b, false)
      await pay('b1', b, true)
      clock.pass(10)
      const due = (vendor: string, more: object = {}) =>
        all(
          ledger.due({
            wallets: [evidence.wallet],
            which: 'due',
            on: [everClaim(0n, rich, { vendor })],
            ...more,
          }),
        )
      expect(await due(b)).toEqual(['doubt 1', 'doubt 2', 'b0', 'b1'])
      expect(await due(b, { order: 'newest' })).toEqual(['doubt 2', 'doubt 1', 'b1', 'b0'])
      expect(await due(b, { order: 'newest', limit: 3 })).toEqual(['doubt 2', 'doubt 1', 'b1'])
      expect(await due(a, { order: 'newest' })).toEqual(Array.from({ length: 130 }, (_, n) => `a${129 - n}`))
      expect(await due('https://c.example')).toEqual([])
    })

    it('gives recovery no payment twice, though it falls due again while it is looked at', async () => {
      const { ledger, commit, clock } = await bench()
      const ids = Array.from({ length: 105 }, (_, n) => `p${n}`)
      for (const id of ids) await commit(id)
      await ledger.retire('me')
      const seen: string[] = []
      for await (const { id } of ledger.due({ wallets: [evidence.wallet], which: 'due' })) {
        seen.push(id)
        await ledger.advance(id, { to: 'unresolved', recheckAt: clock.wall - 1 })
      }
      expect(seen).toEqual(ids)
    })

    it('keeps receipts whole, and what a payment was', async () => {
      const { ledger, commit, clock } = await bench()
      const receipt = { success: true, reference: '0xref', claims: { any: ['thing', 1, null], $n: 'odd' } }
      await commit('a', { key: 'k', tasks: ['t'], fee: 2 })
      await ledger.advance('a', { to: 'evidence', evidence: { ...evidence, refs: ['0xreal'], recheckAt: 5 } })
      clock.pass(7)
      await ledger.advance('a', { ...settled, receipt } as Move)
      expect(await ledger.get('a')).toEqual({
        id: 'a',
        state: 'settled',
        live: false,
        context: { agent: 'researcher', tasks: ['t'] },
        resource: { transport: 'http', vendor: VENDOR, operation: 'GET /v1/items/1' },
        fingerprint: 'print of a',
        key: 'k',
        terms: termsOf({ fee: 2 }),
        policy: 'hash',
        effect: 'allow',
        reasons: [],
        attempts: [
          {
            challengeId: 'c1',
            terms: termsOf({ fee: 2 }),
            evidence: { ...evidence, refs: ['0xreal'], recheckAt: 5 },
            at: clock.wall - 7,
          },
        ],
        receipts: [receipt],
        units: 12n * CENT,
        unit: 'iso4217:USD',
        countedAt: clock.wall - 7,
        // A receipt settles the price that was agreed; the fee is still unread.
        spent: termsOf({ fee: 2 }).most,
        proof: 'receipt',
        reference: '0xref',
        delivered: true,
        createdAt: clock.wall - 7,
        updatedAt: clock.wall,
      })
    })

    it('is the same ledger every time, and no longer once closed', async () => {
      const { ledger } = await bench()
      expect(await ledger.id()).toBe(await ledger.id())
      await expect(ledger.advance('nothing', settled)).rejects.toThrow(TypeError)
      await ledger.close()
      await ledger.close()
      await expect(ledger.get('a')).rejects.toMatchObject({ code: 'closed' })
    })

    it('refuses an id that belongs to another purchase', async () => {
      const { hold } = await bench()
      await hold('a', { key: 'k' })
      await expect(hold('a', { key: 'other' })).rejects.toThrow(TypeError)
      await expect(hold('a', { key: 'k', agent: 'writer' })).rejects.toThrow(TypeError)
    })

    it('refuses to hold what was denied or cannot be counted', async () => {
      const { ledger } = await bench()
      const hold = await holdOf(ledger, 'a')
      const denied = { ...hold, decision: { ...hold.decision, effect: 'deny' as const } }
      await expect(ledger.hold(denied)).rejects.toThrow(TypeError)
      const huge = await holdOf(ledger, 'a', { claims: [everClaim(2n ** 62n, 2n ** 63n)] })
      await expect(ledger.hold(huge)).rejects.toMatchObject({ code: 'ledger_failed', funds: 'untouched' })
    })
  })
}

import { describe, expect, it, onTestFinished } from 'vitest'
import type { Reason } from '../../src/errors/index.js'
import type { Hold, Ledger, Payment } from '../../src/ledger/index.js'
import type { MakeLedger } from './contract.js'
import { type Buy, CENT, committed, DAY, dayClaim, holdOf, settled, TestClock } from './fixtures.js'

const over: Reason = { rule: 'perPayment', message: 'The price is over 1 USD.' }

async function refusalOf(
  ledger: Ledger,
  id: string,
  buy: Buy = {},
  reasons: readonly Reason[] = [over],
): Promise<Omit<Hold, 'lane'>> {
  const { lane: _, ...hold } = await holdOf(ledger, id, buy)
  return { ...hold, decision: { ...hold.decision, effect: 'deny', reasons } }
}

async function listOf(found: AsyncIterable<Payment>): Promise<readonly Payment[]> {
  const payments: Payment[] = []
  for await (const payment of found) payments.push(payment)
  return payments
}

/** How every store records refusals. */
export function refusalContract(name: string, make: MakeLedger): void {
  const bench = async () => {
    const clock = new TestClock()
    const ledger = make(clock)
    onTestFinished(() => ledger.close())
    await ledger.renew('me', 10 ** 12)
    const refuse = async (id: string, buy?: Buy, reasons?: readonly Reason[]) =>
      ledger.deny(await refusalOf(ledger, id, buy, reasons), { reason: `refused ${id}` })
    const refused = () => listOf(ledger.find({ states: ['denied'], order: 'oldest' }))
    return { clock, ledger, refuse, refused }
  }

  describe(`${name}: refusals`, () => {
    it('counts refusals of the same request by the same rules on one record of the day', async () => {
      const { clock, refuse, refused } = await bench()
      const same = { fingerprint: 'same' }
      expect((await refuse('a', same)).times).toBeUndefined()
      clock.pass(1000)
      // The server asks another price: the record tells the newest.
      expect(await refuse('b', { ...same, price: 11 })).toMatchObject({
        id: 'a',
        times: 2,
        reason: 'refused b',
      })
      expect(await refuse('c', { ...same, price: 12 })).toMatchObject({ id: 'a', times: 3 })
      expect(await refused()).toMatchObject([
        { id: 'a', times: 3, reason: 'refused c', terms: { most: { value: 120_000n } }, units: 0n },
      ])
      clock.pass(DAY)
      expect((await refuse('d', same)).id).toBe('d')
      expect((await refused()).map(({ id }) => id)).toEqual(['a', 'd'])
    })

    it('records refusals apart that differ in agent, task, request or rules', async () => {
      const { refuse, refused } = await bench()
      const same = { fingerprint: 'same' }
      await refuse('a', same)
      await refuse('agent', { ...same, agent: 'writer' })
      await refuse('task', { ...same, tasks: ['report'] })
      await refuse('request', { fingerprint: 'other' })
      await refuse('rules', same, [{ rule: 'vendors', message: 'The vendor is not in the policy.' }])
      expect((await refused()).map(({ id }) => id)).toEqual(['a', 'agent', 'task', 'request', 'rules'])
    })

    it('a refusal after a held payment stays its own record', async () => {
      const { ledger, refuse, refused } = await bench()
      await refuse('a', { fingerprint: 'same' })
      await ledger.hold(await holdOf(ledger, 'b', { fingerprint: 'same' }))
      expect(await refuse('b', { fingerprint: 'same' })).toMatchObject({ id: 'b', state: 'denied' })
      expect((await refused()).map(({ id }) => id)).toEqual(['a', 'b'])
    })

    it('the server does not choose how long the record of a refusal is', async () => {
      const { ledger } = await bench()
      const hold = await refusalOf(ledger, 'a')
      const payee = hold.terms.payees[0]
      if (payee === undefined) throw new Error('The terms have a payee')
      const many = Array.from({ length: 500 }, (_, n) => ({ ...payee, id: `0x${n}` }))
      const long = 'x'.repeat(50_000)
      const reasons = Array.from({ length: 64 }, () => ({ rule: 'perPayment', asked: long, message: long }))
      const { dimensions } = hold.decision
      const payees = Object.fromEntries(many.map(({ id }) => [id, CENT]))
      await ledger.deny(
        {
          ...hold,
          terms: { ...hold.terms, payees: many },
          decision: { ...hold.decision, reasons, dimensions: { ...dimensions, payees } },
        },
        { reason: long },
      )
      const stored = await ledger.get('a')
      expect(JSON.stringify(stored).length).toBeLessThan(12_000)
      expect(stored).toMatchObject({ unit: 'iso4217:USD', reason: expect.stringMatching(/^x+…$/) })
    })

    it('the record keeps what a reason says of an earlier payment', async () => {
      const { refuse } = await bench()
      const repeated: Reason = {
        rule: 'repeat',
        limit: 'once in 1h',
        asked: 'GET /v1/items/1',
        resetsAt: 1,
        payment: 'an earlier one',
        reference: '0xref',
        message: 'The same request was bought before.',
      }
      expect((await refuse('a', {}, [repeated])).reasons).toEqual([repeated])
    })

    it('drops old refusals, and goes on counting, finding and ordering all other payments', async () => {
      const { clock, ledger, refuse, refused } = await bench()
      const buy = { tasks: ['report'] }
      await refuse('first', buy)
      await ledger.hold(await holdOf(ledger, 'paid', buy))
      await ledger.advance('paid', committed(buy))
      await ledger.advance('paid', settled)
      // A store may keep its newest payments in no index yet: those are not dropped.
      for (let n = 0; n < 300; n++) await refuse(`old${n}`, buy)
      clock.pass(30 * DAY + 1)
      for (let n = 0; n < 100; n++) await refuse(`new${n}`, buy)
      const left = await refused()
      expect(left.filter(({ id }) => id.startsWith('new'))).toHaveLength(100)
      expect(left.length).toBeLessThan(300)
      expect(await ledger.get('first')).toBeUndefined()
      for (const order of ['oldest', 'newest'] as const) {
        const all = (await listOf(ledger.find({ order }))).map(({ id }) => id)
        expect(all).toHaveLength(left.length + 1)
        expect(all[order === 'oldest' ? 0 : all.length - 1]).toBe('paid')
        const inTask = (await listOf(ledger.find({ order, task: 'report' }))).map(({ id }) => id)
        expect(inTask).toEqual(all)
      }
      // A budget that is new counts past the places of what was dropped.
      const claim = {
        ...dayClaim(clock.wall, 0n, 100n * CENT, { task: 'report' }),
        from: 0,
        at: 0,
        window: 'ever',
      }
      expect(await ledger.room([claim])).toMatchObject([{ spent: 10n * CENT }])
    })
  })
}

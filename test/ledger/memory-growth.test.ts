import { expect, it } from 'vitest'
import type { Ledger, Payment } from '../../src/ledger/index.js'
import { memoryLedger } from '../../src/ledger/memory.js'
import { MOST_OBJECTS } from '../../src/ledger/row-map.js'
import {
  CENT,
  cents,
  committed,
  DAY,
  everClaim,
  holdOf,
  rollingClaim,
  settled,
  TestClock,
} from './fixtures.js'

/** More than a ledger in memory keeps as objects. */
const MANY = MOST_OBJECTS + 200

const buyOf = (n: number) => ({
  price: 1,
  fee: 1,
  key: `key ${n}`,
  fingerprint: `print ${n}`,
  tasks: ['shop'],
})

/** Pays that often. Answers the payments as they were right after they had settled. */
async function pay(ledger: Ledger, count: number, first = 0): Promise<readonly Payment[]> {
  const paid: Payment[] = []
  for (let n = first; n < first + count; n++) {
    const buy = buyOf(n)
    await ledger.hold(await holdOf(ledger, `p${n}`, buy))
    await ledger.advance(`p${n}`, committed(buy))
    const receipt = { success: true, reference: `0x${n}`, claims: { status: 'success' } }
    const { payment } = await ledger.advance(`p${n}`, { ...settled, receipt, fee: cents(1) })
    paid.push(payment)
  }
  return paid
}

it('a ledger in memory forgets nothing of an old payment', { timeout: 60_000 }, async () => {
  const clock = new TestClock()
  const ledger = memoryLedger({ clock })
  await ledger.renew('me', 365 * DAY)
  await ledger.hold(await holdOf(ledger, 'doubt', { price: 7, fingerprint: 'doubt' }))
  await ledger.advance('doubt', committed({ price: 7 }))
  const paid = await pay(ledger, MANY)
  expect(await ledger.get('p0')).toEqual(paid[0])
  const listed: Payment[] = []
  for await (const payment of ledger.find({ order: 'oldest', states: ['settled'] })) listed.push(payment)
  expect(listed).toEqual(paid)
  expect(await ledger.get('doubt')).toMatchObject({ state: 'committed', live: true })

  // The same key still stands in the way, and so does the doubt.
  const same = await ledger.hold(await holdOf(ledger, 'again', buyOf(0)))
  expect(same).toMatchObject({ ok: false, why: 'taken', by: { id: 'p0', receipts: [{ reference: '0x0' }] } })
  const other = await ledger.hold(await holdOf(ledger, 'other', { ...buyOf(0), fingerprint: 'other' }))
  expect(other).toMatchObject({ ok: false, why: 'conflict' })

  // A budget that is new counts the old payments.
  const [ever] = await ledger.room([everClaim(0n, 10_000n * CENT, { agent: 'researcher' })])
  expect(ever).toMatchObject({ spent: BigInt(2 * MANY) * CENT, held: 7n * CENT })

  // A proof that comes late still moves an old payment.
  const proven = await ledger.advance('p0', { to: 'settled', proof: 'chain', spent: cents(1), fee: cents(0) })
  expect(proven).toMatchObject({ ok: true, payment: { proof: 'chain' } })
  expect((await ledger.room([everClaim(0n, 10_000n * CENT, { agent: 'researcher' })]))[0]).toMatchObject({
    spent: BigInt(2 * MANY - 1) * CENT,
  })
  await ledger.close()
})

it('a window still counts what lies in it after its old buckets were dropped', {
  timeout: 60_000,
}, async () => {
  const clock = new TestClock()
  const ledger = memoryLedger({ clock })
  await ledger.renew('me', 400 * DAY)
  for (let n = 0; n < 120; n++) {
    const claims = [rollingClaim(clock.now(), CENT, 1000n * CENT)]
    expect(await ledger.hold(await holdOf(ledger, `p${n}`, { price: 1, claims }))).toMatchObject({ ok: true })
    clock.pass(DAY)
  }
  const [room] = await ledger.room([rollingClaim(clock.now(), 0n, 1000n * CENT)])
  // Thirty days, and the bucket that the window begins in.
  expect([30n * CENT, 31n * CENT]).toContain(room?.held)
  await ledger.close()
})

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { memoryLedger } from '../../src/entry/ledger-memory.js'
import { sqliteLedger } from '../../src/entry/ledger-sqlite.js'
import type { Hold, Ledger, Move } from '../../src/ledger/index.js'
import { amount, type Currency, count, fiat, parseAmount } from '../../src/money/index.js'
import { CENT, dayClaim, evidence, holdOf, START, TestClock } from './fixtures.js'

const UNIT = 'iso4217:USD'
const folder = mkdtempSync(join(tmpdir(), 'purser-rates-'))
afterAll(() => rmSync(folder, { recursive: true }))

const euro = (most: string): Currency => ({ ...fiat('EUR', 2), rate: { unit: UNIT, most } })
/** As a process without rates, or with others, reads it from its rail. */
const plain = fiat('EUR', 2)

let files = 0
const stores: readonly (readonly [string, (clock: TestClock) => Ledger])[] = [
  ['memory', (clock) => memoryLedger({ clock })],
  ['sqlite', (clock) => sqliteLedger({ path: join(folder, `${++files}.db`), synchronous: 'normal', clock })],
]

/** A hold in euros: a price and what its fee is bounded by. */
async function inEuros(ledger: Ledger, id: string, price: string, fee: string, most: string): Promise<Hold> {
  const hold = await holdOf(ledger, id)
  const [sum, bound] = [parseAmount(price, euro(most)), parseAmount(fee, euro(most))]
  const [cost, extra] = [count(sum, UNIT) ?? 0n, count(bound, UNIT) ?? 0n]
  const terms = {
    ...hold.terms,
    most: sum,
    payees: [{ id: '0xaaaa', amount: sum }],
    fee: { bound, usual: bound },
  }
  const { dimensions } = hold.decision
  const decision = {
    ...hold.decision,
    units: cost + extra,
    price: cost,
    dimensions: { ...dimensions, payees: { '0xaaaa': cost } },
    claims: [dayClaim(START, cost + extra, 1000n * CENT, { policy: 'team' })],
  }
  return { ...hold, terms, decision }
}

const commitOf = ({ terms }: Hold): Move => ({
  to: 'committed',
  attempt: { challengeId: 'c', terms, evidence },
  pin: false,
  widenPin: false,
})

async function opened(
  make: (clock: TestClock) => Ledger,
): Promise<{ ledger: Ledger; left(): Promise<bigint> }> {
  const clock = new TestClock()
  const ledger = make(clock)
  await ledger.renew('me', 60_000)
  const left = async () => {
    const [room] = await ledger.room([dayClaim(START, 0n, 1000n * CENT, { policy: 'team' })])
    return (room?.remaining ?? 0n) / CENT
  }
  return { ledger, left }
}

it.each(stores)(
  '%s counts what settles as it was held, whatever the rate is by then',
  async (_name, make) => {
    const { ledger, left } = await opened(make)
    const hold = await inEuros(ledger, 'a', '2', '0.5', '1.5')
    expect(await ledger.hold(hold)).toMatchObject({ ok: true })
    expect(await left()).toBe(1000n - 375n)
    await ledger.advance('a', commitOf(hold))
    const settled = { spent: amount(200n, plain), fee: amount(10n, euro('9')), proof: 'chain' } as const
    await ledger.advance('a', { to: 'settled', ...settled })
    expect(await left()).toBe(1000n - 315n)
    expect((await ledger.get('a'))?.units).toBe(315n * CENT)
    expect((await ledger.get('a'))?.terms.most.currency).toEqual(euro('1.5'))
    await ledger.close()
  },
)

it.each(stores)('%s counts a part that settled by the same rate', async (_name, make) => {
  const { ledger, left } = await opened(make)
  const hold = await inEuros(ledger, 'a', '2', '0', '1.5')
  await ledger.hold(hold)
  await ledger.advance('a', commitOf(hold))
  await ledger.advance('a', { to: 'settled', spent: amount(50n, euro('3')), proof: 'chain' })
  expect(await left()).toBe(1000n - 75n)
  await ledger.close()
})

it.each(stores)('%s counts the fee that a failed payment burnt by it too', async (_name, make) => {
  const { ledger, left } = await opened(make)
  const hold = await inEuros(ledger, 'a', '2', '0.5', '1.5')
  await ledger.hold(hold)
  await ledger.advance('a', commitOf(hold))
  await ledger.advance('a', { to: 'released', reason: 'it ran out', fee: amount(20n, plain) })
  expect(await left()).toBe(1000n - 30n)
  await ledger.close()
})

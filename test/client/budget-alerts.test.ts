import { expect, test } from 'vitest'
import { memoryLedger } from '../../src/entry/ledger-memory.js'
import { createPurser, type PurserEvents } from '../../src/index.js'
import { DAY, TestClock } from '../ledger/fixtures.js'
import { buy, buyer, type ShopOptions, slowWallet } from './shop.js'

const unknown = async () => ({ state: 'unknown', reason: 'nothing is seen' }) as const

function watched(options: Partial<ShopOptions> = {}) {
  const clock = new TestClock()
  const ledger = memoryLedger({ clock })
  const purser = buyer({
    ledger,
    clock,
    inspect: unknown,
    limit: '10',
    budgetAlerts: [0.5, 0.25, 1],
    ...options,
  })
  const heard: PurserEvents['budget'][] = []
  purser.on('budget', (event) => heard.push(event))
  /** Each payment counts for a dollar: ten cents, and ninety of fee that nobody reads. */
  const pay = async (times: number): Promise<readonly number[]> => {
    const before = heard.length
    for (let n = 0; n < times; n++) expect(await buy(purser, `/${Math.random()}`)).toBe(200)
    return heard.slice(before).map(({ share }) => share)
  }
  return { purser, ledger, clock, heard, pay }
}

test('a share of a budget is told once, by the payment that reaches it', async () => {
  const { purser, heard, pay } = watched()
  expect(await pay(2)).toEqual([])
  expect(await pay(1)).toEqual([0.25])
  expect(await pay(1)).toEqual([])
  expect(await pay(1)).toEqual([0.5])
  expect(await pay(4)).toEqual([])
  expect(await pay(1)).toEqual([1])
  expect(heard[0]?.budget).toMatchObject({ counts: 'spend', window: 'day@UTC', limit: 10_000_000_000n })
  expect(heard[1]?.budget.message).toMatch(/of 10 USD spent/)
  expect(JSON.parse(JSON.stringify(heard[0]))).toMatchObject({
    share: 0.25,
    budget: { limit: '10000000000' },
  })
  await purser.close()
})

test('a new window is told again, and one that is already past a share at once', async () => {
  const { purser, clock, pay } = watched()
  expect(await pay(3)).toEqual([0.25])
  clock.pass(DAY)
  expect(await pay(2)).toEqual([])
  expect(await pay(1)).toEqual([0.25])
  await purser.close()
})

test('each budget is told for itself, counts of payments too', async () => {
  const { purser, heard, pay } = watched({
    budgets: [
      { limit: '8', per: 'day' },
      { limit: '4', per: 'day', each: 'vendor' },
      { payments: 4, per: 'hour' },
    ],
  })
  await pay(1)
  expect(heard.map(({ share, budget }) => [share, budget.counts, budget.limit])).toEqual([
    [0.25, 'payments', 4n],
    [0.25, 'spend', 4_000_000_000n],
  ])
  await purser.close()
})

test('payments that are made at once tell a share once', async () => {
  const { purser, heard } = watched()
  await Promise.all(Array.from({ length: 6 }, (_, n) => buy(purser, `/at-once/${n}`)))
  expect(heard.map(({ share }) => share).sort()).toEqual([0.25, 0.5])
  await purser.close()
})

test('without the option nothing is told, and the ledger is not asked', async () => {
  const { purser, ledger, heard, pay } = watched({ budgetAlerts: [] })
  const { room } = ledger
  let asked = 0
  Object.assign(ledger, {
    room: (...claims: Parameters<typeof room>) => {
      asked++
      return Reflect.apply(room, ledger, claims)
    },
  })
  expect(await pay(6)).toEqual([])
  expect([asked, heard]).toEqual([0, []])
  await purser.close()
})

test('a ledger that cannot be asked is an error event, and the payment goes on', async () => {
  const { purser, ledger, pay } = watched()
  Object.assign(ledger, { room: () => Promise.reject(new TypeError('no room')) })
  const errors: string[] = []
  purser.on('error', ({ during }) => errors.push(during))
  expect(await pay(1)).toEqual([])
  expect(errors).toEqual(['looking at budgets'])
  await purser.close()
})

test.each([[0], [1.5], [-0.5], ['0.5'], [Number.NaN], [1e-9], Array.from({ length: 17 }, () => 0.5)])(
  'shares such as %j are no option',
  (...budgetAlerts) => {
    const make = () =>
      createPurser({
        wallets: [slowWallet(unknown)],
        policy: {
          perPayment: '1',
          budgets: [{ limit: '5', per: 'day' }],
          vendors: [{ origin: 'https://a.example' }],
        },
        // @ts-expect-error what is no share is for those who do not compile
        budgetAlerts: budgetAlerts.map((share): number | string => share),
      })
    expect(make).toThrow(/^budgetAlerts must be a list of at most 16 shares above 0 and up to 1/)
  },
)

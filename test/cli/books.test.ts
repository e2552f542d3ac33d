import { Ajv2020 } from 'ajv/dist/2020.js'
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import type { Ledger } from '../../src/ledger/index.js'
import { amount, CURRENCIES } from '../../src/money/index.js'
import type { Policy } from '../../src/policy/index.js'
import {
  ACTS_ON_A_TERMINAL,
  type Buying,
  CliWorld,
  commit,
  fillWithEverything,
  HOSTILE,
  hold,
  MAPS,
  milli,
  SEARCH,
} from './world.js'

const worlds: CliWorld[] = []
afterAll(() => {
  for (const world of worlds) world.remove()
})
const newWorld = (): CliWorld => {
  const world = new CliWorld()
  worlds.push(world)
  return world
}

/** Billionths of a unit. */
const units = (text: string): bigint => {
  const [whole = '', fraction = ''] = text.split('.')
  return BigInt(whole + fraction.padEnd(9, '0'))
}
const unitsIn = (value: unknown): bigint => units(String(Object(value).value))
const sum = (values: readonly bigint[]): bigint => values.reduce((total, value) => total + value, 0n)

/** One random payment and its outcome. */
interface Random extends Buying {
  readonly outcome:
    | 'held'
    | 'doubt'
    | 'settled'
    | 'unread'
    | 'cheaper'
    | 'released'
    | 'burnt'
    | 'replaced'
    | 'undelivered'
  readonly price: number
  readonly fee: number
}

const random: fc.Arbitrary<Random> = fc.record({
  price: fc.integer({ min: 1, max: 20 }),
  fee: fc.integer({ min: 0, max: 9 }),
  agent: fc.constantFrom('researcher', 'buyer'),
  vendor: fc.constantFrom(SEARCH, MAPS),
  tasks: fc.constantFrom([], ['trip'], ['trip', 'hotel']),
  outcome: fc.constantFrom(
    'held',
    'doubt',
    'settled',
    'unread',
    'cheaper',
    'released',
    'burnt',
    'replaced',
    'undelivered',
  ),
})

async function make(ledger: Ledger, policy: Policy, id: string, payment: Random): Promise<void> {
  const { outcome, price, fee } = payment
  expect(await ledger.hold(await hold(ledger, policy, id, payment))).toMatchObject({ ok: true })
  if (outcome === 'held') return
  if (outcome === 'released') {
    await ledger.advance(id, { to: 'released', reason: 'over' })
    return
  }
  await ledger.advance(id, commit(payment))
  const burnt = amount(BigInt(fee) * 333n, CURRENCIES.pathUSD)
  if (outcome === 'doubt') await ledger.advance(id, { to: 'unresolved' })
  else if (outcome === 'unread')
    await ledger.advance(id, { to: 'settled', proof: 'receipt', delivered: true })
  else if (outcome === 'burnt') await ledger.advance(id, { to: 'released', reason: 'void', fee: burnt })
  else if (outcome === 'replaced') {
    await ledger.advance(id, { to: 'voided', attempt: 0, reason: 'expired', fee: burnt })
    await ledger.hold(await hold(ledger, policy, id, payment))
    await ledger.advance(id, commit(payment, 'challenge-2'))
    await ledger.advance(id, {
      to: 'settled',
      proof: 'chain',
      spent: milli(price),
      fee: burnt,
      delivered: true,
    })
  } else {
    const spent = outcome === 'cheaper' ? amount(BigInt(price) * 777n, CURRENCIES.pathUSD) : milli(price)
    await ledger.advance(id, {
      to: 'settled',
      proof: 'chain',
      spent,
      fee: burnt,
      delivered: outcome !== 'undelivered',
    })
  }
}

describe('purser export', () => {
  it('adds up to the budgets, to the last unit, by agent, vendor and window, and so does the statement', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(random, { minLength: 1, maxLength: 12 }), async (payments) => {
        const world = newWorld()
        await world.write(async (ledger, policy) => {
          for (const [at, payment] of payments.entries()) await make(ledger, policy, `p${at}`, payment)
        })
        const today = await world.json(['export', '--from', 'today'])
        for (const budget of (await world.json(['budgets'])).map(Object)) {
          if (budget.counts === 'lock') continue
          const { agent, vendor } = budget.scope
          const rows = today
            .map(Object)
            .filter((row) => (agent ?? row.agent) === row.agent && (vendor ?? row.vendor) === row.vendor)
          if (budget.counts === 'payments') {
            const counted = rows.reduce((total, row) => total + Number(row.payments), 0)
            expect(counted).toBe(budget.spent + budget.held)
            continue
          }
          expect([budget.rule, sum(rows.map((row) => unitsIn(row.counted)))]).toEqual([
            budget.rule,
            unitsIn(budget.spent) + unitsIn(budget.held),
          ])
        }
        const month = await world.json(['statement', new Date().toISOString().slice(0, 7)])
        const all = await world.json(['export', '--from', new Date().toISOString().slice(0, 7)])
        expect(sum(month.map((row) => unitsIn(Object(row).total)))).toBe(
          sum(all.map((row) => unitsIn(Object(row).counted))),
        )
        for (const row of month.map(Object))
          expect(unitsIn(row.price) + unitsIn(row.fees) + unitsIn(row.open.amount)).toBe(unitsIn(row.total))
      }),
      { numRuns: 12 },
    )
  }, 120_000)

  it('counts a payment in the window of its authorization, and in no other', async () => {
    const world = newWorld()
    await world.write(async (ledger, policy) =>
      make(ledger, policy, 'p', { price: 5, fee: 0, outcome: 'settled' }),
    )
    const [row] = await world.json(['export'])
    const at = String(Object(row).countedAt)
    const after = new Date(Date.parse(at) + 1).toISOString()
    expect(await world.json(['export', '--from', at, '--to', after])).toHaveLength(1)
    expect(await world.json(['export', '--from', after])).toHaveLength(0)
    expect(await world.json(['export', '--to', at])).toHaveLength(0)
  })

  it('counts a payment that was authorized again at that time', async () => {
    const world = newWorld()
    await world.write(async (ledger, policy) => {
      await ledger.hold(await hold(ledger, policy, 'p'))
      await ledger.advance('p', commit())
      await ledger.advance('p', { to: 'voided', attempt: 0, reason: 'expired' })
      await new Promise((next) => setTimeout(next, 30))
      await ledger.hold(await hold(ledger, policy, 'p'))
      await ledger.advance('p', commit({}, 'challenge-2'))
    })
    const [row] = await world.json(['export'])
    const { created, countedAt } = Object(row)
    expect(Date.parse(countedAt)).toBeGreaterThanOrEqual(Date.parse(created) + 20)
    expect(await world.json(['export', '--to', created])).toHaveLength(0)
    expect(await world.json(['export', '--from', countedAt])).toHaveLength(1)
  })

  it('writes JSON that fits the schema, with rates and receipts', async () => {
    const world = newWorld()
    await fillWithEverything(world)
    const [schema] = await world.json(['schema', 'export'])
    const validate = new Ajv2020({ strict: false, formats: { 'date-time': true } }).compile(Object(schema))
    const rows = await world.json(['export'])
    for (const row of rows) {
      validate(row)
      expect(validate.errors ?? []).toEqual([])
    }
    expect(rows.map((row) => Object(row).state)).not.toContain('refused')
    expect(rows[0]).toMatchObject({
      id: 'settled-aaaaaa',
      paid: { value: '0.009', currency: 'pathUSD' },
      fee: { value: '0.0003' },
      counted: { value: '0.0093', currency: 'USD' },
      rate: '1',
      final: true,
      receipts: [{ reference: '0xref' }],
    })
  })

  it('writes CSV in which no text is a formula or an escape code, and every row has all columns', async () => {
    const world = newWorld()
    await fillWithEverything(world)
    await world.write(async (ledger, policy) =>
      make(ledger, policy, 'formula', {
        price: 1,
        fee: 0,
        outcome: 'settled',
        operation: '=HYPERLINK("https://evil.example","x")',
        tasks: ['@SUM(A1)'],
      }),
    )
    const { out, code } = await world.run(['export', '--format', 'csv'])
    expect(code).toBe(0)
    expect(out).not.toMatch(ACTS_ON_A_TERMINAL)
    const [head = '', ...lines] = out.trim().split('\n')
    expect(head.split(',').slice(0, 3)).toEqual(['row', 'id', 'counted_at'])
    const cells = (line: string) =>
      [...line.matchAll(/("(?:[^"]|"")*"|[^,]*)(?:,|$)/g)]
        .slice(0, head.split(',').length)
        .map((match) => match[1] ?? '')
    for (const line of lines) {
      expect(cells(line)).toHaveLength(head.split(',').length)
      for (const cell of cells(line)) expect(cell.replace(/^"/, '')).not.toMatch(/^[=+\-@]/)
    }
    expect(lines).toHaveLength(9)
    expect(out).toContain(`"'=HYPERLINK(`)
    expect(out).toContain("'@SUM(A1)")
    expect(HOSTILE).toContain('\u001b')
  })

  it.each([
    ['export', '--from', 'tomorrow'],
    ['export', '--from', '2026-02', '--to', '2026-01'],
    ['export', '--format', 'pdf'],
    ['statement', '2026-13'],
    ['statement', 'november'],
    ['statement'],
  ])('refuses %s %s %s with code 2 before it opens the ledger', async (...args) => {
    const { code, out, err } = await newWorld().run(args)
    expect([code, out]).toEqual([2, ''])
    expect(err).not.toBe('')
  })
})

describe('purser statement', () => {
  it('sums up vendors and agents, and all of them', async () => {
    const world = newWorld()
    await fillWithEverything(world)
    const month = new Date().toISOString().slice(0, 7)
    const { out } = await world.run(['statement', month], { columns: 100, env: { NO_COLOR: '1' } })
    const line = (label: string) => out.split('\n').find((one) => one.startsWith(label)) ?? ''
    expect(line('api.maps.example')).toMatch(/researcher +1 +0\.03 +0\.00 +1 +0\.05 +0\.08 +USD/)
    expect(line('all')).toMatch(/ 4 +0\.059 +0\.0013 +1 +0\.055 +0\.1153 +USD/)
    expect((await world.run(['statement', '2020-01'], { columns: 80 })).out).toBe('No payments in 2020-01.\n')
  })
})

import { Ajv2020 } from 'ajv/dist/2020.js'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { unitText } from '../../src/cli/payment-text.js'
import { amount, fiat } from '../../src/money/index.js'
import { ACTS_ON_A_TERMINAL, CliWorld, fillWithEverything, HOSTILE, MAPS, milli } from './world.js'

const world = new CliWorld()
beforeAll(() => fillWithEverything(world))
afterAll(() => world.remove())

/** The commands that look, by the name of their schema. */
const COMMANDS: readonly (readonly [schema: string, args: readonly string[], least: number])[] = [
  ['budgets', ['budgets'], 6],
  ['payments', ['payments'], 9],
  ['payment', ['payment', 'aaaaaa'], 1],
  ['payment', ['payment', 'doubt-dddddd'], 1],
  ['payment', ['payment', 'refused-i'], 1],
  ['receipt', ['receipt', 'aaaaaa'], 1],
  ['vendors', ['vendors'], 2],
  ['sessions', ['sessions'], 1],
  ['statement', ['statement', new Date().toISOString().slice(0, 7)], 3],
]

describe('the commands that look', () => {
  it.each(COMMANDS)('%s: the JSON of %j fits its published schema', async (name, args, least) => {
    const [schema] = await world.json(['schema', name])
    const validate = new Ajv2020({ strict: false, formats: { 'date-time': true } }).compile(Object(schema))
    const rows = await world.json(args)
    expect(rows.length).toBeGreaterThanOrEqual(least)
    for (const row of rows) {
      validate(row)
      expect(validate.errors ?? []).toEqual([])
    }
  })

  it.each(COMMANDS)('%s: the text of %j fits 80 columns and leads a terminal to nothing', async (_, args) => {
    const { code, out } = await world.run(args, { columns: 80, env: { NO_COLOR: '1' } })
    expect(code).toBe(0)
    for (const line of out.split('\n')) expect(line.length).toBeLessThanOrEqual(80)
    expect(out).not.toMatch(ACTS_ON_A_TERMINAL)
  })

  it.each(COMMANDS)('%s: the JSON of %j leads a terminal to nothing', async (_, args) => {
    const { out } = await world.run([...args, '--json'], { columns: 80 })
    expect(out).not.toMatch(ACTS_ON_A_TERMINAL)
  })

  it.each(COMMANDS)('%s: the text of %j has colors on a terminal only', async (_, args) => {
    const plain = async (more: readonly string[], at: Parameters<CliWorld['run']>[1]) =>
      (await world.run([...args, '--text', ...more], at)).out
    expect(await plain([], {})).not.toContain('\u001b')
    expect(await plain([], { columns: 80, env: { NO_COLOR: '1' } })).not.toContain('\u001b')
    expect(await plain(['--no-color'], { columns: 80 })).not.toContain('\u001b')
    expect(await plain([], { columns: 80, env: { TERM: 'dumb' } })).not.toContain('\u001b')
  })

  it('prints JSON if stdout is no terminal, and text on one', async () => {
    expect((await world.run(['budgets'])).out).toMatch(/^\{"rule"/)
    expect((await world.run(['budgets'], { columns: 80 })).out).toContain('all agents')
  })
})

describe('purser payments', () => {
  it('names each state in words', async () => {
    const { out } = await world.run(['payments'], { columns: 200, env: { NO_COLOR: '1' } })
    const states = Object.fromEntries(
      out
        .trim()
        .split('\n')
        .slice(1)
        .map((line) => [line.slice(0, 6), line.split(/ {2,}/).at(-1)]),
    )
    expect(states).toEqual({
      aaaaaa: 'settled',
      bbbbbb: 'settled',
      cccccc: 'paid, not delivered',
      dddddd: expect.stringMatching(/^in doubt, check (in 1?\d s|now)$/),
      eeeeee: 'in progress',
      ffffff: 'waits for a person',
      gggggg: 'not paid',
      hhhhhh: 'settled, deposit 1.00',
      iiiiii: 'refused: agents.researcher.budget.day +2 (2 times)',
    })
  })

  it('shows the paid price and the fee to the last digit, and a fee that is not known yet as unknown', async () => {
    const { out } = await world.run(['payments', '--until', 'now'], { columns: 80, env: { NO_COLOR: '1' } })
    const line = (id: string) => out.split('\n').find((one) => one.startsWith(id)) ?? ''
    expect(line('aaaaaa')).toMatch(/ 0\.009 +0\.0003 /)
    expect(line('bbbbbb')).toMatch(/ 0\.02 +\? /)
    expect(line('iiiiii')).toMatch(/ 2\.60 +- /)
  })

  it('names the currency of an amount that is not worth the unit one to one', () => {
    const euro = amount(150n, fiat('EUR', 2))
    expect(unitText(euro, 'iso4217:USD')).toBe('1.5 EUR')
    expect(unitText(euro, 'iso4217:EUR')).toBe('1.50')
    expect(unitText(milli(1500), 'iso4217:USD')).toBe('1.50')
  })

  it.each([
    [['--state', 'doubt'], ['doubt-dddddd']],
    [['--state', 'waiting'], ['waiting-ffffff']],
    [['--state', 'undelivered'], ['undelivered-cccccc']],
    [
      ['--state', 'waiting', '--state', 'progress'],
      ['progress-eeeeee', 'waiting-ffffff'],
    ],
    [
      ['--agent', 'buyer', '--since', 'today'],
      ['unread-bbbbbb', 'waiting-ffffff'],
    ],
    [
      ['--vendor', 'api.maps.example', '--limit', '2'],
      ['doubt-dddddd', 'waiting-ffffff'],
    ],
    [['--task', 'trip'], ['unread-bbbbbb']],
    [['--until', '2020-01'], []],
  ])('selects by %j', async (options, ids) => {
    const rows = await world.json(['payments', ...options])
    expect(rows.map((row) => Object(row).id).sort()).toEqual([...ids].sort())
  })

  it.each([
    ['--since', 'soon'],
    ['--since', '2026-02-30'],
    ['--since', '2026-11-30T12:00'],
    ['--limit', '0'],
    ['--state', 'lost'],
  ])('refuses %s %s with code 2', async (...option) => {
    const { code, out, err } = await world.run(['payments', ...option])
    expect([code, out]).toEqual([2, ''])
    expect(err).toContain(option[1])
  })

  it('keeps the hostile text of a server in JSON as it came', async () => {
    const [row] = await world.json(['payments', '--state', 'doubt'])
    expect(Object(row).operation).toBe(HOSTILE)
  })
})

describe('purser payment', () => {
  it('finds a payment by a part of its id that is unique, and names the payments otherwise', async () => {
    expect((await world.run(['payment', 'settled-a'])).code).toBe(0)
    const { code, err } = await world.run(['payment', 'nothing-like-it'])
    expect(code).toBe(2)
    expect(err).toContain('no payment')
    expect((await world.run(['payment', 'aa'])).code).toBe(2)
  })

  it('tells the state of the money', async () => {
    const told = async (id: string) => (await world.run(['payment', id], { columns: 200 })).out
    expect(await told('aaaaaa')).toContain(
      '0.009 pathUSD and a fee of 0.0003 pathUSD was paid, proven by the chain',
    )
    expect(await told('cccccc')).toContain('did not arrive')
    expect(await told('dddddd')).toContain('may have been paid; it counts as spent')
    expect(await told('iiiiii')).toContain('Nothing was paid.')
  })
})

describe('purser receipt', () => {
  it('prints the claims as they came, and whether the receipt is for our challenge', async () => {
    const [row] = await world.json(['receipt', 'aaaaaa'])
    expect(row).toMatchObject({
      receipt: { claims: { method: 'tempo', note: HOSTILE } },
      expected: { price: { value: '0.01', currency: 'pathUSD' }, challenges: ['challenge-1'] },
      matches: { challenge: true },
      proof: 'chain',
    })
    expect((await world.run(['receipt', 'dddddd'], { columns: 80 })).out).toContain('sent no receipt')
  })
})

describe('purser vendors', () => {
  it('sums up each vendor', async () => {
    const rows = await world.json(['vendors'])
    expect(rows.find((row) => Object(row).vendor === MAPS)).toMatchObject({
      payments: 1,
      delivered: 0,
      open: 2,
      refused: 0,
      counted: { value: '0.08', currency: 'USD' },
      price: { value: '0.03', currency: 'pathUSD' },
    })
    const { out } = await world.run(['vendors'], { columns: 100, env: { NO_COLOR: '1' } })
    expect(out).toMatch(/api\.maps\.example +1 +0 % +0 +0\.08/)
    expect(out).toMatch(/api\.search\.example +3 +100 % +2 /)
  })
})

describe('purser sessions', () => {
  it('shows the deposit and the part that is not signed away', async () => {
    const [row] = await world.json(['sessions'])
    expect(row).toMatchObject({
      deposit: { value: '1' },
      signed: { value: '0' },
      left: { value: '1' },
      state: 'open',
    })
  })
})

describe('purser budgets', () => {
  it('shows what the budgets of all agents have spent, held and left', async () => {
    const { out } = await world.run(['budgets'], { columns: 80, env: { NO_COLOR: '1' } })
    const line = (label: string) => out.split('\n').find((one) => one.trim().startsWith(label)) ?? ''
    expect(line('all agents, a day')).toMatch(/ 0\.0603 +0\.055 +4\.8847 +5\.00 +in /)
    expect(line('researcher, a day')).toMatch(/ 0\.0393 +0\.055 +1\.9057 +2\.00 +in /)
    expect(line('each vendor, a day')).toMatch(/ 0\.03 +0\.05 +0\.92 +1\.00 +in .* api\.maps/)
    expect(line('deposits in sessions')).toMatch(/ 1\.00 +- +4\.00 +5\.00 +1 open/)
    expect(line('payments a day')).toMatch(/ 4 +2 +54 +60 +in /)
  })

  it('says that the ledger is frozen', async () => {
    await world.write(async (ledger) => ledger.freeze('looking into it'))
    expect((await world.run(['budgets'], { columns: 80 })).out).toContain(
      'Frozen, nothing is paid: looking into it',
    )
    await world.write(async (ledger) => ledger.unfreeze())
  })
})

describe('without payments', () => {
  it('shows an empty ledger', async () => {
    const empty = new CliWorld()
    await empty.write(async () => {})
    expect((await empty.run(['payments'], { columns: 80 })).out).toBe('No payments.\n')
    expect(await empty.json(['payments'])).toEqual([])
    expect((await empty.run(['budgets'], { columns: 80 })).out).toMatch(
      /all agents, a day \(UTC\) +0\.00 +0\.00 +5\.00/,
    )
    empty.remove()
  })

  it('names the file of a ledger that does not exist, and ends with code 1', async () => {
    const missing = new CliWorld()
    const { code, out, err } = await missing.run(['payments'])
    expect([code, out]).toEqual([1, ''])
    expect(err).toContain(missing.ledgerPath)
    missing.remove()
  })
})

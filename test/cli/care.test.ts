import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loadDriver } from '../../src/ledger/sqlite/driver.js'
import { CliWorld, fillWithEverything, MAPS, SEARCH } from './world.js'

const world = new CliWorld()
beforeAll(() => fillWithEverything(world))
afterAll(() => world.remove())

const plain = { columns: 80, env: { NO_COLOR: '1' } }

async function checked(
  at: CliWorld,
  schema: string,
  args: readonly string[],
): Promise<Record<string, unknown>> {
  const [shape] = await at.json(['schema', ...schema.split(' ')])
  const validate = new Ajv2020({ strict: false, formats: { 'date-time': true } }).compile(Object(shape))
  const { out } = await at.run([...args, '--json'])
  const value: unknown = JSON.parse(out)
  validate(value)
  expect(validate.errors ?? []).toEqual([])
  return Object(value)
}

describe('purser policy check', () => {
  it('names the line and the column of each fault, as compilers do, and ends with code 2', async () => {
    const file = join(world.folder, 'wrong.yaml')
    writeFileSync(file, 'perPayment: 1e3\nbudgets:\n  - limit: 5 EUR\n    per: day\n')
    expect(await checked(world, 'policy check', ['policy', 'check', file])).toMatchObject({
      valid: false,
      errors: [
        { path: 'perPayment', line: 1, column: 1 },
        { path: 'budgets[0].limit', line: 3, column: 5 },
      ],
    })
    const { code, out } = await world.run(['policy', 'check', file], plain)
    expect(code).toBe(2)
    expect(out).toMatch(/^~\/wrong\.yaml:1:1: perPayment: /)
    expect(out).toMatch(/\n~\/wrong\.yaml:3:5: budgets\[0\]\.limit: /)
  })

  it('names the place where YAML breaks', async () => {
    const file = join(world.folder, 'broken.yaml')
    writeFileSync(file, 'perPayment: 1\nname: [x\n')
    const { out, code } = await world.run(['policy', 'check', file], plain)
    expect(code).toBe(2)
    expect(out).toMatch(/^~\/broken\.yaml:3:1: /)
  })

  it('accepts the policy of the settings, and a missing file ends with code 2', async () => {
    expect(await checked(world, 'policy check', ['policy', 'check'])).toMatchObject({
      valid: true,
      agents: ['researcher', 'buyer'],
    })
    expect((await world.run(['policy', 'check'], plain)).out).toBe(
      'ok   ~/policy.yaml, agents: researcher, buyer\n',
    )
    expect((await world.run(['policy', 'check', '/nowhere.yaml'])).code).toBe(2)
  })
})

describe('purser policy explain', () => {
  it('tells which rules refused a payment, and their lines', async () => {
    const fact = await checked(world, 'policy explain', ['policy', 'explain', 'refused-iiiiii'])
    expect(fact).toMatchObject({ effect: 'deny', changed: false, vendor: SEARCH })
    expect(fact['rules']).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ rule: 'perPayment', says: 'refuses', line: 3 }),
        expect.objectContaining({ rule: 'agents.researcher.budget.day', says: 'refuses', line: 15 }),
        expect.objectContaining({
          rule: 'budget.day',
          says: 'limits',
          line: 6,
          left: { value: '4.8847', currency: 'USD' },
        }),
      ]),
    )
  })

  it('tells the limits of a URL', async () => {
    const fact = await checked(world, 'policy explain', [
      'policy',
      'explain',
      `${MAPS}/v2/route?secret=1`,
      '--agent',
      'buyer',
    ])
    expect(fact).toMatchObject({ agent: 'buyer', operation: 'GET /v2/route' })
    expect(fact['rules']).toEqual(
      expect.arrayContaining([
        expect.objectContaining({
          rule: 'perPayment',
          says: 'limits',
          message: 'One payment may cost at most 2 USD.',
        }),
        expect.objectContaining({ rule: 'maxFee', says: 'limits', line: 4 }),
        expect.objectContaining({ rule: 'budget.day.vendor', left: { value: '0.92', currency: 'USD' } }),
      ]),
    )
  })

  it('tells why a URL could never be paid', async () => {
    const strict = new CliWorld()
    await strict.write(async () => {})
    writeFileSync(
      strict.policyPath,
      `perPayment: 1\nbudgets: [{ limit: 1, per: day }]\nvendors:\n  - origin: ${SEARCH}\n`,
    )
    const fact = await checked(strict, 'policy explain', ['policy', 'explain', 'https://other.example/x'])
    expect(fact).toMatchObject({ effect: 'deny', rules: [{ rule: 'vendors', says: 'refuses', line: 4 }] })
    const { out } = await strict.run(['policy', 'explain', 'https://other.example/x'], plain)
    for (const line of out.split('\n')) expect(line.length).toBeLessThanOrEqual(80)
    strict.remove()
  })

  it('says that the policy has changed since the payment', async () => {
    const changed = join(world.folder, 'changed.yaml')
    writeFileSync(changed, 'perPayment: 3\nunlisted: allow\nbudgets: [{ limit: 5, per: day }]\n')
    const { out } = await world.run(['policy', 'explain', 'aaaaaa', '--policy', changed], plain)
    expect(out).toContain('The policy has changed since this decision.')
  })
})

describe('purser ledger verify', () => {
  it('compares every sum with its payments', async () => {
    expect(await checked(world, 'ledger verify', ['ledger', 'verify'])).toMatchObject({
      ok: true,
      payments: 9,
      states: { settled: 3, undelivered: 1, doubt: 1, progress: 1, waiting: 1, released: 1, refused: 1 },
      different: [],
      gaps: [],
    })
    expect((await world.run(['ledger', 'verify'], plain)).out).toMatch(
      /^ok .*ledger\.db\n9 payments and refusals: /,
    )
  })

  it('finds a sum that was changed, and ends with code 1', async () => {
    const wrong = new CliWorld()
    await fillWithEverything(wrong)
    const { DatabaseSync } = await loadDriver()
    const db = new DatabaseSync(wrong.ledgerPath, { timeout: 0 })
    db.exec('UPDATE buckets SET counted = counted - 1000000 WHERE counted > 1000000')
    db.close()
    const fact = await checked(wrong, 'ledger verify', ['ledger', 'verify'])
    expect(fact).toMatchObject({ ok: false })
    expect(fact['different']).toContainEqual(
      expect.objectContaining({ counts: 'spend', window: 'day@UTC', kept: '114300000', summed: '115300000' }),
    )
    const { code, out } = await wrong.run(['ledger', 'verify'], plain)
    expect(code).toBe(1)
    expect(out).toMatch(/^WRONG/)
    wrong.remove()
  })
})

describe('purser ledger backup and restore', () => {
  it('writes a backup once, restores it only after --yes, and then shows the gap', async () => {
    const old = new CliWorld()
    await fillWithEverything(old)
    const file = join(old.folder, 'backup.db')
    expect(await checked(old, 'ledger backup', ['ledger', 'backup', file])).toMatchObject({ backup: file })
    const again = await old.run(['ledger', 'backup', file])
    expect([again.code, again.out]).toEqual([2, ''])
    const before = await old.run(['ledger', 'restore', file])
    expect([before.code, before.out]).toEqual([2, ''])
    expect(before.err).toContain('--yes')
    expect((await old.run(['ledger', 'restore', join(old.folder, 'none.db'), '--yes'])).code).toBe(2)

    await checked(old, 'ledger restore', ['ledger', 'restore', file, '--yes'])
    expect(readdirSync(old.folder).some((name) => name.includes('.replaced-'))).toBe(true)
    const fact = await checked(old, 'ledger verify', ['ledger', 'verify'])
    expect(fact).toMatchObject({ ok: false, gaps: [{ cause: 'backup', confirmed: false }], different: [] })
    expect((await old.run(['budgets'], plain)).out).toContain('Payments may be missing')
    old.remove()
  })

  it('exports a gap that a person has stated, so that sums still equal the budgets', async () => {
    const gapped = new CliWorld()
    await gapped.write(async () => {})
    const file = join(gapped.folder, 'backup.db')
    await gapped.run(['ledger', 'backup', file])
    await gapped.run(['ledger', 'restore', file, '--yes'])
    await gapped.write(async (ledger, { unit }) => {
      await ledger.confirmGaps({ by: 'ann', spent: 1_250_000_000n, payments: 3, deposits: 0n, unit })
    })
    const [row] = await gapped.json(['export', '--from', 'today'])
    expect(row).toMatchObject({
      row: 'gap',
      by: 'ann',
      counted: { value: '1.25', currency: 'USD' },
      payments: 3,
    })
    const day = (await gapped.json(['budgets'])).map(Object).find((budget) => budget.rule === 'budget.day')
    expect(day.spent).toEqual({ value: '1.25', currency: 'USD' })
    gapped.remove()
  })
})

describe('purser confirm-clock', () => {
  it('needs no key, and makes no ledger', async () => {
    expect(await checked(world, 'confirm-clock', ['confirm-clock'])).toEqual({ confirmed: true, to: 'store' })
    const missing = new CliWorld()
    expect((await missing.run(['confirm-clock'])).code).toBe(1)
    expect(readdirSync(missing.folder)).toEqual(['policy.yaml'])
    missing.remove()
  })
})

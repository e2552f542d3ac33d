import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import type { Ledger } from '../../src/ledger/index.js'
import { memoryLedger } from '../../src/ledger/memory.js'
import { sqliteLedger } from '../../src/ledger/sqlite/index.js'
import { createPolicy } from '../../src/policy/index.js'
import { CENT, committed, dayClaim, everClaim, holdOf, START, settled, TestClock } from './fixtures.js'

/** Names that every object of JavaScript inherits, or that set its prototype. */
const NAMES = ['__proto__', 'constructor', 'toString', 'valueOf', 'hasOwnProperty']

const folder = mkdtempSync(join(tmpdir(), 'purser-names-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** A ledger, and what reads the same payments with nothing left in memory. */
interface Stored {
  readonly ledger: Ledger
  again(): Promise<Ledger>
}

const STORES: Readonly<Record<string, (clock: TestClock, name: string) => Stored>> = {
  memory: (clock) => {
    const ledger = memoryLedger({ clock })
    return { ledger, again: async () => ledger }
  },
  sqlite: (clock, name) => {
    const options = { path: join(folder, `${name}.db`), synchronous: 'normal', clock } as const
    const ledger = sqliteLedger(options)
    return {
      ledger,
      again: async () => {
        await ledger.close()
        return sqliteLedger(options)
      },
    }
  },
}

describe.each(Object.entries(STORES))('in the %s ledger', (_, make) => {
  it.each(NAMES)('a payee, agent, task, vendor, operation and key may be called %s', async (name) => {
    const clock = new TestClock()
    const { ledger, again } = make(clock, name)
    await ledger.renew('me', 60_000)
    const buy = {
      agent: name,
      tasks: [name],
      vendor: `https://${name}.example`,
      pattern: `GET /${name}`,
      payee: name,
      key: name,
      fingerprint: name,
      claims: [dayClaim(START, 10n * CENT, 100n * CENT), everClaim(10n * CENT, 100n * CENT, { payee: name })],
    }
    const grant = {
      ...{ id: name, agent: name, vendor: buy.vendor, rail: 'tempo/charge@eip155:4217', by: name },
      ...{ until: START + 60_000, unit: 'iso4217:USD', upTo: CENT, total: CENT, payees: [name] },
    }
    await ledger.grant(grant)
    expect(await ledger.hold(await holdOf(ledger, name, buy))).toMatchObject({ ok: true })
    const detail = Object.fromEntries([[name, { [name]: '#1' }]])
    const move = committed(buy, { pin: true })
    if (move.to !== 'committed') throw new Error('no commit')
    await ledger.advance(name, {
      ...move,
      attempt: { ...move.attempt, evidence: { ...move.attempt.evidence, detail } },
    })
    await ledger.advance(name, settled)
    const before = await ledger.get(name)
    const facts = await ledger.facts({
      vendor: buy.vendor,
      operation: buy.pattern,
      agent: name,
      unit: 'iso4217:USD',
    })

    const reopened = await again()
    const after = await reopened.get(name)
    expect(after).toEqual(before)
    // `toEqual` does not look at a property called `__proto__`.
    expect(Object.entries(Object(after?.attempts[0]?.evidence.detail))).toEqual([[name, { [name]: '#1' }]])
    const read = await reopened.facts({
      vendor: buy.vendor,
      operation: buy.pattern,
      agent: name,
      unit: 'iso4217:USD',
    })
    expect(read).toEqual(facts)
    expect(read.pins['tempo/charge@eip155:4217']).toEqual([name])
    expect(await reopened.grants()).toEqual([grant])

    // A budget per payee or task that is added later is filled from what was read back.
    const rooms = await reopened.room([
      everClaim(0n, 100n * CENT, { payee: name }),
      dayClaim(START, 0n, 100n * CENT, { payee: name }),
      dayClaim(START, 0n, 100n * CENT, { task: name }),
      dayClaim(START, 0n, 100n * CENT, { agent: name }),
    ])
    expect(rooms.map(({ spent }) => spent / CENT)).toEqual([10n, 10n, 10n, 10n])

    // The next payment of another payee counts nothing for a payee that objects only inherit.
    expect(await reopened.hold(await holdOf(reopened, 'next', { ...buy, key: 'k', payee: '0xcc' }))).toEqual(
      expect.objectContaining({ ok: true }),
    )
    const [room] = await reopened.room([everClaim(0n, 100n * CENT, { payee: name })])
    expect(room).toMatchObject({ spent: 10n * CENT, held: 0n })
    await reopened.close()
  })
})

it.each(NAMES)('a policy may name an agent %s, and holds only that agent to its rules', (name) => {
  const agents = JSON.parse(`{"${name}":{"perPayment":"0.01"}}`)
  const policy = createPolicy({
    perPayment: '1',
    budgets: [{ limit: '5', per: 'day' }],
    vendors: [{ origin: 'https://api.example' }],
    agents,
  })
  const lines = (agent: string) => policy.budgets({ agent, tasks: [] }, START).map(({ rule }) => rule)
  expect(lines(name)).toEqual(['budget.day'])
  const resource = {
    transport: 'http',
    vendor: 'https://api.example',
    operation: 'GET /',
    method: 'GET',
    path: '/',
    address: 'https://api.example/',
  } as const
  expect(policy.payable(resource, { agent: name, tasks: [] })).toBe(true)
})

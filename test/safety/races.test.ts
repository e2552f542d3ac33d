import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { memoryLedger } from '../../src/entry/ledger-memory.js'
import { sqliteLedger } from '../../src/entry/ledger-sqlite.js'
import type { Ledger, Payment } from '../../src/index.js'
import { type Got, type Payer, payerFor } from './kit.js'
import { type HostileServer, hostileServer } from './server.js'

const folder = await mkdtemp(join(tmpdir(), 'purser-safety-'))
afterAll(() => rm(folder, { recursive: true }))

/** Room for exactly that many payments of a cent and their fee bounds. */
const roomFor = (payments: number) => ({
  policy: { budgets: [{ limit: `${(payments * 306) / 10_000} USD`, per: 'day' as const }] },
})

const stores: Readonly<Record<string, () => () => Ledger>> = {
  // One ledger for both pursers, and one file under two of them.
  memory: () => {
    const ledger = memoryLedger()
    return () => ledger
  },
  sqlite: () => {
    const path = join(folder, `${crypto.randomUUID()}.db`)
    return () => sqliteLedger({ path, synchronous: 'normal' })
  },
}

async function closeAll(server: HostileServer, ...payers: readonly Payer[]): Promise<void> {
  // A ledger that is shared as an object is closed with the first purser.
  for (const payer of new Map(payers.map((each) => [each.ledger, each])).values()) await payer.purser.close()
  await server.close()
}

const paidIn = (got: readonly Got[]): number => got.filter(({ status }) => status === 200).length

describe.each(Object.entries(stores))('two pursers on one ledger (%s)', (_, open) => {
  it.each([
    ['the same call', () => '/same'],
    ['different calls', (call: number) => `/${call}`],
  ])('make exactly as many payments as there is room for, by %s', async (__, path) => {
    const server = await hostileServer('honest')
    const ledger = open()
    const patience = { purser: { patience: 20_000 } }
    const payers = [0, 1].map(() => payerFor(server.origin, { ...roomFor(7), ...patience, ledger: ledger() }))
    const calls = Array.from({ length: 24 }, (___, call) => payers[call % 2]?.call(path(call)))
    const got = (await Promise.all(calls)).filter((one) => one !== undefined)
    expect(paidIn(got)).toBe(7)
    expect(got.filter(({ code }) => code === 'refused')).toHaveLength(17)
    expect(new Set(server.paid.map(({ credential }) => credential?.raw)).size).toBe(7)
    expect(await payers[0]?.counted()).toBe(7 * 3.06)
    await closeAll(server, ...payers)
  })

  it('pay once for one key, however many ask at once', async () => {
    const server = await hostileServer('honest')
    const ledger = open()
    const payers = [0, 1].map(() =>
      payerFor(server.origin, { purser: { patience: 20_000 }, ledger: ledger() }),
    )
    const init = { headers: { 'idempotency-key': 'order-1' } }
    const calls = Array.from({ length: 10 }, (__, call) => payers[call % 2]?.call('/a', init))
    const got = (await Promise.all(calls)).filter((one) => one !== undefined)
    expect(paidIn(got)).toBe(1)
    expect(got.filter(({ code }) => code === 'already_paid')).toHaveLength(9)
    expect(new Set(server.paid.map(({ credential }) => credential?.raw)).size).toBe(1)
    await closeAll(server, ...payers)
  })

  it('are stopped by a freeze of either, in the middle of everything', async () => {
    let frozen: Promise<void> | undefined
    let late = 0
    const server = await hostileServer(async (visit) => {
      if (visit.seen.credential === undefined) return visit.ask({})
      if (visit.paid === 5) frozen = payers[0]?.purser.freeze('stop')
      await frozen
      if (visit.paid > 5) late++
      visit.serve()
    })
    const ledger = open()
    const payers = [0, 1].map(() =>
      payerFor(server.origin, { purser: { patience: 20_000 }, ledger: ledger() }),
    )
    const calls = Array.from({ length: 40 }, (__, call) => payers[call % 2]?.call(`/${call}`))
    const got = (await Promise.all(calls)).filter((one) => one !== undefined)
    const payments = (await payers[1]?.payments()) ?? []
    // What was committed before the freeze may still arrive; nothing is committed after it.
    expect(got.some(({ code }) => code === 'frozen')).toBe(true)
    expect(paidIn(got)).toBe(payments.filter(({ state }) => state === 'settled').length)
    expect(payments.filter(({ state }) => state === 'held')).toEqual([])
    const before = late
    expect((await payers[1]?.call('/after'))?.code).toBe('frozen')
    expect(late).toBe(before)
    await closeAll(server, ...payers)
  })
})

/** What the counters must say, worked out from the payments alone: committed and settled count, at their bounds. */
function expectedCents(payments: readonly Payment[]): number {
  const open = payments.filter(
    ({ state }) => state === 'committed' || state === 'settled' || state === 'held',
  )
  return open.length * 3.06
}

it('calls that are given up at any moment leave no live hold, and counters that equal the payments', async () => {
  const server = await hostileServer((visit) => {
    setTimeout(() => (visit.seen.credential ? visit.serve() : visit.ask({})), visit.paid % 3)
  })
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 0, max: 12 }), { minLength: 1, maxLength: 8 }),
      async (delays) => {
        const payer = payerFor(server.origin)
        const got = await Promise.all(
          delays.map((ms, index) => {
            const control = new AbortController()
            setTimeout(() => control.abort(), ms)
            return payer.call(`/${index}`, { signal: control.signal })
          }),
        )
        const payments = await payer.payments()
        expect(payments.filter(({ live }) => live)).toEqual([])
        expect(payments.filter(({ state }) => state === 'held')).toEqual([])
        expect(await payer.counted()).toBeCloseTo(expectedCents(payments), 6)
        // Whoever is told that nothing happened was told the truth.
        const committed = payments.filter(({ state }) => state === 'committed' || state === 'settled').length
        const said = got.filter(({ status, code }) => status === 200 || code === 'payment_in_doubt').length
        expect(said).toBe(committed)
        await payer.purser.close()
      },
    ),
    { numRuns: 40 },
  )
  await server.close()
})

describe('a budget', () => {
  it('over all vendors is not split by asking under many names', async () => {
    const servers = await Promise.all(Array.from({ length: 12 }, () => hostileServer('honest')))
    const [first] = servers
    const payer = payerFor(first?.origin ?? '', {
      policy: {
        budgets: [
          { limit: '0.1 USD', per: 'day' },
          { limit: '0.05 USD', per: 'day', each: 'vendor' },
        ],
        vendors: servers.map(({ origin }) => ({ origin })),
      },
    })
    const got: Got[] = []
    for (const { origin } of servers) got.push(await payer.call(`${origin}/a`))
    expect([paidIn(got), payer.signatures]).toEqual([3, 3])
    await payer.purser.close()
    await Promise.all(servers.map((server) => server.close()))
  })

  it('is not forgotten by a restart', async () => {
    const server = await hostileServer('honest')
    const path = join(folder, 'restart.db')
    let signatures = 0
    for (let start = 0; start < 6; start++) {
      const payer = payerFor(server.origin, { ...roomFor(2), ledger: sqliteLedger({ path }) })
      await payer.call(`/${start}`)
      signatures += payer.signatures
      await payer.purser.close()
    }
    expect(signatures).toBe(2)
    await server.close()
  })

  it('is not raised by whoever holds the document it came from, or the options of a call', async () => {
    const server = await hostileServer('honest')
    const budgets = [{ limit: '0.01 USD', per: 'day' as const }]
    const policy = { perPayment: '0.001 USD', budgets, vendors: [{ origin: server.origin }] }
    const payer = payerFor(server.origin, { policy })
    policy.perPayment = '100 USD'
    budgets[0] = { limit: '100 USD', per: 'day' }
    policy.vendors.push({ origin: server.elsewhere })
    const looser = ['999', '999 USD', '0.5'].map((maxAmount) => ({ payment: { maxAmount } }))
    for (const init of [undefined, ...looser]) expect((await payer.call('/a', init)).code).toBe('refused')
    expect((await payer.call(`${server.elsewhere}/a`)).status).toBe(402)
    const strange = { payment: { perPayment: '999', policy: null, limit: 'none' } }
    expect((await payer.call('/a', Object(strange))).thrown).toBeInstanceOf(TypeError)
    expect(payer.signatures).toBe(0)
    await closeAll(server, payer)
  })

  it('is tightened by the options of a call', async () => {
    const server = await hostileServer('honest')
    const payer = payerFor(server.origin)
    expect((await payer.call('/a', { payment: { maxAmount: '0.0099' } })).code).toBe('refused')
    expect((await payer.call('/a', { payment: { maxAmount: '-1' } })).thrown).toBeInstanceOf(TypeError)
    expect(payer.signatures).toBe(0)
    expect((await payer.call('/a', { payment: { maxAmount: '0.01' } })).status).toBe(200)
    await closeAll(server, payer)
  })

  it('of a task is not left by naming another', async () => {
    const server = await hostileServer('honest')
    const payer = payerFor(server.origin, { policy: { perTask: '0.04 USD' } })
    const bound = payer.purser.with({ task: 'one' })
    const statuses: number[] = []
    for (const task of ['a', 'b', 'c'])
      statuses.push((await bound.fetch(`${server.origin}/${task}`, { payment: { task } })).status)
    expect(statuses).toEqual([200, 402, 402])
    expect(payer.signatures).toBe(1)
    await closeAll(server, payer)
  })

  it.each(Object.entries(stores))(
    'cannot be reached by what listeners and callers are given (%s)',
    async (_, open) => {
      const server = await hostileServer('redirect-to-402-here')
      const payer = payerFor(server.origin, { ...roomFor(2), ledger: open()() })
      for (const event of ['offer', 'decision', 'payment', 'receipt', 'refusal'] as const)
        payer.purser.on(event, (data) => spoil(data))
      const got: Got[] = []
      for (const path of ['/a', '/b', '/c', '/d']) {
        got.push(await payer.call(path))
        for (const payment of await payer.payments()) spoil(payment)
      }
      expect(paidIn(got)).toBe(2)
      expect(await payer.counted()).toBe(6.12)
      for (const payment of await payer.payments()) {
        expect(payment.resource.vendor).toBe(server.origin)
        expect(JSON.stringify(payment.attempts.map(({ evidence }) => evidence))).not.toContain('evil')
      }
      await closeAll(server, payer)
    },
  )
})

/** Changes whatever can be changed, to its depths. */
function spoil(value: unknown, depth = 8): void {
  if (typeof value !== 'object' || value === null || depth === 0) return
  for (const [name, item] of Object.entries(value)) {
    spoil(item, depth - 1)
    const worse: unknown =
      typeof item === 'bigint' ? 0n : typeof item === 'string' ? 'https://evil.example' : item
    Reflect.set(value, name, worse)
  }
}

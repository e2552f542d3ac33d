import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir, uptime } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Clock } from '../../src/entry/ledger.js'
import { createPurser, type Payment, type Purser } from '../../src/index.js'
import { sqliteLedger } from '../../src/ledger/sqlite/index.js'
import { stripe } from '../../src/wallet/stripe/index.js'
import { METHODS } from '../stripe/tokens.js'
import { clientOf, type StripeWorld, startStripeWorld, stripePolicy } from '../stripe/world.js'
import { cuts, type Fate, kills } from './deaths.js'
import { bundlePayer, type Ended, startPayer } from './job.js'
import { losePower } from './power.js'

/** More boundaries than a payment has: the last ones run to their end, and prove that. */
const BOUNDARIES = 22
const AT_ONCE = 2
const UNITS_PER_CENT = 10_000_000n
/** Longer than anything here takes, later starts included. */
const VALIDITY_MS = 3_600_000

interface Crash extends Fate {
  readonly ledger: string
  readonly key: string
  readonly url: string
  /** A price of its own, by which Stripe's books tell what it bought. */
  readonly cents: number
  readonly ended: Ended
}

let folder: string
let payer: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'purser-stripe-'))
  payer = await bundlePayer('stripe-payer')
})

afterAll(async () => {
  await rm(folder, { recursive: true, force: true })
  await rm(payer, { force: true })
})

// The next process starts when the dead one's lease has run out; after a power cut later: its token has run out too.
describe.each([
  ['kill', kills(BOUNDARIES), 60_000],
  ['power cut', cuts(BOUNDARIES), 661_000],
] as const)('after a %s', (death, fates, later) => {
  let world: StripeWorld
  /** How far all clocks are ahead. */
  let ahead = 0
  const crashes: Crash[] = []
  const clock: Clock = {
    now: () => Date.now() + ahead,
    monotonic: () => performance.now() + ahead,
    booted: () => uptime() * 1000 + ahead,
  }

  beforeAll(async () => {
    world = await startStripeWorld({ now: clock.now, validityMs: VALIDITY_MS })
    const next = [...fates]
    const work = async (): Promise<void> => {
      for (let fate = next.shift(); fate !== undefined; fate = next.shift()) crashes.push(await crash(fate))
    }
    await Promise.all(Array.from({ length: AT_ONCE }, work))
    crashes.sort((a, b) => a.killAt - b.killAt)
    ahead = later
  }, 120_000)

  afterAll(() => world.stop())

  it('at every step, and a payer that got through', () => {
    const codes = crashes.map(({ ended }) => ended.code)
    const killed = codes.filter((code) => code === 'killed').length
    const where = crashes.map(({ ended }) => ended.at)
    for (const step of ['the step to committed', 'the step to evidence', 'the paid request'])
      expect(where).toContain(`before ${step}`)
    expect(where).toContain('after POST issued_tokens')
    expect(killed).toBeLessThan(fates.length)
    expect(codes.slice(killed)).toEqual(codes.slice(killed).map(() => 0))
  })

  it('the ledger counts at least what Stripe took at once, exactly that after recovery, and no token is left', async () => {
    for (const one of crashes) {
      const at = one.ended.at
      expect({ at, enough: (await booked(one)) >= taken(one) }).toEqual({ at, enough: true })
      await withSuccessor(one, (purser) => purser.recover({ reconcile: true }))
      expect({ at, booked: await booked(one) }).toEqual({ at, booked: taken(one) })
      expect((await payments(one)).filter(({ state }) => state === 'held' || state === 'committed')).toEqual(
        [],
      )
      const left = world.double.tokens.filter(
        ({ most, status, expiresAt }) =>
          most === one.cents && status === 'active' && (expiresAt ?? Infinity) * 1000 > clock.now(),
      )
      expect({ at, left }).toEqual({ at, left: [] })
    }
  }, 60_000)

  it('the same key is never paid twice', async () => {
    for (const one of crashes) {
      const [before, at] = [taken(one), one.ended.at]
      const status = await withSuccessor(one, async (purser) => {
        const response = await purser.fetch(one.url, { payment: { idempotencyKey: one.key } })
        await response.text()
        return response.status
      })
      const after = { at, status, taken: taken(one) }
      if (before > 0) expect(after).toEqual({ at, status: 402, taken: one.cents })
      else expect(after).toEqual({ at, status: 200, taken: one.cents })
    }
  }, 60_000)

  it('a successor that asks for the same while it recovers pays once, whoever is first', async () => {
    const killAt = crashes.find(({ ended }) => ended.at === 'before the paid request')?.killAt ?? 0
    const one = await crash({ death, killAt }, `onward ${death}`, 777)
    const status = await withSuccessor(one, async (purser) => {
      const response = await purser.fetch(one.url, { payment: { idempotencyKey: one.key } })
      return response.status
    })
    expect({ status, taken: taken(one), booked: await booked(one) }).toEqual({
      status: 200,
      taken: 777,
      booked: 777,
    })
    // The token that was there, or one that was made when recovery had revoked that.
    const tokens = world.double.tokens.filter(({ most }) => most === 777)
    expect(tokens.filter(({ status }) => status === 'active')).toEqual([])
    expect(tokens.filter(({ reason }) => reason === 'consumed')).toHaveLength(1)
  })

  async function crash(
    fate: Fate,
    name = `${death} ${fate.killAt}`,
    cents = 100 + fate.killAt,
  ): Promise<Crash> {
    const { killAt } = fate
    const ledger = join(folder, `${name}.db`)
    const url = world.shop.url(`/price/${(cents / 100).toFixed(2)}`)
    const job = { stripe: world.double.port, paymentMethod: METHODS.works, url, key: name, ledger, killAt }
    const ended = await startPayer(payer, job).ended
    if (death === 'power cut') losePower(ledger)
    return { ...fate, ledger, key: name, url, cents, ended }
  }

  function taken({ cents }: Crash): number {
    return world.double.intents.reduce((sum, { amount }) => (amount === cents ? sum + amount : sum), 0)
  }

  async function withSuccessor<T>({ ledger }: Crash, work: (purser: Purser) => Promise<T>): Promise<T> {
    const client = clientOf(world.double)
    const purser = createPurser({
      agent: 'crash',
      wallets: [stripe({ client, paymentMethod: METHODS.works, livemode: false, now: clock.now })],
      policy: stripePolicy([world.shop.origin]),
      ledger: sqliteLedger({ path: ledger, clock }),
      clock,
      doubtWindow: 0,
    })
    try {
      return await work(purser)
    } finally {
      await purser.close()
    }
  }

  async function payments(one: Crash): Promise<readonly Payment[]> {
    return withSuccessor(one, async (purser) => {
      const all: Payment[] = []
      for await (const payment of purser.payments({})) all.push(payment)
      return all
    })
  }

  async function booked(one: Crash): Promise<number> {
    return Number((await payments(one)).reduce((sum, { units }) => sum + units, 0n) / UNITS_PER_CENT)
  }
})

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createPurser, type Payment, type Purser } from '../../src/index.js'
import { sqliteLedger } from '../../src/ledger/sqlite/index.js'
import { stripe } from '../../src/wallet/stripe/index.js'
import { METHODS } from '../stripe/tokens.js'
import { clientOf, type StripeWorld, startStripeWorld, stripePolicy } from '../stripe/world.js'
import { bundlePayer, type Ended, startPayer } from './job.js'

/** More boundaries than a payment has: the last ones run to their end, and prove that. */
const BOUNDARIES = 22
/** The next process starts a minute later, when the dead one's lease has run out. */
const A_MINUTE_MS = 60_000
const UNITS_PER_CENT = 10_000_000n

interface Crash {
  readonly killAt: number
  readonly ledger: string
  readonly key: string
  readonly url: string
  /** A price of its own, by which Stripe's books tell what it bought. */
  readonly cents: number
  readonly ended: Ended
}

let world: StripeWorld
let folder: string
let payer: string
const crashes: Crash[] = []

beforeAll(async () => {
  world = await startStripeWorld()
  folder = await mkdtemp(join(tmpdir(), 'purser-stripe-'))
  payer = await bundlePayer('stripe-payer')
  for (let killAt = 1; killAt <= BOUNDARIES; killAt++) crashes.push(await crash(killAt))
}, 120_000)

afterAll(async () => {
  await world.stop()
  await rm(folder, { recursive: true, force: true })
  await rm(payer, { force: true })
})

it('a payer was killed at every step, and got through without a kill', () => {
  const codes = crashes.map(({ ended }) => ended.code)
  const killed = codes.filter((code) => code === 'killed').length
  const where = crashes.map(({ ended }) => ended.at)
  for (const step of [
    'the step to committed',
    'POST issued_tokens',
    'the step to learned',
    'the paid request',
  ])
    expect(where).toEqual(expect.arrayContaining([`before ${step}`, `after ${step}`]))
  expect(killed).toBeLessThan(BOUNDARIES)
  expect(codes.slice(killed)).toEqual(codes.slice(killed).map(() => 0))
})

it('its ledger counts at least what Stripe took at once, exactly that after recovery, and no token is left', async () => {
  for (const one of crashes) {
    const at = one.ended.at
    expect({ at, enough: (await booked(one)) >= taken(one) }).toEqual({ at, enough: true })
    await withSuccessor(one, (purser) => purser.recover({ reconcile: true }))
    expect({ at, booked: await booked(one) }).toEqual({ at, booked: taken(one) })
    expect((await payments(one)).filter(({ state }) => state === 'held' || state === 'committed')).toEqual([])
    const left = world.double.tokens.filter(({ most, status }) => most === one.cents && status === 'active')
    expect({ at, left }).toEqual({ at, left: [] })
  }
})

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
})

it('a successor that asks for the same while it recovers pays once, whoever is first', async () => {
  const name = 'onward'
  const steps = crashes.map(({ ended }) => ended.at)
  const killAt = steps.indexOf('after the step to learned') + 1
  const one = await crash(killAt, name, 777)
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

async function crash(killAt: number, name = `k${killAt}`, cents = 100 + killAt): Promise<Crash> {
  const ledger = join(folder, `${name}.db`)
  const url = world.shop.url(`/price/${(cents / 100).toFixed(2)}`)
  const job = { stripe: world.double.port, paymentMethod: METHODS.works, url, key: name, ledger, killAt }
  const ended = await startPayer(payer, job).ended
  return { killAt, ledger, key: name, url, cents, ended }
}

function taken({ cents }: Crash): number {
  return world.double.intents.reduce((sum, { amount }) => (amount === cents ? sum + amount : sum), 0)
}

async function withSuccessor<T>({ ledger }: Crash, work: (purser: Purser) => Promise<T>): Promise<T> {
  const clock = { now: () => Date.now() + A_MINUTE_MS, monotonic: () => performance.now() }
  const purser = createPurser({
    agent: 'crash',
    wallets: [stripe({ client: clientOf(world.double), paymentMethod: METHODS.works, livemode: false })],
    policy: stripePolicy([world.shop.origin]),
    ledger: sqliteLedger({ path: ledger, clock }),
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

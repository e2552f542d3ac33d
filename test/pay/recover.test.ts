import { expect, it } from 'vitest'
import type { Payment, Verdict } from '../../src/ledger/index.js'
import { amount, CURRENCIES } from '../../src/money/index.js'
import { runRecovery, runRecoveryWithUnseen } from '../../src/pay/index.js'
import { offer } from './peers.js'
import { type FakeWorld, fakeWorld } from './world.js'

const SECOND = 1_000
const fee = (cents: number) => amount(BigInt(cents) * 10_000n, CURRENCIES.pathUSD)

/** Makes so many calls that are answered without a receipt. */
async function doubts(world: FakeWorld, count: number): Promise<void> {
  world.server.paid = () => ({ reading: { kind: 'response', ok: true, status: 200 } })
  world.wallet.hooks.inspect = async () => ({ state: 'unknown', reason: 'not yet' })
  for (let n = 0; n < count; n++) await world.pay({ path: `/${n}` })
  world.clock.pass(20 * SECOND)
}

/** A world whose payments cost ten cents and a fee of at most ninety, which the rail has not shown so far. */
function costly(limit = '5'): FakeWorld & { readonly asked: string[]; shown: boolean } {
  const budgets = [{ limit, per: 'day' as const }]
  const world = fakeWorld({ policy: { perPayment: '1', maxFee: '0.90', budgets } })
  world.server.offers = () => [offer({ cents: 10, fee: 90 })]
  const watched = Object.assign(world, { asked: [] as string[], shown: false })
  world.wallet.hooks.inspect = async ({ refs }): Promise<Verdict> => {
    watched.asked.push(refs[0] ?? '')
    return { state: 'settled', reference: 'tx', ...(watched.shown ? { fee: fee(1) } : {}) }
  }
  return watched
}

async function only(world: FakeWorld): Promise<Payment> {
  const [payment, ...others] = await world.payments()
  if (payment === undefined || others.length > 0) throw new Error('not one payment')
  return payment
}

it('a wallet that does not answer holds up only its own payments, and its later answer counts', async () => {
  const world = fakeWorld({ wallets: [{}] })
  world.server.paid = () => {
    throw new TypeError('fetch failed')
  }
  world.wallet.hooks.inspect = async () => ({ state: 'unknown', reason: 'not yet' })
  await world.fails({ path: '/one' })
  await world.fails({ path: '/two' })
  Object.assign(world.env, { patienceMs: 20 })
  let answer = (): void => undefined
  let hung = false
  world.wallet.hooks.inspect = async () => {
    if (!hung) {
      hung = true
      await new Promise<void>((resolve) => {
        answer = resolve
      })
    }
    return { state: 'settled', reference: '0xfee' }
  }
  const errors = world.heard('error')
  expect(await runRecovery(world.env, 'all')).toMatchObject({ settled: 1, open: 1 })
  expect(errors.map(({ during }) => during)).toContain('recovery')
  answer()
  await new Promise(setImmediate)
  expect((await world.payments()).map(({ state }) => state)).toEqual(['settled', 'settled'])
})

it('a requested recovery reports doubts of a wallet that is not here, and names the wallet', async () => {
  const world = fakeWorld()
  await doubts(world, 3)
  const elsewhere = { ...world.env, wallets: [] }
  expect(await runRecoveryWithUnseen(elsewhere, 'all')).toEqual({
    ...{ settled: 0, released: 0, fees: 0, open: 3 },
    unseen: [{ wallet: world.wallet.id, payments: 3 }],
  })
  expect(await runRecoveryWithUnseen(world.env, 'all')).toMatchObject({ open: 3, unseen: [] })
  world.wallet.hooks.inspect = async () => ({ state: 'settled', reference: '0xfee' })
  await runRecovery(world.env, 'all')
  expect(await runRecoveryWithUnseen(elsewhere, 'all')).toMatchObject({ open: 0, unseen: [] })
})

it('inspects several payments at once, and at most eight', async () => {
  const world = fakeWorld()
  await doubts(world, 20)
  let inside = 0
  let most = 0
  world.wallet.hooks.inspect = async () => {
    most = Math.max(most, ++inside)
    await new Promise(setImmediate)
    inside--
    return { state: 'settled', reference: '0xfee' }
  }
  expect(await runRecovery(world.env, 'all')).toMatchObject({ settled: 20, open: 0 })
  expect(most).toBe(8)
})

it('waits for a rail that hangs once, not once for each payment, and inspects again later', async () => {
  const world = fakeWorld()
  await doubts(world, 30)
  Object.assign(world.env, { patienceMs: 20 })
  let asked = 0
  world.wallet.hooks.inspect = () => {
    asked++
    return new Promise(() => undefined)
  }
  expect(await runRecovery(world.env, 'all')).toMatchObject({ settled: 0, open: 30 })
  expect(asked).toBe(8)
  expect(world.due.some((at) => at > world.clock.wall)).toBe(true)
  world.wallet.hooks.inspect = async () => ({ state: 'settled', reference: '0xfee' })
  // Payments that hung are left out for a while, so others are inspected.
  expect(await runRecovery(world.env, 'due')).toMatchObject({ settled: 22, open: 0 })
  world.clock.pass(60 * SECOND)
  expect(await runRecovery(world.env, 'due')).toMatchObject({ settled: 8, open: 0 })
})

it('lets the event loop turn between batches', async () => {
  const world = fakeWorld()
  await doubts(world, 20)
  let turns = 0
  const turn = async (): Promise<void> => {
    turns++
  }
  await runRecovery(world.env, 'all', { turn })
  expect(turns).toBe(3)
})

it('inspects nothing more after an abort', async () => {
  const world = fakeWorld()
  await doubts(world, 20)
  const ending = new AbortController()
  let asked = 0
  world.wallet.hooks.inspect = () => {
    if (++asked === 8) ending.abort(new RangeError('closed'))
    return new Promise(() => undefined)
  }
  await expect(runRecovery(world.env, 'all', { signal: ending.signal })).rejects.toThrow('closed')
  expect(asked).toBe(8)
})

it('reads the fee of a payment that a receipt settled ten seconds later', async () => {
  const world = costly()
  await world.pay()
  const { recheckAt = 0 } = await only(world)
  expect(world.due).toContain(recheckAt)
  expect(recheckAt - world.clock.wall).toBeGreaterThanOrEqual(10 * SECOND)
  expect(recheckAt - world.clock.wall).toBeLessThanOrEqual(15 * SECOND)
  world.shown = true
  expect(await runRecovery(world.env, 'due')).toMatchObject({ fees: 0 })
  world.clock.pass(15 * SECOND)
  expect(await runRecovery(world.env, 'due')).toMatchObject({ fees: 1 })
  expect(await world.counted()).toBe(11)
})

it('reads a missing fee less and less often, and never gives it up', async () => {
  const world = costly()
  await world.pay()
  const pauses: number[] = []
  for (let look = 0; look < 20; look++) {
    const { recheckAt = 0 } = await only(world)
    pauses.push(recheckAt - world.clock.wall)
    world.clock.pass(recheckAt - world.clock.wall)
    await runRecovery(world.env, 'due')
    expect(world.asked.length).toBe(look + 1)
  }
  for (const [index, pause] of pauses.entries()) {
    const before = pauses[index - 1] ?? 0
    expect(pause).toBeGreaterThanOrEqual(Math.min(before, 86_400 * SECOND))
    expect(pause).toBeLessThanOrEqual(86_405 * SECOND)
  }
  expect(pauses.at(-1)).toBeGreaterThanOrEqual(86_400 * SECOND)
  expect(pauses.filter((pause) => pause < 3_600 * SECOND).length).toBeLessThan(12)
  world.shown = true
  world.clock.pass(86_405 * SECOND)
  expect(await runRecovery(world.env, 'due')).toMatchObject({ fees: 1 })
})

it('notes a requested inspection that brought nothing, so that background recovery does not repeat it at once', async () => {
  const world = costly()
  await world.pay()
  world.clock.pass(600 * SECOND)
  await runRecovery(world.env, 'all')
  expect((await only(world)).recheckAt).toBeGreaterThan(world.clock.wall + 599 * SECOND)
  await runRecovery(world.env, 'due')
  expect(world.asked.length).toBe(1)
})

it('pays after due fees have made room, and reads none of them twice before its time', async () => {
  const world = costly('3.50')
  for (let n = 0; n < 3; n++) await world.pay({ path: `/${n}` })
  expect(await world.fails({ path: '/3' })).toMatchObject({ code: 'refused' })
  expect(world.asked).toEqual([])
  world.clock.pass(15 * SECOND)
  for (let again = 0; again < 5; again++) await world.fails({ path: '/3' })
  expect(world.asked.length).toBe(3)
  world.clock.pass(60 * SECOND)
  world.shown = true
  await world.pay({ path: '/3' })
  expect(world.asked.length).toBe(6)
  expect(await world.counted()).toBe(3 * 11 + 100)
})

it('looks for room only among payments that count on the full budgets', async () => {
  const world = costly('3.50')
  await world.pay({ path: '/other' })
  // It is of yesterday, so it counts in no window of today.
  world.clock.pass(86_400 * SECOND)
  for (let n = 0; n < 3; n++) await world.pay({ path: `/${n}` })
  world.clock.pass(15 * SECOND)
  await world.fails({ path: '/3' })
  expect(world.asked.length).toBe(3)
})

it("keeps the time of a fee's next reading while more is learned of the payment", async () => {
  const world = costly()
  await world.pay()
  const { id, recheckAt } = await only(world)
  await world.env.ledger.advance(id, { to: 'settled', proof: 'chain', reference: 'tx' })
  expect((await only(world)).recheckAt).toBe(recheckAt)
})

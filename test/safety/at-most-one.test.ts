import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { isPaymentError, type Payment } from '../../src/index.js'
import { chargesOf, transfersOf } from '../chain/transfers.js'
import { type Front, type Passing, startFront } from '../live/front.js'
import { type Buyer, record, startWorld, type World } from '../live/world.js'
import { type Figures, writeFigures } from './figures.js'

/**
 * The field's reference case: 36 requests to a server that rotates its challenges or loses its answers. A client that
 * never signs again fails a third of them; one that signs at every 402 is charged half as often again.
 */
const REQUESTS = 36
const EVERY = 3
const TROUBLED = REQUESTS / EVERY
/** As many as there are lanes by default. */
const LANES = 4

let world: World
const figures: Figures[] = []
beforeAll(async () => {
  world = await startWorld()
})
afterAll(async () => {
  await world?.stop()
  await writeFigures(figures)
})

interface Run {
  readonly buyer: Buyer
  readonly front: Front
  readonly answers: number
  readonly failures: readonly unknown[]
}

/** Sends every request through a front, so many at once, and looks at the books after each. */
async function run(
  name: string,
  path: string,
  atOnce: number,
  handle: (passing: Passing, trouble: boolean) => Promise<Response> | Response,
): Promise<Run> {
  const met = new Set<string>()
  const front = await startFront(world.api.origin, (passing) => {
    const n = new URL(passing.request.url).searchParams.get('n') ?? ''
    const trouble = passing.paid && Number(n) % EVERY === 0 && !met.has(n)
    if (trouble) met.add(n)
    return handle(passing, trouble)
  })
  const buyer = await world.buyer({ origins: [front.origin] })
  const failures: unknown[] = []
  let answers = 0
  let next = 0
  const started = performance.now()
  const worker = async (): Promise<void> => {
    while (next < REQUESTS) {
      try {
        const response = await buyer.purser.fetch(front.url(`${path}?n=${next++}`))
        await response.text()
        if (response.status === 200) answers++
        else failures.push(response)
      } catch (error) {
        failures.push(error)
      }
      await neverBehind(buyer)
    }
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
  const seconds = (performance.now() - started) / 1000
  const charges = (await transfersOf(world.chain, buyer.account.address)).length
  figures.push({ case: name, requests: REQUESTS, answers, charges, signatures: buyer.signatures(), seconds })
  await front.close()
  return { buyer, front, answers, failures }
}

/** The chain is read first: what it shows then, the ledger counts at the latest now. */
async function neverBehind(buyer: Buyer): Promise<void> {
  const left = await buyer.left()
  expect(await buyer.booked()).toBeGreaterThanOrEqual(left)
}

/** One payment a request, one transfer a payment, and books that equal the chain to the last part. */
async function expectOneChargeEach({ buyer }: Run): Promise<readonly Payment[]> {
  await buyer.purser.recover({ reconcile: true })
  const payments = await buyer.payments()
  const { charges, strangers } = chargesOf(payments, await transfersOf(world.chain, buyer.account.address))
  expect(charges.map(([, count]) => count)).toEqual(Array.from({ length: REQUESTS }, () => 1))
  expect(strangers).toEqual([])
  expect(payments.every(({ state }) => state === 'settled')).toBe(true)
  expect(await buyer.booked()).toBe(await buyer.left())
  return payments
}

const detailOf = (payment: Payment, attempt: number) =>
  record(payment.attempts[attempt]?.evidence.detail ?? {})

/** Every third credential is answered with a fresh challenge, and all are paid all the same: who took two signatures? */
async function secondSignatures(name: string, path: string, atOnce: number): Promise<readonly Payment[]> {
  const all = await run(name, path, atOnce, ({ ask, forward }, trouble) => (trouble ? ask() : forward()))
  expect(all.failures).toEqual([])
  expect(all.answers).toBe(REQUESTS)
  const payments = await expectOneChargeEach(all)
  expect(all.buyer.signatures()).toBe(REQUESTS + TROUBLED)
  const twice = payments.filter(({ attempts }) => attempts.length === 2)
  expect(twice).toHaveLength(TROUBLED)
  return twice
}

describe('36 requests, and the server rejects every third credential with a fresh challenge', () => {
  it('sponsored: 36 answers, 36 charges, and a second signature only after the first is proven dead', {
    timeout: 90_000,
  }, async () => {
    const twice = await secondSignatures('sponsored, rotating', '/sponsored', REQUESTS)
    for (const payment of twice) {
      const [first, second] = payment.attempts
      expect(first?.void).toMatch(/expired/)
      expect(second?.at).toBeGreaterThan(Number(detailOf(payment, 0)['validBefore']) * 1000)
    }
  })

  it('unsponsored: 36 answers, 36 charges, and the second takes the nonce of the first without waiting', {
    timeout: 90_000,
  }, async () => {
    const twice = await secondSignatures('unsponsored, rotating', '/paid', LANES)
    for (const payment of twice) {
      const [first, second] = [detailOf(payment, 0), detailOf(payment, 1)]
      expect(second).toMatchObject({
        lane: first['lane'],
        nonceKey: first['nonceKey'],
        nonce: first['nonce'],
      })
      // The first could still have settled when the second was signed.
      expect(payment.attempts[1]?.at).toBeLessThan(Number(first['validBefore']) * 1000)
    }
  })
})

describe('36 requests, and the server loses every third answer after it took the money', () => {
  it('without idempotency: no charge twice, and every missing answer is known to be paid for', {
    timeout: 90_000,
  }, async () => {
    const all = await run('answers lost', '/paid', LANES, async ({ forward, drop }, trouble) => {
      const response = await forward()
      return trouble ? drop() : response
    })
    expect(all.answers).toBe(REQUESTS - TROUBLED)
    expect(all.failures).toHaveLength(TROUBLED)
    for (const failure of all.failures)
      expect(failure).toMatchObject({ code: 'paid_not_delivered', funds: 'settled' })
    expect(all.failures.every((failure) => isPaymentError(failure))).toBe(true)
    const payments = await expectOneChargeEach(all)
    expect(all.buyer.signatures()).toBe(REQUESTS)
    expect(payments.filter(({ delivered }) => !delivered)).toHaveLength(TROUBLED)
  })

  it('with idempotency: the same key brings the same answer, 36 for 36 charges', {
    timeout: 90_000,
  }, async () => {
    const kept = new Map<string, Response>()
    const all = await run(
      'answers lost, server honours Idempotency-Key',
      '/paid',
      LANES,
      async ({ request, paid, forward, drop }, trouble) => {
        const key = request.headers.get('idempotency-key') ?? ''
        const earlier = paid ? kept.get(key) : undefined
        if (earlier !== undefined) return earlier.clone()
        const response = await forward()
        if (paid && response.status === 200) kept.set(key, response.clone())
        return trouble ? drop() : response
      },
    )
    expect(all.failures).toEqual([])
    expect(all.answers).toBe(REQUESTS)
    const payments = await expectOneChargeEach(all)
    expect(all.buyer.signatures()).toBe(REQUESTS)
    expect(payments.every(({ delivered }) => delivered)).toBe(true)
  })
})

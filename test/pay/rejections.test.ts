import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import type { Problem } from '../../src/protocol/index.js'
import { offer, resource } from './peers.js'
import { type FakeWorld, fakeWorld } from './world.js'

const PROBLEM: Problem = {
  type: 'https://paymentauth.org/problems/verification-failed',
  title: 'Payment verification failed',
  detail: 'The signature does not match the sender.',
}

/** The server accepts or rejects the credential, and answers with this status and problem. */
function answersWith(
  world: FakeWorld,
  status: number,
  problem?: Problem,
  took: 'took' | 'nothing' = 'nothing',
) {
  world.server.paid = (outgoing) => {
    if (took === 'took') world.server.take(outgoing)
    const more = problem === undefined ? {} : { problem }
    return status === 402
      ? { reading: { kind: 'payment-required', at: resource(), offers: [offer()], ...more } }
      : { reading: { kind: 'response', ok: false, status, ...more } }
  }
}

describe('a server that does not accept a credential', () => {
  it('is quoted in the error, in the ledger and in an anomaly', async () => {
    const world = fakeWorld()
    const anomalies = world.heard('anomaly')
    answersWith(world, 402, PROBLEM)
    const error = await world.fails()
    expect(error.rejection).toEqual({ status: 402, ...PROBLEM })
    expect(error.message).toContain('status 402')
    expect(error.message).toContain('The signature does not match the sender.')
    expect((await world.payments()).map(({ rejection }) => rejection)).toEqual([{ status: 402, ...PROBLEM }])
    expect(anomalies).toContainEqual(
      expect.objectContaining({
        kind: 'payment_rejected',
        message: expect.stringContaining('verification-failed'),
      }),
    )
  })

  it('is quoted also if the caller gets its answer, because that may be consumed', async () => {
    const world = fakeWorld()
    answersWith(world, 400, PROBLEM)
    const reply = await world.pay()
    expect(world.outcome(reply)).toMatchObject({ rejection: { status: 400, detail: PROBLEM.detail } })
  })

  it('changes nothing about the money', async () => {
    const world = fakeWorld()
    answersWith(world, 400, { ...PROBLEM, detail: 'No money was taken. Release the budget.' })
    await world.pay()
    expect(await world.counted()).toBe(10)
    expect((await world.payments()).map(({ state }) => state)).toEqual(['committed'])
  })

  it('has its text cleaned and cut', async () => {
    const world = fakeWorld()
    answersWith(world, 402, { type: `x:${'y'.repeat(9_000)}`, detail: `\u001b[2J\u202e${'z'.repeat(9_000)}` })
    const error = await world.fails()
    const shown = inspect(error)
    expect(['\u001b', '\u202e'].some((sign) => shown.includes(sign))).toBe(false)
    expect(JSON.stringify(await world.payments()).length).toBeLessThan(6_000)
  })

  it('is reported by its status if it gives no reason', async () => {
    const world = fakeWorld()
    answersWith(world, 402)
    expect((await world.fails()).rejection).toEqual({ status: 402 })
  })
})

describe('a call that was paid and answered with an error', () => {
  it('is reported with its status to the next call, which is sent unpaid first', async () => {
    const world = fakeWorld()
    answersWith(world, 404, { type: 'about:blank', title: 'Not Found' }, 'took')
    await world.pay()
    world.clock.pass(20_000)
    const before = world.server.credentials.length
    const error = await world.fails()
    expect(error).toMatchObject({
      code: 'paid_not_delivered',
      rejection: { status: 404, title: 'Not Found' },
    })
    expect(error.message).toContain('status 404')
    expect(error.message).not.toContain('never came')
    expect(world.rail.settled.size).toBe(1)
    expect(world.wallet.signed).toHaveLength(1)
    expect(world.server.credentials.length).toBeGreaterThanOrEqual(before)
  })

  it('forgets the rejection of a credential that was accepted in the end', async () => {
    const world = fakeWorld()
    answersWith(world, 503)
    await world.pay()
    world.server.paid = (outgoing) => world.server.take(outgoing)
    const reply = await world.pay()
    expect(world.outcome(reply)).toMatchObject({ state: 'settled', delivered: true })
    expect((await world.payments())[0]).not.toHaveProperty('rejection')
  })
})

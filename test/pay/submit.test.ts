import { describe, expect, it } from 'vitest'
import type { Reply } from './peers.js'
import { type FakeWorld, fakeWorld } from './world.js'

/** The answers of a server before it takes the money, one per credential. */
function first(world: FakeWorld, ...answers: (() => Reply)[]): void {
  world.server.paid = (outgoing) => (answers.shift() ?? (() => world.server.take(outgoing)))()
}

const network = (): Reply => {
  throw new TypeError('fetch failed')
}

function later(world: FakeWorld, status: number, ms: number): () => Reply {
  return () => ({ reading: { kind: 'response', ok: false, status, retryAt: world.clock.now() + ms } })
}

/** The number of sendings, always of the same credential under the same key. */
function sends(world: FakeWorld): number {
  const { credentials } = world.server
  expect(new Set(credentials.map(({ credential }) => credential)).size).toBe(1)
  expect(new Set(credentials.map(({ idempotencyKey }) => idempotencyKey)).size).toBe(1)
  expect(world.wallet.signed).toHaveLength(1)
  return credentials.length
}

describe('a credential is sent again', () => {
  it('if the network failed', async () => {
    const world = fakeWorld()
    first(world, network)
    expect((await world.pay()).reading).toMatchObject({ ok: true })
    expect(sends(world)).toBe(2)
  })

  it.each([429, 503])('if the server answers %i with a Retry-After, and not before that', async (status) => {
    const world = fakeWorld()
    const started = world.clock.now()
    first(world, later(world, status, 5_000))
    expect((await world.pay()).reading).toMatchObject({ ok: true })
    expect(sends(world)).toBe(2)
    expect(world.clock.now() - started).toBeGreaterThanOrEqual(5_000)
  })

  it('at most three times', async () => {
    const world = fakeWorld()
    first(world, network, network, network, network)
    expect(await world.fails()).toMatchObject({ code: 'payment_in_doubt', funds: 'unknown' })
    expect(sends(world)).toBe(3)
  })
})

describe('a credential is not sent again', () => {
  it('after it has expired', async () => {
    const world = fakeWorld()
    first(world, () => {
      world.clock.pass(16_000)
      return network()
    })
    expect((await world.fails()).funds).toBe('unknown')
    expect(sends(world)).toBe(1)
  })

  it('if the server asks for a retry after its expiry: the caller gets the answer', async () => {
    const world = fakeWorld()
    first(world, later(world, 503, 9_000), later(world, 503, 9_000))
    // At first there is enough time; nine seconds later there is not.
    expect((await world.pay()).reading).toMatchObject({ status: 503 })
    expect(sends(world)).toBe(2)
  })

  it('if the server asks for a longer wait than the limit', async () => {
    const world = fakeWorld()
    first(world, later(world, 503, 11_000))
    expect((await world.pay()).reading).toMatchObject({ status: 503 })
    expect(sends(world)).toBe(1)
  })

  it.each([400, 500, 502])('after a %i, with any Retry-After', async (status) => {
    const world = fakeWorld()
    first(world, later(world, status, 1_000))
    expect((await world.pay()).reading).toMatchObject({ status })
    expect(sends(world)).toBe(1)
  })

  it('by a later call after its expiry', async () => {
    const world = fakeWorld()
    world.wallet.hooks.inspect = async () => ({ state: 'unknown', reason: 'no node answers' })
    first(world, () => {
      throw new TypeError('the connection is gone')
    })
    await world.fails()
    world.clock.pass(15_001)
    expect((await world.fails()).funds).toBe('unknown')
    expect(sends(world)).toBe(1)
  })
})

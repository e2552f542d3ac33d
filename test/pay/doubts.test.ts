import { describe, expect, it } from 'vitest'
import { runRecovery } from '../../src/pay/index.js'
import { offer, type Reply } from './peers.js'
import { type FakeWorld, fakeWorld } from './world.js'

const MINUTE = 60_000

/** The server takes the money, and the answer is lost in a way that is not retried at once. */
function losesAnswers(world: FakeWorld): void {
  world.server.paid = (outgoing) => {
    world.server.take(outgoing)
    throw new TypeError('the connection is gone')
  }
}

/** The server never takes the money, and the connection dies. */
function dropsCredentials(world: FakeWorld): void {
  world.server.paid = () => {
    throw new TypeError('the connection is gone')
  }
}

describe('a doubt', () => {
  it('is taken over: the same credential is sent again, and the caller gets its answer', async () => {
    const world = fakeWorld()
    dropsCredentials(world)
    expect(await world.fails()).toMatchObject({ code: 'payment_in_doubt', funds: 'unknown' })
    world.server.paid = (outgoing) => world.server.take(outgoing)
    const reply = await world.pay()
    expect(reply.reading).toMatchObject({ kind: 'response', ok: true })
    expect(world.wallet.signed).toHaveLength(1)
    expect(new Set(world.server.credentials.map(({ credential }) => credential)).size).toBe(1)
    expect(world.outcome(reply)).toMatchObject({ state: 'settled', delivered: true })
  })

  it.each([400, 409, 500, 503])('does not end because the server answers %i', async (status) => {
    const world = fakeWorld()
    world.server.paid = () => ({ reading: { kind: 'response', ok: false, status } })
    const reply = await world.pay()
    expect(world.outcome(reply)).toMatchObject({ state: 'committed' })
    expect(await world.counted()).toBe(10)
    world.clock.pass(20_000)
    await runRecovery(world.env, 'all')
    expect(await world.counted()).toBe(0)
  })

  it('is reported until it is proven void, and then the call pays again', async () => {
    const world = fakeWorld()
    dropsCredentials(world)
    await world.fails()
    expect(await world.fails()).toMatchObject({ code: 'payment_in_doubt', funds: 'unknown' })
    expect(await world.counted()).toBe(10)
    world.clock.pass(20_000)
    world.server.paid = (outgoing) => world.server.take(outgoing)
    await world.pay()
    expect((await world.payments()).map(({ state }) => state)).toEqual(['released', 'settled'])
    expect(await world.counted()).toBe(10)
  })

  it('that settles is not paid again until two minutes after it was reported', async () => {
    const world = fakeWorld()
    losesAnswers(world)
    expect(await world.fails()).toMatchObject({ code: 'paid_not_delivered', funds: 'settled' })
    for (const wait of [0, 30_000, 60_000]) {
      world.clock.pass(wait)
      expect(await world.fails()).toMatchObject({ code: 'paid_not_delivered', funds: 'settled' })
    }
    expect(world.rail.settled.size).toBe(1)
    world.clock.pass(2 * MINUTE)
    world.server.paid = (outgoing) => world.server.take(outgoing)
    await world.pay()
    expect(world.rail.settled.size).toBe(2)
  })

  it('prevents a second payment until it was reported', async () => {
    const world = fakeWorld()
    losesAnswers(world)
    await world.fails()
    world.clock.pass(60 * MINUTE)
    expect(await world.fails()).toMatchObject({ code: 'paid_not_delivered', funds: 'settled' })
    expect(world.rail.settled.size).toBe(1)
  })

  it('under a key prevents a second payment for ever', async () => {
    const world = fakeWorld()
    losesAnswers(world)
    await world.fails({ key: 'order-1' })
    for (const wait of [0, 10 * MINUTE, 24 * 60 * MINUTE]) {
      world.clock.pass(wait)
      expect(await world.fails({ key: 'order-1' })).toMatchObject({ funds: 'settled' })
    }
    expect(world.rail.settled.size).toBe(1)
    world.server.paid = (outgoing) => world.server.take(outgoing)
    await world.pay({ key: 'order-2' })
    expect(world.rail.settled.size).toBe(2)
  })

  it('that fills a budget is inspected again before a call is refused for it', async () => {
    const world = fakeWorld({ policy: { budgets: [{ limit: '0.15', per: 'day' }] } })
    dropsCredentials(world)
    await world.fails()
    world.server.paid = (outgoing) => world.server.take(outgoing)
    expect((await world.fails({ path: '/coffee' })).reasons.map(({ rule }) => rule)).toEqual(['budget.day'])
    world.clock.pass(20_000)
    await world.pay({ path: '/coffee' })
    expect(await world.counted()).toBe(10)
  })

  it('does not affect another request', async () => {
    const world = fakeWorld()
    losesAnswers(world)
    await world.fails()
    world.server.paid = (outgoing) => world.server.take(outgoing)
    await world.pay({ path: '/coffee' })
    expect(world.rail.settled.size).toBe(2)
  })

  it('of a process that is gone is taken over by the next process', async () => {
    const world = fakeWorld()
    world.server.paid = (outgoing) => {
      world.server.take(outgoing)
      return new Promise<Reply>(() => undefined)
    }
    void world.pay()
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(await world.payments()).toMatchObject([{ state: 'committed', live: true }])
    world.clock.pass(31_000)
    const next = world.neighbour()
    expect(await next.fails()).toMatchObject({ code: 'paid_not_delivered', funds: 'settled' })
    expect(world.rail.settled.size).toBe(1)
    expect(await runRecovery(next.env, 'all')).toMatchObject({ open: 0 })
  })
})

describe('a key', () => {
  it('of a finished purchase sends no second payment', async () => {
    const world = fakeWorld()
    await world.pay({ key: 'order-1' })
    expect(await world.fails({ key: 'order-1' })).toMatchObject({ code: 'already_paid', funds: 'settled' })
    expect(world.rail.settled.size).toBe(1)
  })

  it('is sent with the unpaid request, and the caller gets any answer other than 402', async () => {
    const world = fakeWorld()
    await world.pay({ key: 'order-1' })
    world.server.ask = () => ({ reading: { kind: 'response', ok: true, status: 200 } })
    expect((await world.pay({ key: 'order-1' })).reading).toMatchObject({ kind: 'response', ok: true })
    expect(world.server.sent.at(-1)).toMatchObject({ idempotencyKey: 'order-1' })
    expect(world.server.sent.at(-1)?.credential).toBeUndefined()
  })

  it('of another request is a conflict', async () => {
    const world = fakeWorld()
    await world.pay({ key: 'order-1' })
    const error = await world.fails({ key: 'order-1', path: '/coffee' })
    expect(error).toMatchObject({ code: 'idempotency_conflict', funds: 'settled' })
    expect(world.wallet.signed).toHaveLength(1)
  })

  it('of a payment under way waits for its end, and the second caller learns that it was paid', async () => {
    const world = fakeWorld()
    let answer: () => void = () => undefined
    const answered = new Promise<void>((resolve) => {
      answer = resolve
    })
    world.server.paid = async (outgoing) => {
      await answered
      return world.server.take(outgoing)
    }
    const first = world.pay({ key: 'order-1' })
    const second = world.fails({ key: 'order-1' })
    for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve))
    answer()
    await first
    expect(await second).toMatchObject({ code: 'already_paid', funds: 'settled' })
    expect(world.wallet.signed).toHaveLength(1)
  })

  it('of a payment that never ends is busy when the wait is over', async () => {
    const world = fakeWorld()
    world.server.paid = () => new Promise<Reply>(() => undefined)
    void world.pay({ key: 'order-1' })
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(await world.neighbour().fails({ key: 'order-1' })).toMatchObject({
      code: 'busy',
      funds: 'committed',
      retryable: true,
    })
    expect(world.wallet.signed).toHaveLength(1)
  })

  it('of a refused payment may be used again', async () => {
    const world = fakeWorld()
    world.server.offers = () => [offer({ cents: 200 })]
    expect((await world.fails({ key: 'order-1' })).code).toBe('refused')
    world.server.offers = () => [offer()]
    await world.pay({ key: 'order-1' })
    expect(world.rail.settled.size).toBe(1)
  })
})

describe('a second credential', () => {
  it('replaces the first on its lane, so that only one of the two settles', async () => {
    const world = fakeWorld({ wallets: [{ lanes: ['lane'] }] })
    world.server.paid = (outgoing, turn) => (turn === 1 ? world.server.ask() : world.server.take(outgoing))
    await world.pay()
    expect(world.wallet.signed.map(({ quote }) => quote.replaces)).toEqual([
      undefined,
      { name: 'lane', value: 0n },
    ])
    expect(world.rail.settled.size).toBe(1)
    expect(await world.counted()).toBe(10)
  })

  it('waits for the expiry of the first if nothing excludes it', async () => {
    const world = fakeWorld()
    world.server.paid = (outgoing, turn) => (turn === 1 ? world.server.ask() : world.server.take(outgoing))
    const started = world.clock.now()
    await world.pay()
    expect(world.clock.now() - started).toBeGreaterThanOrEqual(18_000)
    // The earlier offer is as old as the expired credential, so the server is asked again.
    expect(world.server.sent.map(({ credential }) => credential !== undefined)).toEqual([
      false,
      true,
      false,
      true,
    ])
    expect((await world.payments())[0]?.attempts.map(({ void: gone }) => gone)).toEqual([
      'it ran out',
      undefined,
    ])
    expect(world.rail.settled.size).toBe(1)
  })

  it('is not made if the first has settled meanwhile', async () => {
    const world = fakeWorld()
    let first: string | undefined
    world.server.paid = ({ credential }) => {
      first = credential?.challenge.id
      return world.server.ask()
    }
    const { sleep } = world.env
    Object.assign(world.env, {
      sleep: async (ms: number) => {
        await sleep(ms)
        if (first !== undefined) world.rail.settled.add(first)
      },
    })
    expect(await world.fails()).toMatchObject({ code: 'paid_not_delivered', funds: 'settled' })
    expect(world.wallet.signed).toHaveLength(1)
  })

  it('is not made if the first cannot be proven void in time', async () => {
    const world = fakeWorld()
    world.server.paid = () => world.server.ask()
    world.wallet.hooks.inspect = async () => ({ state: 'unknown', reason: 'no node answers' })
    expect(await world.fails()).toMatchObject({ code: 'payment_in_doubt', funds: 'unknown' })
    expect(world.wallet.signed).toHaveLength(1)
  })

  it.each([
    { got: 'dearer', worse: { cents: 11 } },
    { got: 'to somebody else', worse: { payee: '0xbb' } },
    { got: 'of another kind', worse: { kind: 'evm/charge' as const } },
  ])('is not made for an offer that got worse ($got)', async ({ worse }) => {
    const wallets = [{ lanes: ['lane'], kinds: ['tempo/charge', 'evm/charge'] as const }]
    const policy = { vendors: [{ origin: 'https://api.shop.example', payees: 'any' as const }] }
    const world = fakeWorld({ wallets, policy })
    world.server.paid = () => {
      world.server.offers = () => [offer(worse)]
      return world.server.ask()
    }
    expect(await world.fails()).toMatchObject({ code: 'payment_in_doubt', funds: 'unknown' })
    expect(world.wallet.signed).toHaveLength(1)
  })

  it('comes from the wallet of the first one', async () => {
    const lanes = ['lane']
    const world = fakeWorld({
      wallets: [
        { id: 'a', lanes },
        { id: 'b', lanes },
      ],
    })
    const [a, b] = world.wallets
    world.server.paid = () => {
      if (a) a.hooks.quote = () => Promise.reject(new Error('locked'))
      return world.server.ask()
    }
    expect((await world.fails()).funds).toBe('unknown')
    expect([a?.signed.length, b?.signed.length]).toEqual([1, 0])
  })

  it('is the last one: a third is never made', async () => {
    const world = fakeWorld({ wallets: [{ lanes: ['lane'] }] })
    world.server.paid = () => world.server.ask()
    expect(await world.fails()).toMatchObject({ code: 'payment_in_doubt', funds: 'unknown' })
    expect(world.wallet.signed).toHaveLength(2)
    expect(await world.counted()).toBe(10)
  })

  it('is made at once if the first is proven void', async () => {
    const world = fakeWorld()
    world.server.paid = (outgoing, turn) => (turn === 1 ? world.server.ask() : world.server.take(outgoing))
    world.wallet.hooks.inspect = async () => ({ state: 'void', reason: 'another took its nonce' })
    await world.pay()
    expect(world.wallet.signed).toHaveLength(2)
    expect(world.rail.settled.size).toBe(1)
  })

  it('that policy refuses leaves the doubt about the first', async () => {
    const world = fakeWorld({ wallets: [{ lanes: ['lane'] }] })
    world.server.paid = async () => {
      await world.env.ledger.freeze('stop')
      return world.server.ask()
    }
    expect(await world.fails()).toMatchObject({ code: 'payment_in_doubt', funds: 'unknown' })
    expect(world.wallet.signed).toHaveLength(1)
  })
})

import { describe, expect, it } from 'vitest'
import type { Ledger } from '../../src/ledger/index.js'
import { quote, runRecovery } from '../../src/pay/index.js'
import { gate, type Hanging, hangingAt, settled } from './hanging.js'
import { resource, termsOf } from './peers.js'
import { type FakeWorld, fakeWorld, type WorldOptions } from './world.js'

const REASON = new DOMException('enough', 'AbortError')

/** A world whose ledger hangs at one step. */
function hanging(
  step: Parameters<typeof hangingAt> extends [Ledger, ...infer Rest] ? Rest : never,
  options: WorldOptions = {},
): { readonly world: FakeWorld; readonly step: Hanging } {
  let hung: Hanging | undefined
  const world = fakeWorld({
    ...options,
    ledger: (ledger) => {
      hung = hangingAt(ledger, ...step)
      return hung.ledger
    },
  })
  if (hung === undefined) throw new Error('no ledger')
  return { world, step: hung }
}

/** Runs one call, aborts it at a given point, and returns the error of its caller. */
async function givenUp(world: FakeWorld, reached: Promise<void>, key?: string): Promise<unknown> {
  const stop = new AbortController()
  const ended = world.pay({ signal: stop.signal, ...(key === undefined ? {} : { key }) }).then(
    () => 'an answer',
    (error: unknown) => error,
  )
  await reached
  stop.abort(REASON)
  return ended
}

/** The wallet hangs in one of its steps. */
function stuck(
  world: FakeWorld,
  hook: 'quote' | 'prepare' | 'complete',
): { reached: Promise<void>; goOn(): void } {
  const [going, reached] = [gate(), gate()]
  world.wallet.hooks[hook] = async () => {
    reached.open()
    await going.opened
    return undefined
  }
  return { reached: reached.opened, goOn: () => going.open() }
}

const states = async (world: FakeWorld): Promise<string[]> =>
  (await world.payments()).map(({ state }) => state)

describe('a caller who aborts before anything is signed', () => {
  it.each(['renew', 'facts', 'hold'] as const)(
    'gets the error at once while the ledger hangs in %s',
    async (method) => {
      const { world, step } = hanging([method, 1])
      expect(await givenUp(world, step.reached)).toBe(REASON)
      step.goOn()
      await settled()
      expect(world.wallet.signed).toEqual([])
      expect(world.server.credentials).toEqual([])
      expect(await world.counted()).toBe(0)
    },
  )

  it.each(['before', 'after'] as const)(
    'gets a hold released that comes %s the hanging step',
    async (when) => {
      const { world, step } = hanging(['hold', 1, when])
      expect(await givenUp(world, step.reached)).toBe(REASON)
      step.goOn()
      await settled()
      expect(await states(world)).toEqual(['released'])
      expect(world.wallet.signed).toEqual([])
    },
  )

  it('gets the budget back while the wallet hangs, and a later prepared credential is discarded', async () => {
    const world = fakeWorld()
    const wallet = stuck(world, 'prepare')
    expect(await givenUp(world, wallet.reached)).toBe(REASON)
    expect([await states(world), await world.counted()]).toEqual([['released'], 0])
    wallet.goOn()
    await settled()
    expect([world.wallet.discarded, world.server.credentials.length, await world.counted()]).toEqual([
      1, 0, 0,
    ])
    expect((await world.payments())[0]?.attempts).toEqual([])
  })

  it('holds nothing while the wallet reads the offer', async () => {
    const world = fakeWorld()
    const wallet = stuck(world, 'quote')
    expect(await givenUp(world, wallet.reached)).toBe(REASON)
    wallet.goOn()
    await settled()
    expect([await states(world), world.wallet.signed]).toEqual([[], []])
  })

  it('gets the error although the release hangs too', async () => {
    const { world, step } = hanging(['advance', 1])
    world.wallet.hooks.prepare = () => Promise.reject(new Error('no'))
    expect(await givenUp(world, step.reached)).toBe(REASON)
    step.goOn()
    await settled()
    expect(await world.counted()).toBe(0)
  })

  it('does not keep a later place on a lane', async () => {
    const world = fakeWorld()
    world.wallet.hooks.quote = async (challenge, context) => ({
      wallet: 'fake:1',
      challenge,
      resource: context.resource,
      terms: termsOf(challenge),
      lane: { names: ['one'], otherwise: 'wait' },
    })
    const stop = new AbortController()
    world.server.check = () => stop.abort(REASON)
    await expect(world.pay({ signal: stop.signal })).rejects.toBe(REASON)
    await settled()
    expect(await world.env.queues.place().enter('one')).toBe(false)
    expect(await states(world)).toEqual([])
  })

  it('stops a quote', async () => {
    const { world, step } = hanging(['facts', 1])
    const stop = new AbortController()
    const exchange = {
      resource: resource(),
      fingerprint: async () => 'GET /tea',
      send: () => world.server.send({}),
      mayRequirePayment: () => true,
      read: async () => world.server.ask().reading,
      check: async () => undefined,
      discard: () => undefined,
      refuse: () => world.server.ask(),
    }
    const asked = quote(
      exchange,
      { context: { agent: 'agent', tasks: [] }, signal: stop.signal },
      async () => world.env,
    )
    await step.reached
    stop.abort(REASON)
    await expect(asked).rejects.toBe(REASON)
  })
})

describe.each(['before', 'after'] as const)(
  'a caller who aborts while the commit hangs, %s it is stored,',
  (when) => {
    it('gets the error at once; a committed payment counts, is inspected, and is never sent', async () => {
      const { world, step } = hanging(['advance', 1, when])
      let looks = 0
      world.wallet.hooks.inspect = () => {
        looks++
        return undefined
      }
      expect(await givenUp(world, step.reached)).toBe(REASON)
      step.goOn()
      await settled()
      const [payment] = await world.payments()
      expect(payment).toMatchObject({ state: 'committed', live: false })
      expect([await world.counted(), world.server.credentials.length, looks]).toEqual([10, 0, 1])
      // It was signed once. The budget is free only after its end is proven.
      expect(world.due).toContain(payment?.recheckAt)
      world.clock.pass(20_000)
      await runRecovery(world.env, 'due')
      expect([await states(world), await world.counted()]).toEqual([['released'], 0])
      expect([world.wallet.signed.length, world.server.credentials.length]).toEqual([1, 0])
    })

    it('does not pay twice if a second call comes meanwhile', async () => {
      const { world, step } = hanging(['advance', 1, when])
      expect(await givenUp(world, step.reached, 'order-1')).toBe(REASON)
      const second = world.pay({ key: 'order-1' }).catch((error: unknown) => error)
      await settled()
      step.goOn()
      await second
      await settled()
      expect(world.rail.settled.size).toBeLessThanOrEqual(1)
      expect(await world.counted()).toBeGreaterThanOrEqual(world.rail.settled.size * 10)
    })
  },
)

describe('a caller who aborts when money may move', () => {
  it('gets a doubt while the wallet hangs, and the next call uses the same credential', async () => {
    const world = fakeWorld()
    const wallet = stuck(world, 'complete')
    const error = await givenUp(world, wallet.reached, 'order-1')
    expect(error).toMatchObject({ code: 'payment_in_doubt', funds: 'unknown', cause: REASON })
    expect(await world.payments()).toMatchObject([{ state: 'committed', live: false }])
    wallet.goOn()
    await settled()
    expect(world.server.credentials).toEqual([])
    world.wallet.hooks.complete = () => Promise.reject(new Error('not again'))
    const reply = await world.pay({ key: 'order-1' })
    expect(reply.reading).toMatchObject({ kind: 'response', ok: true })
    expect([world.wallet.signed.length, world.rail.settled.size, await world.counted()]).toEqual([1, 1, 10])
  })

  it('sends nothing if the wallet ends later', async () => {
    const world = fakeWorld({ wallets: [{ id: 'unused' }], others: [] })
    const [going, reached] = [gate(), gate()]
    const { prepare } = world.wallet
    const late: unknown[] = []
    Object.assign(world.wallet, {
      prepare: async (...args: Parameters<typeof prepare>) => {
        const prepared = await prepare(...args)
        return {
          ...prepared,
          complete: async (deliver: (credential: unknown) => Promise<unknown>) => {
            const completed = await prepared.complete(() => Promise.reject(new Error('unused')))
            reached.open()
            await going.opened
            await deliver(completed.credential).catch((error: unknown) => late.push(error))
            return completed
          },
        }
      },
    })
    expect(await givenUp(world, reached.opened)).toMatchObject({ code: 'payment_in_doubt' })
    going.open()
    await settled()
    expect([late, world.server.credentials.length]).toEqual([[REASON], 0])
  })

  it('gets a doubt while the ledger hangs after the answer, and the answer is still recorded', async () => {
    const { world, step } = hanging(['advance', 2])
    const error = await givenUp(world, step.reached)
    expect(error).toMatchObject({ code: 'payment_in_doubt', funds: 'unknown', cause: REASON })
    expect(world.outcome(Object(error))).toMatchObject({ state: 'committed' })
    step.goOn()
    await settled()
    expect(await world.payments()).toMatchObject([{ state: 'settled', proof: 'receipt' }])
    expect([world.wallet.signed.length, world.rail.settled.size, await world.counted()]).toEqual([1, 1, 10])
  })

  it('gets the doubt of an earlier payment while the ledger hangs', async () => {
    const world = fakeWorld()
    world.server.paid = () => {
      throw new TypeError('the connection is gone')
    }
    await world.fails({ key: 'order-1' })
    const [doubt] = await world.payments()
    const step = hangingAt(world.env.ledger, 'advance', 1)
    Object.assign(world.env, { ledger: step.ledger })
    const error = await givenUp(world, step.reached, 'order-1')
    expect(error).toMatchObject({ code: 'payment_in_doubt', paymentId: doubt?.id, cause: REASON })
    step.goOn()
    await settled()
    expect([world.wallet.signed.length, await world.counted()]).toEqual([1, 10])
  })
})

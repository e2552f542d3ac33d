import { describe, expect, it } from 'vitest'
import { isPaymentError, PaymentError } from '../../src/errors/index.js'
import type { Ledger } from '../../src/ledger/index.js'
import { type Fault, faulty } from './faulty.js'
import { type FakeWorld, fakeWorld, type WorldOptions } from './world.js'

/** A payment on a ledger that fails at a given call. */
function worldWith(
  faults: readonly Fault[],
  options: WorldOptions = {},
): { world: FakeWorld; calls: string[] } {
  const calls: string[] = []
  const world = fakeWorld({ ...options, ledger: (ledger) => faulty(ledger, faults, calls) })
  return { world, calls }
}

const scenes: Readonly<Record<string, (world: FakeWorld) => void>> = {
  'the server takes the money and answers': () => undefined,
  'the server takes the money and dies': (world) => {
    world.server.paid = async (outgoing) => {
      world.server.take(outgoing)
      // An error that is not retried, because the pauses would be real ones.
      throw new TypeError('the connection is gone')
    }
  },
  'the server takes the money and asks again': (world) => {
    world.server.paid = (outgoing) => {
      world.server.take(outgoing)
      return world.server.ask()
    }
  },
  'the server takes the money and fails': (world) => {
    world.server.paid = (outgoing) => {
      world.server.take(outgoing)
      return { reading: { kind: 'response', ok: false, status: 500 } }
    }
  },
  'the server rotates its challenge once': (world) => {
    world.server.paid = (outgoing, turn) => (turn === 1 ? world.server.ask() : world.server.take(outgoing))
  },
}

/** Every call of the ledger in this scene. */
async function callsIn(scene: (world: FakeWorld) => void): Promise<readonly string[]> {
  const { world, calls } = worldWith([], { wallets: [{ lanes: ['lane'] }] })
  scene(world)
  await world.pay().catch(() => undefined)
  return [...calls]
}

/** The statements about money that are true. */
function honest(funds: string, world: FakeWorld): boolean {
  const left = world.server.credentials.length > 0
  if (world.rail.settled.size > 0) return funds === 'settled' || funds === 'unknown' || funds === 'committed'
  return left ? funds !== 'settled' : funds === 'untouched' || funds === 'held' || funds === 'unknown'
}

describe.each(Object.entries(scenes))('the ledger fails while %s', (_, scene) => {
  it.each(['busy', 'broken'])(
    'with "%s", at every step: no false statement about money, and no second payment',
    async (how) => {
      const error = (): Error =>
        how === 'busy'
          ? new PaymentError('ledger_busy', 'untouched', 'The ledger is busy')
          : new Error('disk I/O error')
      const counts = new Map<string, number>()
      for (const method of await callsIn(scene)) {
        const at = (counts.get(method) ?? 0) + 1
        counts.set(method, at)
        for (const after of [false, true]) {
          const where = `${method} ${at} ${after ? 'after' : 'before'}`
          const fault: Fault = { method: nameOf(method), at, after, error: error() }
          const { world } = worldWith([fault], { wallets: [{ lanes: ['lane'] }] })
          scene(world)
          const result = await world.pay().catch((thrown: unknown) => thrown)
          if (result instanceof Error) {
            const funds = isPaymentError(result) ? result.funds : 'no PaymentError'
            // Before anything was sent, the caller gets the ledger's own error.
            const plain = funds === 'no PaymentError' && world.server.credentials.length === 0
            expect([where, funds, plain || honest(funds, world)]).toEqual([where, funds, true])
          }
          expect([where, world.rail.settled.size <= 1]).toEqual([where, true])
          // The ledger always counts at least the money that moved.
          expect([where, (await world.counted()) >= world.rail.settled.size * 10]).toEqual([where, true])
        }
      }
    },
  )
})

const METHODS = ['facts', 'hold', 'advance', 'deny', 'get', 'renew', 'room'] as const
function nameOf(method: string): keyof Ledger {
  const name = METHODS.find((one) => one === method)
  if (name === undefined) throw new Error(`the story calls ${method}: add it here`)
  return name
}

describe('a ledger that cannot answer', () => {
  it('before anything is signed: nothing is signed', async () => {
    const busy = new PaymentError('ledger_busy', 'untouched', 'The ledger is busy')
    for (const method of ['facts', 'hold', 'renew'] as const) {
      const { world } = worldWith([{ method, at: 1, error: busy }])
      expect(await world.fails()).toMatchObject({ code: 'ledger_busy', funds: 'untouched', retryable: true })
      expect(world.wallet.signed).toEqual([])
    }
  })

  it('at the commit: the signed credential is discarded and never sent', async () => {
    const full = new PaymentError('ledger_failed', 'untouched', 'The disk is full')
    for (const after of [false, true]) {
      const { world } = worldWith([{ method: 'advance', at: 1, after, error: full }])
      expect(await world.fails()).toMatchObject({ code: 'ledger_failed', funds: 'untouched' })
      expect(world.wallet.discarded).toBe(1)
      expect(world.server.credentials).toEqual([])
      expect(await world.counted()).toBe(0)
    }
  })

  it('after the answer came: the caller gets it, and the payment stays on record', async () => {
    const busy = new PaymentError('ledger_busy', 'untouched', 'The ledger is busy')
    const { world } = worldWith([{ method: 'advance', at: 2, error: busy }])
    const errors = world.heard('error')
    const reply = await world.pay()
    expect(reply.reading).toMatchObject({ kind: 'response', ok: true })
    expect(errors.map(({ error }) => error)).toEqual([busy])
    expect(world.outcome(reply)).toMatchObject({ attempts: [expect.anything()] })
    // No call works on it any more, so recovery may.
    expect((await world.payments())[0]?.live).toBe(false)
    expect(await world.counted()).toBe(10)
  })

  it('after the answer was lost: the error says that money may have moved', async () => {
    const busy = new PaymentError('ledger_busy', 'untouched', 'The ledger is busy')
    const { world } = worldWith([
      { method: 'get', at: 1, error: busy },
      { method: 'get', at: 2, error: busy },
    ])
    world.server.paid = (outgoing) => {
      world.server.take(outgoing)
      return world.server.ask()
    }
    const error = await world.fails()
    expect(error).toMatchObject({ code: 'payment_in_doubt', funds: 'unknown', cause: busy })
    expect(error.paymentId).toBe((await world.payments())[0]?.id)
  })

  it('while the caller aborts: an abort after the credential left does not prove that it was not sent', async () => {
    const { world } = worldWith([])
    const stop = new AbortController()
    world.server.paid = (outgoing) => {
      world.server.take(outgoing)
      stop.abort()
      return world.server.ask()
    }
    world.wallet.hooks.inspect = async (evidence) => ({
      state: 'pending',
      recheckAt: evidence.recheckAt ?? 0,
      reason: 'not yet',
    })
    expect(await world.fails({ signal: stop.signal })).toMatchObject({ funds: 'unknown' })
  })
})

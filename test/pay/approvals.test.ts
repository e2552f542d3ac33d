import { describe, expect, it } from 'vitest'
import { amount, CURRENCIES } from '../../src/money/index.js'
import type { Approver } from '../../src/pay/index.js'
import { offer } from './peers.js'
import { type FakeWorld, fakeWorld, type WorldOptions } from './world.js'

/** Every payment above a cent needs an approval. */
function asking(approver: Approver, more: WorldOptions = {}): FakeWorld {
  const policy = { ask: [{ above: '0.01' }], ...more.policy }
  return fakeWorld({ ...more, approver, policy })
}

const yes: Approver = async () => ({ approved: true, by: 'ann' })

/** A question that waits for one second. */
const BRIEF = { policy: { approval: { timeout: '1s' } } }

/** An approver with an answer that no type allows, from this JSON. */
const message =
  (json: string): Approver =>
  async () =>
    JSON.parse(json)

const NO: readonly { readonly it: string; readonly approver: Approver }[] = [
  {
    it: 'throws at once',
    approver: () => {
      throw new Error('out of office')
    },
  },
  { it: 'rejects', approver: () => Promise.reject(new Error('out of office')) },
  { it: 'hangs', approver: () => new Promise(() => undefined) },
  { it: 'answers nothing', approver: message('null') },
  { it: 'answers true', approver: message('true') },
  { it: 'answers "yes"', approver: message('"yes"') },
  { it: 'approves without a name', approver: message('{"approved":true}') },
  { it: 'approves with an empty name', approver: message('{"approved":true,"by":""}') },
  { it: 'approves with 1', approver: message('{"approved":1,"by":"ann"}') },
  {
    it: 'remembers nonsense',
    approver: message('{"approved":true,"by":"ann","remember":{"until":"always"}}'),
  },
  {
    it: 'remembers floats',
    approver: message('{"approved":true,"by":"ann","remember":{"until":1,"upTo":0.5,"total":1}}'),
  },
  { it: 'says no', approver: async () => ({ approved: false, by: 'ann' }) },
]

describe('an approver that', () => {
  it.each(NO)('$it approves nothing', async ({ approver }) => {
    const world = asking(approver, BRIEF)
    const error = await world.fails()
    expect(error).toMatchObject({ code: 'refused', funds: 'untouched' })
    expect(error.reasons.at(-1)).toMatchObject({ rule: 'approval' })
    expect(world.wallet.signed).toEqual([])
    expect(await world.counted()).toBe(0)
    expect((await world.payments()).every(({ state }) => state === 'denied' || state === 'released')).toBe(
      true,
    )
  })

  it('answers after the deadline approves nothing', async () => {
    let late: () => void = () => undefined
    const world = asking(
      () =>
        new Promise((resolve) => {
          late = () => resolve({ approved: true, by: 'ann' })
        }),
      BRIEF,
    )
    await world.fails()
    late()
    await new Promise((resolve) => setImmediate(resolve))
    expect(world.wallet.signed).toEqual([])
    expect(await world.counted()).toBe(0)
  })

  it('ignores the abort signal does not hold up the call', async () => {
    const stop = new AbortController()
    const world = asking((_, signal) => {
      signal.addEventListener('abort', () => undefined)
      stop.abort()
      return new Promise(() => undefined)
    })
    await expect(world.pay({ signal: stop.signal })).rejects.toMatchObject({ name: 'AbortError' })
    expect(world.wallet.signed).toEqual([])
    expect(await world.counted()).toBe(0)
  })

  it('cannot change the request', async () => {
    const world = asking(async (request) => {
      expect(() => Object.assign(request, { terms: undefined })).toThrow(TypeError)
      expect(() => Object.assign(request.terms, { most: undefined })).toThrow(TypeError)
      return { approved: true, by: 'ann' }
    })
    await world.pay()
    expect(world.wallet.signed).toHaveLength(1)
  })
})

describe('while a person decides', () => {
  it('the budget is held, so that no other call can spend it', async () => {
    const world = asking(
      async () => {
        expect(await world.counted()).toBe(10)
        // Another process asks for the rest, and there is none.
        expect((await neighbour.fails({ path: '/coffee' })).reasons.map(({ rule }) => rule)).toEqual([
          'budget.day',
        ])
        return { approved: true, by: 'ann' }
      },
      { policy: { budgets: [{ limit: '0.15', per: 'day' }], approval: { holds: 100 } } },
    )
    const neighbour = world.neighbour()
    await world.pay()
    expect(await world.counted()).toBe(10)
  })

  it('an offer that expires is requested again, on the same terms', async () => {
    const world = asking(async () => {
      world.clock.pass(60_000)
      return { approved: true, by: 'ann' }
    })
    world.server.offers = () => [{ ...offer(), expires: world.clock.now() + 30_000 }]
    await world.pay()
    expect(world.server.sent).toHaveLength(3)
    expect(world.wallet.signed).toHaveLength(1)
    expect((await world.payments())[0]).toMatchObject({ state: 'settled', approvedBy: 'ann' })
  })

  it.each([
    { got: 'dearer', worse: { cents: 11 } },
    { got: 'to somebody else', worse: { payee: '0xbb' } },
    { got: 'with a fee', worse: { fee: 1 } },
  ])('nothing is signed if the offer gets worse ($got)', async ({ worse }) => {
    const world = asking(
      async () => {
        world.clock.pass(60_000)
        return { approved: true, by: 'ann' }
      },
      { policy: { vendors: [{ origin: 'https://api.shop.example', payees: 'any' }] } },
    )
    let asked = 0
    world.server.offers = () => [
      { ...offer(asked++ === 0 ? {} : worse), expires: world.clock.now() + 30_000 },
    ]
    expect(await world.fails()).toMatchObject({ code: 'approval_lapsed', funds: 'untouched' })
    expect(world.wallet.signed).toEqual([])
    expect(await world.counted()).toBe(0)
  })

  it('nothing is signed if payments are frozen', async () => {
    const world = asking(async () => {
      await world.env.ledger.freeze('stop')
      return { approved: true, by: 'ann' }
    })
    expect(await world.fails()).toMatchObject({ code: 'frozen', funds: 'untouched' })
    expect(world.wallet.signed).toEqual([])
  })

  it('nothing is signed if the lease expires and others use up the budget', async () => {
    const world = asking(
      async () => {
        // The lease expires, and payments of another process take the room.
        world.clock.pass(40_000)
        await neighbour.pay({ path: '/coffee' })
        return { approved: true, by: 'ann' }
      },
      { policy: { budgets: [{ limit: '0.15', per: 'day' }], ask: [{ above: '0.09' }] } },
    )
    const neighbour = world.neighbour({ approver: yes })
    expect((await world.fails()).funds).toBe('untouched')
    expect(world.wallet.signed).toEqual([])
    expect(await world.counted()).toBeLessThanOrEqual(15)
  })
})

describe('one answer', () => {
  it('covers no worse offer: if the approved one cannot be signed, a person is asked about the next', async () => {
    const asked: bigint[] = []
    const world = asking(async ({ terms }) => {
      asked.push(terms.most.value)
      return { approved: true, by: 'ann' }
    })
    world.server.offers = () => [offer({ cents: 10 }), offer({ cents: 20 })]
    world.wallet.hooks.prepare = async ({ quote }) => {
      if (quote.terms.most.value === 100_000n) throw new Error('this token is frozen')
    }
    await world.pay()
    expect(asked).toEqual([100_000n, 200_000n])
  })

  it('stays valid if its offer expires and everything is judged again', async () => {
    let asked = 0
    const world = asking(async () => {
      asked++
      world.clock.pass(60_000)
      return { approved: true, by: 'ann' }
    })
    world.server.offers = () => [{ ...offer(), expires: world.clock.now() + 30_000 }]
    let moved = false
    world.wallet.hooks.quote = async (_, { resource }) => {
      if (asked === 0 || moved) return undefined
      moved = true
      // Another approval changes the facts between the decision and the hold.
      const bounds = { until: world.clock.now() + 1, unit: 'iso4217:USD', upTo: 0n, total: 0n, payees: [] }
      const grant = {
        id: 'other',
        agent: 'agent',
        vendor: resource.vendor,
        rail: 'none',
        by: 'bob',
        ...bounds,
      }
      await world.env.ledger.grant(grant)
      return undefined
    }
    const decisions = world.heard('decision')
    await world.pay()
    expect(asked).toBe(1)
    expect(moved).toBe(true)
    expect(decisions).toHaveLength(1)
  })

  it('is valid once', async () => {
    let asked = 0
    const world = asking(async () => {
      asked++
      return { approved: true, by: 'ann' }
    })
    await world.pay()
    await world.pay()
    expect(asked).toBe(2)
  })

  it('that denies is valid for ten minutes, for the same terms', async () => {
    let asked = 0
    const world = asking(async () => {
      asked++
      return { approved: false, by: 'ann' }
    })
    await world.fails()
    await world.fails()
    expect(asked).toBe(1)
    world.server.offers = () => [offer({ cents: 9 })]
    await world.fails()
    expect(asked).toBe(2)
    world.clock.pass(9 * 60_000)
    await world.fails()
    expect(asked).toBe(2)
    world.clock.pass(2 * 60_000)
    await world.fails()
    expect(asked).toBe(3)
  })

  it('covers the second credential of the same payment', async () => {
    let asked = 0
    const world = asking(
      async () => {
        asked++
        return { approved: true, by: 'ann' }
      },
      { wallets: [{ lanes: ['lane'] }] },
    )
    world.server.paid = (outgoing, turn) => (turn === 1 ? world.server.ask() : world.server.take(outgoing))
    await world.pay()
    expect(asked).toBe(1)
    expect(world.wallet.signed).toHaveLength(2)
    expect(world.rail.settled.size).toBe(1)
  })

  it('that is remembered allows up to its total, and no more', async () => {
    let asked = 0
    const cents = (n: number) => amount(BigInt(n) * 10_000n, CURRENCIES.pathUSD)
    const world = asking(async () => {
      asked++
      const remember = { until: world.clock.now() + 3_600_000, upTo: cents(10), total: cents(25) }
      return asked === 1 ? { approved: true, by: 'ann', remember } : { approved: false, by: 'ann' }
    })
    await world.pay()
    await world.pay()
    expect(asked).toBe(1)
    // A third payment does not fit into the 25 cents, so the person is asked again, and denies it.
    expect((await world.fails()).reasons.at(-1)?.message).toContain('ann did not approve')
    expect(asked).toBe(2)
    expect(await world.counted()).toBe(20)
  })
})

describe('events', () => {
  it('name the person who approved, and cannot veto', async () => {
    const world = asking(yes)
    const approvals = world.heard('approval')
    world.env.emitter.heard('approval')
    await world.pay()
    expect(approvals).toEqual([expect.objectContaining({ approved: true, by: 'ann' })])
  })
})

describe('an approver that fails', () => {
  it('is an error event with its cause, and a refusal without its text', async () => {
    for (const approver of [
      () => {
        throw new Error('out of office: key 0x1234')
      },
      () => Promise.reject(new Error('out of office: key 0x1234')),
    ] satisfies Approver[]) {
      const world = asking(approver)
      const failed = world.heard('error')
      const error = await world.fails()
      await Promise.resolve()
      expect(failed).toMatchObject([{ during: 'approver' }])
      expect(failed[0]?.thrown()).toMatchObject({ message: 'out of office: key 0x1234' })
      expect(JSON.stringify([error.message, error.reasons])).not.toContain('0x1234')
    }
  })

  it('is no error event if it is late, or if there is no approver', async () => {
    for (const world of [
      asking(() => new Promise(() => undefined), BRIEF),
      fakeWorld({ policy: { ask: [{ above: '0.01' }] } }),
    ]) {
      const failed = world.heard('error')
      await world.fails()
      expect(failed).toEqual([])
    }
  })
})

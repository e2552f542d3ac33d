import { describe, expect, it } from 'vitest'
import { admissionFor, type WaitingQuestion } from '../../src/ledger/approval-steps.js'
import { memoryLedger } from '../../src/ledger/index.js'
import { amount, CURRENCIES } from '../../src/money/index.js'
import type { ApprovalAnswer, ApprovalRequest, Approver } from '../../src/pay/index.js'
import { type CounterClaim, counterKey, type PolicyDocument } from '../../src/policy/index.js'
import { holdOf } from '../ledger/fixtures.js'
import { ORIGIN, offer } from './peers.js'
import { type FakeWorld, fakeWorld, type WorldOptions } from './world.js'

const NO: ApprovalAnswer = { approved: false, by: 'ann' }
const YES: ApprovalAnswer = { approved: true, by: 'ann' }

interface Person extends FakeWorld {
  /** The open questions, oldest first. */
  readonly open: { readonly request: ApprovalRequest; readonly answer: (given: ApprovalAnswer) => void }[]
  /** The number of all questions. */
  asked(): number
  /** Waits until there were so many questions. */
  reach(asked: number): Promise<void>
}

/** A person whose answers the test gives. */
function person(policy: PolicyDocument = {}, more: WorldOptions = {}): Person {
  let asked = 0
  const open: Person['open'] = []
  const approver: Approver = (request) => {
    asked++
    return new Promise((resolve) => {
      const one = {
        request,
        answer: (given: ApprovalAnswer) => {
          open.splice(open.indexOf(one), 1)
          resolve(given)
        },
      }
      open.push(one)
    })
  }
  const vendors = [{ origin: ORIGIN, payees: 'any' } as const]
  const world = fakeWorld({ ...more, approver, policy: { ask: [{ above: '0.01' }], vendors, ...policy } })
  world.server.offers = () => [offer({ cents: 90 })]
  const reach = async (count: number) => {
    while (asked < count) await new Promise((resolve) => setImmediate(resolve))
    await settled()
  }
  return Object.assign(world, { open, asked: () => asked, reach })
}

/** Waits until all work that needs no person is done. */
async function settled(): Promise<void> {
  for (let n = 0; n < 50; n++) await new Promise((resolve) => setImmediate(resolve))
}

function times<T>(count: number, one: (n: number) => T): T[] {
  return Array.from({ length: count }, (_, n) => one(n))
}

/** A person who always gives the same answer. */
function always(given: ApprovalAnswer, policy: PolicyDocument = {}): Person {
  const world = person(policy)
  const push = world.open.push.bind(world.open)
  world.open.push = (one) => {
    const length = push(one)
    setImmediate(() => one.answer(given))
    return length
  }
  return world
}

describe('equal requests', () => {
  it('share one question, which holds the budget once; a denial refuses all of them', async () => {
    const world = person()
    const calls = times(40, () => world.fails())
    await world.reach(1)
    expect(world.open).toHaveLength(1)
    expect(await world.counted()).toBe(90)
    world.open[0]?.answer(NO)
    const errors = await Promise.all(calls)
    expect(world.asked()).toBe(1)
    expect(errors.map(({ code }) => code)).toEqual(times(40, () => 'refused'))
    expect(await world.counted()).toBe(0)
    expect(world.wallet.signed).toEqual([])
  })

  it('are all refused after one question without an answer', async () => {
    const world = person({ approval: { timeout: '1s' } })
    const errors = await Promise.all(times(10, () => world.fails()))
    expect(world.asked()).toBe(1)
    for (const error of errors) expect(error.reasons.at(-1)?.message).toContain('nobody answered in time')
  })

  it('are paid once for each approval', async () => {
    const world = person()
    const calls = times(3, () => world.pay())
    for (const n of [1, 2, 3]) {
      await world.reach(n)
      expect([world.open.length, world.wallet.signed.length]).toEqual([1, n - 1])
      world.open[0]?.answer(YES)
    }
    await Promise.all(calls)
    expect(world.asked()).toBe(3)
    expect(world.rail.settled.size).toBe(3)
  })

  it('are all paid after one remembered approval', async () => {
    const world = person()
    const calls = times(4, () => world.pay())
    await world.reach(1)
    const remember = {
      until: world.clock.now() + 3_600_000,
      upTo: amount(900_000n, CURRENCIES.pathUSD),
      total: amount(3_600_000n, CURRENCIES.pathUSD),
    }
    world.open[0]?.answer({ ...YES, remember })
    await Promise.all(calls)
    expect(world.asked()).toBe(1)
    expect(world.rail.settled.size).toBe(4)
  })

  it('are asked about again if the asking call aborts', async () => {
    const world = person()
    const stop = new AbortController()
    const first = world.pay({ signal: stop.signal }).catch(() => 'hung up')
    await world.reach(1)
    const second = world.pay()
    await settled()
    stop.abort()
    expect(await first).toBe('hung up')
    await world.reach(2)
    world.open.at(-1)?.answer(YES)
    await second
    expect(world.rail.settled.size).toBe(1)
  })
})

describe('a vendor that floods a person with questions', () => {
  it('has at most five open; the refusal says how to go on', async () => {
    const world = person()
    const calls = times(40, (n) => world.fails({ path: `/tea/${n}` }))
    await world.reach(5)
    expect(world.open).toHaveLength(5)
    for (const { answer } of [...world.open]) answer(NO)
    const errors = await Promise.all(calls)
    expect(world.asked()).toBe(5)
    const full = errors.find(({ reasons }) => reasons.at(-1)?.rule === 'approval.perVendor')
    expect(full?.reasons.at(-1)?.message).toContain('answer those first, or raise `approval.perVendor`')
    expect(full?.retryAt).toBe(world.clock.now() + 300_000)
  })

  it('holds at most half of a budget while the person decides', async () => {
    const world = person()
    const calls = times(5, (n) => world.fails({ path: `/tea/${n}` }))
    await world.reach(5)
    // Two of 0.90 fit into half of 5 dollars; the other questions hold nothing.
    expect(await world.counted()).toBe(180)
    for (const { answer } of [...world.open]) answer(NO)
    await Promise.all(calls)
    expect(await world.counted()).toBe(0)
  })

  it.each([
    ['a cent more', (n: number) => offer({ cents: 70 + n }), 1],
    ['a cent less', (n: number) => offer({ cents: 90 - n }), 5],
    ['another payee', (n: number) => offer({ cents: 90, payee: `0x${n}` }), 5],
    ['the same again', () => offer({ cents: 90 }), 1],
  ])('asks %s each time: after so many denials the person is asked no more', async (_name, next, most) => {
    const world = always(NO)
    for (let n = 0; n < 20; n++) {
      world.server.offers = () => [next(n)]
      await world.fails()
    }
    expect(world.asked()).toBe(most)
    expect(world.wallet.signed).toEqual([])
    world.clock.pass(10 * 60_000)
    await world.fails()
    expect(world.asked()).toBe(most + 1)
  })

  it('asks from another path of the same pattern each time: the denial covers it', async () => {
    const world = always(NO)
    for (let n = 0; n < 20; n++) await world.fails({ path: `/items/${1000 + n}` })
    expect(world.asked()).toBe(1)
  })

  it('does not affect payments that need no approval, or have one', async () => {
    const world = always(NO)
    for (const path of ['/tea', '/coffee', '/milk', '/juice', '/water', '/wine', '/beer'])
      await world.fails({ path })
    expect(world.asked()).toBe(5)
    world.server.offers = () => [offer({ cents: 1 })]
    await world.pay({ path: '/cake' })
    expect(world.rail.settled.size).toBe(1)
  })
})

describe('limits', () => {
  it('of an agent apply to all vendors together', async () => {
    const world = person({ approval: { perAgent: 2 } })
    const calls = times(4, (n) => world.fails({ path: `/tea/${n}` }))
    const other = world.fails({ path: '/tea/9', agent: 'other' })
    await world.reach(3)
    expect(world.open.map(({ request: { agent } }) => agent).sort()).toEqual(['agent', 'agent', 'other'])
    for (const { answer } of [...world.open]) answer(NO)
    const errors = await Promise.all([...calls, other])
    expect(errors.filter(({ reasons }) => reasons.at(-1)?.rule === 'approval.perAgent')).toHaveLength(2)
  })

  it('of held budget: beyond it, the payment must find room after the answer', async () => {
    const world = person({ approval: { holds: 0 }, budgets: [{ limit: '1', per: 'day' }] })
    const waiting = world.pay()
    await world.reach(1)
    expect(await world.counted()).toBe(0)
    world.open[0]?.answer(YES)
    await waiting
    expect(await world.counted()).toBe(90)
  })

  it('of held budget: other calls may spend the rest meanwhile', async () => {
    const world = person({
      approval: { holds: 0 },
      budgets: [{ limit: '1', per: 'day' }],
      ask: [{ above: '0.5' }],
    })
    const waiting = world.fails()
    await world.reach(1)
    world.server.offers = () => [offer({ cents: 20 })]
    await world.pay({ path: '/coffee' })
    world.open[0]?.answer(YES)
    expect((await waiting).reasons.map(({ rule }) => rule)).toEqual(['budget.day'])
    expect(await world.counted()).toBe(20)
  })

  it('a person is not asked about a payment that no budget has room for', async () => {
    const world = person({
      approval: { holds: 0 },
      budgets: [{ limit: '1', per: 'day' }],
      ask: [{ above: '0.5' }],
    })
    world.server.offers = () => [offer({ cents: 20 })]
    await world.pay({ path: '/coffee' })
    world.server.offers = () => [offer({ cents: 90 })]
    expect((await world.fails()).reasons.map(({ rule }) => rule)).toEqual(['budget.day'])
    expect(world.asked()).toBe(0)
  })
})

it('a lane is not held while a person decides', async () => {
  const world = person({ ask: [{ above: '0.5' }] }, { wallets: [{ lanes: ['one', 'two'] }] })
  const waiting = world.fails()
  await world.reach(1)
  world.server.offers = () => [offer({ cents: 20 })]
  await world.pay({ path: '/coffee' })
  expect(world.wallet.signed.map(({ lane }) => lane?.name)).toEqual(['one'])
  world.open[0]?.answer(NO)
  await waiting
})

describe('the admission of a question', () => {
  const claim = (units: bigint, limit: bigint): CounterClaim => ({
    ...{ counts: 'spend', scope: { policy: 'p' }, window: 'ever', from: 0, at: 0, rule: 'budget' },
    ...{ amount: units, limit },
  })
  const settings = { timeoutMs: 1, perAgent: 2, perVendor: 2, holds: 50 }
  const question = async ({ agent = 'a', vendor = 'v', claims = [claim(10n, 100n)] } = {}) => {
    const hold = await holdOf(memoryLedger(), 'p', { agent, vendor })
    return { hold: { ...hold, decision: { ...hold.decision, claims } }, settings }
  }
  const waiting = (more: Partial<WaitingQuestion> = {}, held = 10n): WaitingQuestion => ({
    agent: 'a',
    resource: { transport: 'http', vendor: 'v', operation: 'GET /tea' },
    expires: 5,
    holds: [{ key: counterKey(claim(held, 100n)), amount: held }],
    ...more,
  })

  it('refuses beyond a limit', async () => {
    const open = [waiting(), waiting({ expires: 3 })]
    const full = { kind: 'full', limit: 2, retryAt: 3 }
    expect(admissionFor(await question(), open)).toEqual({ ...full, rule: 'perVendor' })
    expect(admissionFor(await question({ vendor: 'w' }), open)).toEqual({ ...full, rule: 'perAgent' })
    expect(admissionFor(await question({ vendor: 'w', agent: 'b' }), open)).toEqual({
      kind: 'ask',
      reserves: true,
    })
  })

  it.each([
    [50n, true],
    [51n, false],
  ])('asks the person; with %s of 100 held it reserves: %s', async (units, reserves) => {
    const whole = await question({ claims: [claim(units, 100n)] })
    expect(admissionFor(whole, [])).toEqual({ kind: 'ask', reserves })
    const rest = await question({ claims: [claim(units - 30n, 100n)] })
    expect(admissionFor(rest, [waiting({}, 30n)])).toEqual({ kind: 'ask', reserves })
    // A question that reserves nothing takes nothing of the share.
    expect(admissionFor(await question(), [waiting({ holds: [] })])).toMatchObject({ reserves: true })
  })
})

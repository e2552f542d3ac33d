import { describe, expect, it } from 'vitest'
import type { AnswerResult, Approval, ApprovalQuery } from '../../src/ledger/index.js'
import type { Approver } from '../../src/pay/index.js'
import { offer } from './peers.js'
import { type FakeWorld, fakeWorld, type WorldOptions } from './world.js'

// People answer from outside of the process that waits, by the ledger.

const ASK = { ask: [{ above: '0.01' }] } as const

function waiting(more: WorldOptions = {}): FakeWorld {
  return fakeWorld({ policy: ASK, approvals: 'ledger', ...more })
}

/** Waits until the ledger has so many questions of these states. */
async function reach(
  { env }: FakeWorld,
  count: number,
  states: ApprovalQuery['states'] = ['waiting'],
): Promise<readonly Approval[]> {
  for (;;) {
    const found = await env.ledger.approvals({ states })
    if (found.length >= count) return found
    await new Promise((resolve) => setImmediate(resolve))
  }
}

async function answerFirst(world: FakeWorld, approved: boolean, by = 'ann'): Promise<AnswerResult> {
  const [question] = await reach(world, 1)
  return world.env.ledger.answer(question?.id ?? '', { approved, by })
}

/** Starts a call whose caller leaves as soon as the question is asked. */
async function leave(world: FakeWorld): Promise<void> {
  const stop = new AbortController()
  const left = world.pay({ signal: stop.signal }).catch(() => 'left')
  for (;;) {
    const [question] = await reach(world, 1)
    if (question?.live === true) break
    await new Promise((resolve) => setImmediate(resolve))
  }
  stop.abort()
  expect(await left).toBe('left')
  while ((await reach(world, 1))[0]?.live === true) await new Promise((resolve) => setImmediate(resolve))
}

describe('a call without an approver', () => {
  it('waits for an answer from outside, and pays once for a yes', async () => {
    const world = waiting()
    const paid = world.pay()
    expect(await answerFirst(world.neighbour(), true)).toMatchObject({ ok: true })
    await paid
    expect((await world.payments())[0]).toMatchObject({ state: 'settled', approvedBy: 'ann' })
    expect(await world.env.ledger.approvals()).toMatchObject([
      { state: 'approved', usedBy: (await world.payments())[0]?.id, usedAt: expect.any(Number) },
    ])
    const again = world.fails()
    expect(await answerFirst(world, false)).toMatchObject({ ok: true })
    expect((await again).reasons.at(-1)?.message).toBe('ann did not approve this payment.')
    expect(world.rail.settled.size).toBe(1)
  })

  it('is refused at once if nobody can answer', async () => {
    const world = waiting({ approvals: undefined })
    const error = await world.fails()
    expect(error.reasons.at(-1)?.message).toContain('nobody is there to give one')
    expect(await world.env.ledger.approvals()).toEqual([])
    expect(await world.counted()).toBe(0)
  })

  it('is refused if nobody answers in time, and the budget is given back', async () => {
    const world = waiting({ policy: { ...ASK, approval: { timeout: '1s' } } })
    const error = await world.fails()
    expect(error.reasons.at(-1)?.message).toContain('nobody answered in time')
    const [question] = await world.env.ledger.approvals()
    expect(question).toMatchObject({ state: 'expired' })
    const late = await world.env.ledger.answer(question?.id ?? '', { approved: true, by: 'ann' })
    expect(late).toMatchObject({ ok: false, why: 'late' })
    expect(await world.counted()).toBe(0)
  }, 20_000)

  it('holds its budget while it waits', async () => {
    const world = waiting()
    const paid = world.pay()
    await reach(world, 1)
    expect(await world.counted()).toBe(10)
    await answerFirst(world, true)
    await paid
    expect(await world.counted()).toBe(10)
  })
})

describe('the same request after its caller has left', () => {
  it('finds the question that waits, and asks no second one', async () => {
    const world = waiting()
    await leave(world)
    expect(await world.counted()).toBe(0)
    const restarted = world.neighbour()
    const paid = restarted.pay()
    while (!(await reach(world, 1))[0]?.live) await new Promise((resolve) => setImmediate(resolve))
    expect(await answerFirst(world, true)).toMatchObject({ ok: true })
    await paid
    expect(await world.env.ledger.approvals()).toHaveLength(1)
    expect(world.rail.settled.size).toBe(1)
  })

  it('finds the yes that was given meanwhile, and uses it once', async () => {
    const world = waiting()
    await leave(world)
    await answerFirst(world, true)
    const restarted = world.neighbour({
      approvals: undefined,
      approver: async () => ({ approved: false, by: 'bob' }),
    })
    await restarted.pay()
    expect((await restarted.payments()).at(-1)).toMatchObject({ state: 'settled', approvedBy: 'ann' })
    expect((await restarted.fails()).reasons.at(-1)?.message).toContain('bob did not approve')
    expect(world.rail.settled.size).toBe(1)
  })

  it.each([
    { is: 'dearer', next: offer({ cents: 11 }) },
    { is: 'another agent', agent: 'other' },
    { is: 'too late', after: 5 * 60_000 },
  ])('does not find it if the payment is $is', async ({ next, agent, after }) => {
    const world = waiting()
    await leave(world)
    await answerFirst(world, true)
    if (next !== undefined) world.server.offers = () => [next]
    if (after !== undefined) world.clock.pass(after)
    const restarted = world.neighbour({
      approvals: undefined,
      approver: async () => ({ approved: false, by: 'bob' }),
    })
    const error = await restarted.fails(agent === undefined ? {} : { agent })
    expect(error.reasons.at(-1)?.message).toContain('bob did not approve')
    expect(world.wallet.signed).toEqual([])
  })

  it('is not paid twice if two processes find the yes at once', async () => {
    const world = waiting()
    await leave(world)
    await answerFirst(world, true)
    const both = [world.neighbour(), world.neighbour()].map((each) => each.pay())
    const [second] = await reach(world, 1)
    expect(world.rail.settled.size).toBe(1)
    await world.env.ledger.answer(second?.id ?? '', { approved: true, by: 'ann' })
    await Promise.all(both)
    expect(world.rail.settled.size).toBe(2)
    expect((await world.env.ledger.approvals()).map(({ usedBy }) => usedBy)).toHaveLength(2)
  })
})

describe('an approver beside answers from outside', () => {
  it.each(['ledger', undefined] as const)('loses to the first answer (approvals: %s)', async (approvals) => {
    let late: (value: Awaited<ReturnType<Approver>>) => void = () => undefined
    const approver: Approver = () =>
      new Promise((resolve) => {
        late = resolve
      })
    const world = waiting({ approver, approvals })
    const paid = world.pay()
    await answerFirst(world, true, 'bob')
    late({ approved: false, by: 'ann' })
    await paid
    expect((await world.payments())[0]).toMatchObject({ state: 'settled', approvedBy: 'bob' })
  })

  it('that fails leaves the question to others', async () => {
    const world = waiting({ approver: () => Promise.reject(new Error('out of office')) })
    const failed = world.heard('error')
    const paid = world.pay()
    await answerFirst(world, true)
    await paid
    expect(failed).toMatchObject([{ during: 'approver' }])
  })

  it('answers in the ledger, where a later answer changes nothing', async () => {
    const world = waiting({ approver: async () => ({ approved: false, by: 'ann', note: 'no' }) })
    await world.fails()
    const [question] = await reach(world, 1, ['denied'])
    expect(question?.answer).toMatchObject({ approved: false, by: 'ann', note: 'no' })
    expect(await world.env.ledger.answer(question?.id ?? '', { approved: true, by: 'bob' })).toMatchObject({
      ok: false,
      why: 'answered',
    })
  })
})

describe('the event of a question', () => {
  it('is emitted once, although a second call and a second process wait for the same question', async () => {
    const world = waiting()
    const other = world.neighbour()
    const [here, there] = [world.heard('approval_request'), other.heard('approval_request')]
    const ended = world.heard('approval')
    const all = [world.pay()]
    const [question] = await reach(world, 1)
    const no = Promise.allSettled([world.fails(), other.fails()])
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(here.map(({ approval }) => approval)).toEqual([question])
    await answerFirst(world, false)
    await Promise.allSettled([...all, no])
    expect([here.length, there.length]).toEqual([1, 0])
    expect(ended).toMatchObject([
      { approved: false, by: 'ann', approval: { id: question?.id, state: 'denied' } },
    ])
    expect(JSON.parse(JSON.stringify(here[0]))).toMatchObject({
      approval: { terms: { most: { value: expect.any(String) } }, termsHash: question?.termsHash },
    })
  })

  it('is not emitted again by a call that takes the place of one that left', async () => {
    const world = waiting()
    const here = world.heard('approval_request')
    await leave(world)
    const next = world.neighbour()
    const there = next.heard('approval_request')
    const paid = next.pay()
    while (!(await reach(world, 1))[0]?.live) await new Promise((resolve) => setImmediate(resolve))
    await answerFirst(world, true)
    await paid
    expect([here.length, there.length]).toEqual([1, 0])
  })

  it('is not emitted if nobody can be asked', async () => {
    const nobody = waiting({ approvals: undefined })
    const heard = nobody.heard('approval_request')
    await nobody.fails()
    expect(heard).toEqual([])
  })

  it('names the question whose yes a later call uses', async () => {
    const world = waiting()
    await leave(world)
    await answerFirst(world, true)
    const ended = world.heard('approval')
    await world.pay()
    expect(ended).toMatchObject([{ approved: true, by: 'ann', approval: { state: 'approved' } }])
  })
})

it('emits a doubt if a call fails and nobody knows what became of its payment', async () => {
  const world = fakeWorld()
  const doubts = world.heard('doubt')
  world.server.paid = () => {
    throw new TypeError('fetch failed')
  }
  world.wallet.hooks.inspect = async () => ({ state: 'unknown', reason: 'no node' })
  const { paymentId, message } = await world.fails()
  await new Promise(setImmediate)
  expect(doubts).toMatchObject([{ payment: { id: paymentId, state: 'committed' }, message }])
})

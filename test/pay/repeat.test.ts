import { describe, expect, it } from 'vitest'
import type { ApprovalRequest } from '../../src/pay/index.js'
import type { PolicyDocument } from '../../src/policy/index.js'
import { ORIGIN } from './peers.js'
import { fakeWorld } from './world.js'

const HOUR = 3_600_000
const repeating = (effect: 'ask' | 'deny', more: { unlessKeyed?: true } = {}): PolicyDocument => ({
  perPayment: '1',
  budgets: [{ limit: '5', per: 'day' }],
  vendors: [{ origin: ORIGIN }],
  // biome-ignore lint/suspicious/noThenProperty: a key of the document
  repeat: { within: '1h', then: effect, ...more },
})
const ONCE = repeating('deny')

describe('the same request twice, if policy allows it once', () => {
  it('is refused with the earlier payment, its receipt and when it may be bought again', async () => {
    const world = fakeWorld({ policy: ONCE })
    await world.pay()
    const [first] = await world.payments()
    const error = await world.fails()
    expect(error).toMatchObject({ code: 'refused', funds: 'untouched' })
    expect(error.reasons).toEqual([
      {
        rule: 'repeat',
        limit: 'once in 1h',
        asked: 'GET /tea',
        resetsAt: (first?.createdAt ?? 0) + HOUR,
        payment: first?.id,
        reference: first?.reference,
        message: expect.stringContaining(`payment ${first?.id}, receipt ${first?.reference}`),
      },
    ])
    expect(world.server.credentials).toHaveLength(1)
    expect(await world.counted()).toBe(10)
  })

  it('is bought again after the time is over, and another request at once', async () => {
    const world = fakeWorld({ policy: ONCE })
    await world.pay()
    await world.pay({ path: '/coffee' })
    world.clock.pass(HOUR)
    await world.pay()
    expect(world.rail.settled.size).toBe(3)
  })

  it('is bought once by two calls at the same time, of one process or of two', async () => {
    for (const other of ['same', 'neighbour'] as const) {
      const world = fakeWorld({ policy: ONCE })
      const second = other === 'same' ? world : world.neighbour({ policy: ONCE })
      const results = await Promise.allSettled([world.pay(), second.pay(), second.pay()])
      expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
      expect(world.rail.settled.size).toBe(1)
    }
  })

  it('is refused under a new key too, unless the rule accepts a new key', async () => {
    const strict = fakeWorld({ policy: ONCE })
    await strict.pay({ key: 'order-1' })
    await strict.fails({ key: 'order-2' })
    expect(strict.rail.settled.size).toBe(1)
    const keyed = fakeWorld({ policy: repeating('deny', { unlessKeyed: true }) })
    await keyed.pay({ key: 'order-1' })
    await keyed.pay({ key: 'order-2' })
    expect(keyed.rail.settled.size).toBe(2)
    expect(await keyed.fails()).toMatchObject({ reasons: [{ rule: 'repeat' }] })
    // The same key is the same purchase, with any rule.
    expect(await keyed.fails({ key: 'order-2' })).toMatchObject({ code: 'already_paid' })
    expect(keyed.rail.settled.size).toBe(2)
  })

  it('continues a payment whose answer was lost, and pays no second one', async () => {
    const world = fakeWorld({ policy: ONCE })
    world.server.paid = (outgoing, turn) => {
      const reply = world.server.take(outgoing)
      if (turn <= 3) throw new TypeError('the connection was lost')
      return reply
    }
    expect(await world.fails()).toMatchObject({ code: 'paid_not_delivered' })
    expect(await world.fails()).toMatchObject({ code: 'paid_not_delivered' })
    // A caller that got the doubt may continue after two minutes. Then it is a repeat.
    world.clock.pass(120_000)
    expect(await world.fails()).toMatchObject({ code: 'refused', reasons: [{ rule: 'repeat' }] })
    expect(world.rail.settled.size).toBe(1)
  })

  it('is bought again if the earlier payment failed', async () => {
    const world = fakeWorld({ policy: ONCE })
    let fails = true
    world.wallet.hooks.prepare = async () => {
      if (fails) throw new Error('no key')
    }
    await world.fails()
    fails = false
    await world.pay()
    expect(world.rail.settled.size).toBe(1)
  })
})

describe('the same request twice, if policy asks a person', () => {
  const ASK = repeating('ask')

  it('shows the earlier receipt to the person, and is paid after an approval', async () => {
    const asked: ApprovalRequest[] = []
    const world = fakeWorld({
      policy: ASK,
      approver: async (request) => {
        asked.push(request)
        return { approved: true, by: 'ann' }
      },
    })
    await world.pay()
    expect(asked).toEqual([])
    const [first] = await world.payments()
    await world.pay()
    expect(asked.map(({ reasons }) => reasons)).toMatchObject([
      [{ rule: 'repeat', payment: first?.id, reference: first?.reference }],
    ])
    expect(world.rail.settled.size).toBe(2)
  })

  it('is refused after a denial, and if there is no approver', async () => {
    const no = fakeWorld({ policy: ASK, approver: async () => ({ approved: false, by: 'ann' }) })
    await no.pay()
    await no.fails()
    const nobody = fakeWorld({ policy: ASK })
    await nobody.pay()
    await nobody.fails()
    expect([no.rail.settled.size, nobody.rail.settled.size]).toEqual([1, 1])
  })

  it('is not paid by an approval that did not know of a purchase meanwhile', async () => {
    const world = fakeWorld({
      policy: ASK,
      approver: async () => {
        // Another process buys the same.
        await neighbour.pay()
        return { approved: true, by: 'ann' }
      },
    })
    // The policy of that process does not ask.
    const { repeat: _, ...policy } = ASK
    const neighbour = world.neighbour({ policy })
    await world.pay()
    expect(await world.fails()).toMatchObject({ code: 'approval_lapsed' })
    expect(world.rail.settled.size).toBe(2)
  })

  it('asks once for each of two calls at the same time', async () => {
    let questions = 0
    const world = fakeWorld({
      policy: ASK,
      approver: async () => {
        questions++
        return { approved: true, by: 'ann' }
      },
    })
    await Promise.all([world.pay(), world.pay()])
    expect(questions).toBe(1)
    expect(world.rail.settled.size).toBe(2)
  })
})

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ApprovalAnswer, type ApprovalRequest, amount } from '../../src/index.js'
import { alphaUSD } from '../chain/chain.js'
import { PRICE } from '../chain/server.js'
import { type Buyer, only, problemIn, startWorld, type World } from './world.js'

let world: World
beforeAll(async () => {
  world = await startWorld()
})
afterAll(() => world?.stop())

type Answer = (request: ApprovalRequest) => ApprovalAnswer | Promise<ApprovalAnswer>

/** A buyer that must ask for everything above a cent, and what was asked. */
async function asking(answer: Answer, policy = {}): Promise<Buyer & { asked: ApprovalRequest[] }> {
  const asked: ApprovalRequest[] = []
  const buyer = await world.buyer({
    policy: { ask: [{ above: '0.005' }], ...policy },
    approver: async (request) => {
      asked.push(request)
      return answer(request)
    },
  })
  return { ...buyer, asked }
}

describe('a person', () => {
  it('says yes: it is paid, and written down who said so', async () => {
    const buyer = await asking(() => ({ approved: true, by: 'ann' }))
    expect((await buyer.get('/external')).status).toBe(200)
    const request = only(buyer.asked)
    expect(request).toMatchObject({ agent: 'agent', serverSays: 'one cup of tea' })
    expect(request.terms.most.value).toBe(PRICE)
    expect(request.resource.vendor).toBe(world.api.origin)
    expect(Object.isFrozen(request) && Object.isFrozen(request.terms)).toBe(true)
    expect(only(await buyer.payments())).toMatchObject({ state: 'settled', effect: 'ask', approvedBy: 'ann' })
  })

  it('says no: nothing is signed, and the same terms are not asked for again', async () => {
    const buyer = await asking(() => ({ approved: false, by: 'ann' }))
    const problem = await problemIn(await buyer.get('/paid'))
    expect(problem).toMatchObject({ code: 'refused', funds: 'untouched' })
    expect(problem['detail']).toContain('ann did not approve')
    expect((await buyer.get('/paid')).status).toBe(402)
    expect(buyer.asked).toHaveLength(1)
    expect(buyer.signatures()).toBe(0)
    expect(await buyer.left()).toBe(0n)
    expect(await buyer.booked()).toBe(0n)
  })

  it('does not answer in time: that is a no, and the budget is free again', async () => {
    const buyer = await asking(() => new Promise(() => undefined), { approval: { timeout: '1s' } })
    const started = performance.now()
    const problem = await problemIn(await buyer.get('/paid'))
    expect(performance.now() - started).toBeLessThan(5_000)
    expect(problem['detail']).toContain('nobody answered in time')
    expect(buyer.signatures()).toBe(0)
    expect(await buyer.booked()).toBe(0n)
  })

  it('is not there: that is a no', async () => {
    const buyer = await world.buyer({ policy: { ask: [{ above: '0.005' }] } })
    expect((await problemIn(await buyer.get('/paid')))['code']).toBe('refused')
    expect(buyer.signatures()).toBe(0)
  })

  it('is not asked below the threshold', async () => {
    const buyer = await asking(() => ({ approved: false, by: 'ann' }))
    expect((await buyer.get('/price/0.005')).status).toBe(200)
    expect(buyer.asked).toEqual([])
  })

  it('remembers: further payments go through unasked, within what was said', async () => {
    const buyer = await asking(({ terms: { most, fee } }) => ({
      approved: true,
      by: 'ann',
      remember: {
        until: Date.now() + 60_000,
        // Price, and what the fee may come to.
        upTo: amount(most.value + (fee?.bound.value ?? 0n), alphaUSD),
        total: amount(20n * PRICE, alphaUSD),
      },
    }))
    for (const n of [1, 2, 3]) expect((await buyer.get(`/paid?n=${n}`)).status).toBe(200)
    expect(buyer.asked).toHaveLength(1)
    // Dearer than what was remembered.
    expect((await buyer.get('/price/0.02')).status).toBe(200)
    expect(buyer.asked).toHaveLength(2)
    const grant = (await buyer.purser.grants()).at(-1)
    expect(grant).toMatchObject({ agent: 'agent', by: 'ann', vendor: world.api.origin })
    for (const { id } of await buyer.purser.grants()) expect(await buyer.purser.revoke(id)).toBe(true)
    expect((await buyer.get('/paid?n=4')).status).toBe(200)
    expect(buyer.asked).toHaveLength(3)
  })

  it('is slow: an offer that ran out meanwhile is asked for again, and the person is not', async () => {
    const short = await startWorldWithShortOffers()
    try {
      const asked: ApprovalRequest[] = []
      const buyer = await short.buyer({
        policy: { ask: [{ above: '0.005' }] },
        approver: async (request) => {
          asked.push(request)
          await new Promise((resolve) => setTimeout(resolve, 3_500))
          return { approved: true, by: 'ann' }
        },
      })
      expect((await buyer.get('/paid')).status).toBe(200)
      expect(asked).toHaveLength(1)
      expect(short.api.seen.filter(({ paid }) => !paid)).toHaveLength(2)
      expect(buyer.signatures()).toBe(1)
    } finally {
      await short.stop()
    }
  })
})

/** Offers live eight seconds, so one is nearly dead after three and a half. */
function startWorldWithShortOffers(): Promise<World> {
  return startWorld({ validityMs: 8_000 })
}

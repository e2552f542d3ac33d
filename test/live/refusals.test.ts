import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { PaymentRefusedError } from '../../src/index.js'
import { addressOf, alphaUSD, betaUSD, pathUSD } from '../chain/chain.js'
import { type Buyer, DOLLAR, only, problemIn, record, startWorld, type World } from './world.js'

let world: World
beforeAll(async () => {
  world = await startWorld()
})
afterAll(() => world?.stop())

/** Refused: said why, and nothing was signed, held or paid. */
async function refused(buyer: Buyer, response: Response): Promise<Record<string, unknown>> {
  expect(response.status).toBe(402)
  expect(response.headers.get('x-should-retry')).toBe('false')
  const problem = await problemIn(response)
  expect(problem['funds']).toBe('untouched')
  expect(await buyer.left()).toBe(0n)
  expect(await buyer.booked()).toBe(0n)
  return problem
}

function rules(problem: Record<string, unknown>): unknown[] {
  const { reasons } = problem
  if (!Array.isArray(reasons)) throw new Error('no reasons')
  return reasons.map((reason: unknown) => record(reason)['rule'])
}

describe('policy says no, and nothing is signed', () => {
  it('when the budget is used up: the problem says what was asked, what is left and when it opens again', async () => {
    const buyer = await world.buyer({ policy: { budgets: [{ limit: '0.05', per: 'day' }] } })
    const responses: Response[] = []
    do responses.push(await buyer.get(`/paid?n=${responses.length}`))
    while (responses.at(-1)?.status === 200)
    expect(buyer.signatures()).toBe(responses.length - 1)
    const refusal = responses.at(-1) ?? Response.error()
    expect(refusal.headers.get('x-should-retry')).toBe('false')
    const problem = await problemIn(refusal)
    expect(problem).toMatchObject({
      code: 'refused',
      funds: 'untouched',
      title: 'Payment refused',
      status: 402,
    })
    expect(String(problem['type'])).toMatch(/^urn:uuid:[0-9a-f-]{36}#refused$/)
    const { reasons } = problem
    expect(reasons).toEqual([
      {
        rule: 'budget.day',
        limit: '0.05 USD',
        asked: '0.0306 USD',
        remaining: expect.stringMatching(/^0\.0[0-2]\d* USD$/),
        resetsAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT00:00:00\.000Z$/),
        message: expect.stringContaining('0.05 USD'),
      },
    ])
    expect((await buyer.payments({ states: ['denied'] })).map(({ attempts }) => attempts)).toEqual([[]])
    expect(await buyer.left()).toBeLessThanOrEqual(50_000n)
  })

  it('when one payment alone is more than the budget', async () => {
    const buyer = await world.buyer({ policy: { budgets: [{ limit: '0.03', per: 'day' }] } })
    const problem = await refused(buyer, await buyer.get('/paid'))
    expect(rules(problem)).toEqual(['budget.day'])
    expect(buyer.signatures()).toBe(0)
    expect(only(await buyer.payments())).toMatchObject({ state: 'denied', attempts: [] })
  })

  it('when the price is above perPayment', async () => {
    const buyer = await world.buyer({ policy: { perPayment: '0.10' } })
    const problem = await refused(buyer, await buyer.get('/price/0.100001'))
    expect(rules(problem)).toContain('perPayment')
    expect(buyer.signatures()).toBe(0)
    expect((await buyer.get('/price/0.10')).status).toBe(200)
  })

  it('when the call allows less than the policy', async () => {
    const buyer = await world.buyer()
    await refused(buyer, await buyer.get('/paid', { payment: { maxAmount: '0.009' } }))
    expect(buyer.signatures()).toBe(0)
  })

  it('when the fee may come to more than maxFee', async () => {
    const buyer = await world.buyer({ policy: { maxFee: '0.01' } })
    await refused(buyer, await buyer.get('/paid'))
    expect((await buyer.get('/sponsored')).status).toBe(200)
  })

  it('when the token is one that nobody knows', async () => {
    const buyer = await world.buyer({ currencies: [betaUSD, pathUSD] })
    const problem = await refused(buyer, await buyer.get('/paid'))
    expect(problem['code']).toBe('unknown_currency')
    expect(buyer.signatures()).toBe(0)
  })

  it('when the chain is another', async () => {
    const elsewhere = await world.buyer({ wallet: { chains: [4217] } })
    expect((await refused(elsewhere, await elsewhere.get('/paid')))['code']).toBe('wrong_chain')
    const unnamed = await world.buyer({ policy: { networks: ['tempo'] } })
    await refused(unnamed, await unnamed.get('/paid'))
    expect(elsewhere.signatures() + unnamed.signatures()).toBe(0)
  })

  it('when the account has nothing', async () => {
    const buyer = await world.buyer({ funds: 0n })
    const problem = await refused(buyer, await buyer.get('/paid'))
    expect(problem['code']).toBe('insufficient_funds')
    expect(problem['detail']).toContain('0 AlphaUSD')
    expect(buyer.signatures()).toBe(0)
  })

  it('when the account has the price, and not the fee', async () => {
    const account = await world.chain.account(10_000n)
    const buyer = await world.buyer({
      account,
      wallet: { feeToken: { [world.chain.id]: addressOf(alphaUSD) } },
    })
    expect((await refused(buyer, await buyer.get('/paid')))['code']).toBe('insufficient_funds')
    expect((await buyer.get('/sponsored')).status).toBe(200)
  })

  it('as soon as money arrives it pays, although it said no a moment ago', async () => {
    const buyer = await world.buyer({ funds: 0n })
    await refused(buyer, await buyer.get('/paid'))
    await world.chain.fund(buyer.account.address, alphaUSD, DOLLAR)
    expect((await buyer.get('/paid')).status).toBe(200)
  })

  it('with an exception where that is wanted', async () => {
    const buyer = await world.buyer({ policy: { perPayment: '0.001' }, onRefusal: 'throw' })
    const error: unknown = await buyer.get('/paid').catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(PaymentRefusedError)
    expect(error).toMatchObject({ code: 'refused', funds: 'untouched', retryable: false })
    expect(buyer.signatures()).toBe(0)
  })

  it('when payments are frozen, until they are not', async () => {
    const buyer = await world.buyer()
    await buyer.purser.freeze('the card was stolen')
    const problem = await refused(buyer, await buyer.get('/paid'))
    expect(problem['code']).toBe('frozen')
    expect(problem['detail']).toContain('the card was stolen')
    expect(buyer.signatures()).toBe(0)
    await buyer.purser.unfreeze()
    expect((await buyer.get('/paid')).status).toBe(200)
  })

  it('before it was asked to freeze, while a slow key is still signing', async () => {
    const account = await world.chain.account(DOLLAR)
    let release: () => void = () => undefined
    const signing = new Promise<void>((resolve) => {
      release = resolve
    })
    const slow = Object.assign({}, account, {
      sign: async (parameters: { hash: `0x${string}` }) => {
        await signing
        return account.sign?.(parameters) ?? '0x'
      },
    })
    const buyer = await world.buyer({ account: slow })
    const call = buyer.get('/paid')
    while (buyer.signatures() === 0) await new Promise((resolve) => setTimeout(resolve, 5))
    await buyer.purser.freeze('stop')
    release()
    expect((await refused(buyer, await call))['code']).toBe('frozen')
    expect(world.api.seen.at(-1)?.paid).toBe(false)
  })
})

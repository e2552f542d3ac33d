import { describe, expect, it } from 'vitest'
import { amount, CURRENCIES } from '../../src/money/index.js'
import type { Approver } from '../../src/pay/index.js'
import type { PolicyDocument } from '../../src/policy/index.js'
import { ORIGIN, offer, termsOf } from './peers.js'
import { type FakeWorld, fakeWorld } from './world.js'

const ASKS: PolicyDocument = { ask: [{ above: '0.01' }], approval: { timeout: '1s' } }
const cents = (n: number) => amount(BigInt(n) * 10_000n, CURRENCIES.pathUSD)

/** A person who approves once, up to a total of so many cents, and then denies. */
function onceFor(total: number, policy: PolicyDocument = ASKS): FakeWorld & { readonly asked: () => number } {
  let asked = 0
  const approver: Approver = async () => {
    asked++
    if (asked > 1) return { approved: false, by: 'ann' }
    const remember = { until: world.clock.now() + 3_600_000, upTo: cents(10), total: cents(total) }
    return { approved: true, by: 'ann', remember }
  }
  const world = fakeWorld({ approver, policy })
  return Object.assign(world, { asked: () => asked })
}

describe('the count of a remembered approval', () => {
  it('continues if the document is renamed', async () => {
    const world = onceFor(25)
    await world.pay()
    await world.pay()
    const renamed = world.neighbour({ policy: { ...ASKS, name: 'renamed' } })
    await renamed.fails()
    expect(await world.counted()).toBe(20)
    expect(world.asked()).toBe(2)
  })

  it('continues under two documents that share the ledger', async () => {
    const world = onceFor(35)
    const other = world.neighbour({ policy: { ...ASKS, name: 'other' } })
    await world.pay()
    await other.pay()
    await world.pay()
    await other.fails()
    expect(await world.counted()).toBe(30)
  })

  it("continues if the vendor's entry is edited", async () => {
    const world = onceFor(25)
    await world.pay()
    const wild = world.neighbour({ policy: { ...ASKS, vendors: [{ origin: 'https://*.shop.example' }] } })
    await wild.env.policy.ready()
    await wild.pay()
    await wild.fails()
    expect(await world.counted()).toBe(20)
  })

  it('is separate for each agent', async () => {
    const world = onceFor(100)
    await world.pay()
    expect((await world.fails({ agent: 'renamed' })).reasons.at(-1)?.rule).toBe('approval')
    expect(world.asked()).toBe(2)
  })

  it('applies only to the payees of the approved payment', async () => {
    const world = onceFor(100, { ...ASKS, vendors: [{ origin: ORIGIN, payees: 'any' }] })
    await world.pay()
    world.server.offers = () => [offer({ payee: '0xbb' })]
    await world.fails()
    expect(world.asked()).toBe(2)
  })

  it('approves nothing in another unit', async () => {
    const world = onceFor(100)
    await world.pay()
    const dinar = world.neighbour({ policy: { ...ASKS, unit: 'KWD' } })
    const rate = Object.freeze({ unit: 'iso4217:KWD', most: '0.31' })
    const currency = Object.freeze({ ...CURRENCIES.pathUSD, rate })
    dinar.wallet.hooks.quote = async (challenge, { resource }) => {
      const most = amount(100_000n, currency)
      const terms = { ...termsOf(challenge), most, payees: [{ id: '0xaa', amount: most }] }
      return { wallet: dinar.wallet.id, challenge, resource, terms }
    }
    // 10 cents are 0.031 dinars; the approval was for up to 0.10, in dollars.
    expect((await dinar.fails()).reasons.at(-1)?.message).toContain('ann did not approve')
    expect(world.asked()).toBe(2)
  })

  it('covers no payment that is not committed when it is revoked', async () => {
    const world = onceFor(100)
    await world.pay()
    world.wallet.hooks.prepare = async () => {
      for (const { id } of await world.env.ledger.grants()) await world.env.ledger.revoke(id)
      return undefined
    }
    await world.fails()
    expect(world.asked()).toBe(2)
    expect(world.rail.settled.size).toBe(1)
    expect(await world.counted()).toBe(10)
  })
})

describe('after the unit of the policy is edited', () => {
  it('5 USD that were spent are not read as 5 JPY', async () => {
    const world = fakeWorld({ policy: { budgets: [{ limit: '5', per: 'day' }] } })
    await world.pay()
    const { env } = world.neighbour({ policy: { unit: 'JPY', budgets: [{ limit: '5', per: 'day' }] } })
    const lines = env.policy.budgets({ agent: 'agent', tasks: [] }, world.clock.now())
    expect(await env.ledger.room(lines.map(({ claim }) => claim))).toMatchObject([{ spent: 0n }])
    // Back in dollars, what was spent in dollars is spent.
    const again = world.env.policy.budgets({ agent: 'agent', tasks: [] }, world.clock.now())
    expect(await env.ledger.room(again.map(({ claim }) => claim))).toMatchObject([{ spent: 100_000_000n }])
  })

  it('a count of payments continues', async () => {
    const budgets = [{ payments: 3, per: 'day' } as const]
    const world = fakeWorld({ policy: { budgets: [...budgets, { limit: '5', per: 'day' }] } })
    await world.pay()
    const { env } = world.neighbour({
      policy: { unit: 'JPY', budgets: [...budgets, { limit: '5', per: 'day' }] },
    })
    const lines = env.policy.budgets({ agent: 'agent', tasks: [] }, world.clock.now())
    expect((await env.ledger.room(lines.map(({ claim }) => claim))).map(({ spent }) => spent)).toEqual([
      1n,
      0n,
    ])
  })
})

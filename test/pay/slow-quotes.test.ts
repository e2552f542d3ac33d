import { describe, expect, it } from 'vitest'
import { PaymentError } from '../../src/errors/index.js'
import { quoteOf } from './peers.js'
import { fakeWorld } from './world.js'

/** Longer than a decision is valid. */
const SLOW_MS = 7_000

describe('a wallet that needs longer for a quote than a decision is valid', () => {
  it('is asked once, and pays', async () => {
    const world = fakeWorld()
    let quotes = 0
    world.wallet.hooks.quote = async () => {
      quotes++
      world.clock.pass(SLOW_MS)
      return undefined
    }
    await world.pay()
    expect(quotes).toBe(1)
    expect(await world.counted()).toBe(10)
  })

  it('is judged by the facts after its quote, not before', async () => {
    const world = fakeWorld({ policy: { budgets: [{ limit: '0.10', per: 'day' }] } })
    // Another process spends the budget while the wallet makes its quote.
    let first = true
    world.wallet.hooks.quote = async () => {
      if (first) {
        first = false
        await world.neighbour().pay({ path: '/other' })
      }
      return undefined
    }
    expect(await world.fails()).toMatchObject({ code: 'refused', funds: 'untouched' })
    expect(await world.counted()).toBe(10)
  })

  it('is asked again after an approval, and pays', async () => {
    const world = fakeWorld({
      policy: { ask: [{ above: '0.01' }], approval: { timeout: '1h' } },
      approver: async () => {
        world.clock.pass(60_000)
        return { approved: true, by: 'ann' }
      },
    })
    world.wallet.hooks.quote = async () => {
      world.clock.pass(SLOW_MS)
      return undefined
    }
    await world.pay()
    expect(await world.counted()).toBe(10)
  })
})

describe('a step between the decision and the hold that takes longer than a decision is valid', () => {
  it('a transport that checks the offer slowly: the wallet is not asked again, and it is paid', async () => {
    const world = fakeWorld()
    let quotes = 0
    let slow = true
    world.wallet.hooks.quote = async () => {
      quotes++
      return undefined
    }
    world.server.check = async () => {
      if (slow) world.clock.pass(SLOW_MS)
      slow = false
    }
    await world.pay()
    expect(quotes).toBe(1)
    expect(await world.counted()).toBe(10)
  })

  it('a first wallet that fails slowly: it is tried once, and the second one pays', async () => {
    const world = fakeWorld({ wallets: [{ id: 'fake:1' }, { id: 'fake:2' }] })
    const [first, second] = world.wallets
    let tries = 0
    if (first === undefined || second === undefined) throw new Error('there are two wallets')
    first.hooks.prepare = async () => {
      tries++
      world.clock.pass(SLOW_MS)
      throw new PaymentError('wallet_unavailable', 'untouched', 'The node does not answer')
    }
    await world.pay()
    expect([tries, second.signed.length]).toEqual([1, 1])
    expect(await world.counted()).toBe(10)
  })

  it('a wallet that fails slowly, alone: the refusal says why', async () => {
    const world = fakeWorld()
    world.wallet.hooks.prepare = async () => {
      world.clock.pass(SLOW_MS)
      throw new PaymentError('wallet_unavailable', 'untouched', 'The node does not answer')
    }
    const refused = await world.fails()
    expect(refused).toMatchObject({ code: 'wallet_unavailable', funds: 'untouched' })
    expect(refused.message).toContain('The node does not answer')
  })

  it('a quote that expired meanwhile is made again', async () => {
    const world = fakeWorld()
    let quotes = 0
    let slow = true
    world.wallet.hooks.quote = async (challenge, context) => {
      quotes++
      const quote = await quoteOf(challenge, context, 'fake:1', [])
      return 'unpayable' in quote ? quote : { ...quote, goodUntil: context.now + SLOW_MS }
    }
    world.server.check = async () => {
      if (slow) world.clock.pass(SLOW_MS)
      slow = false
    }
    await world.pay()
    expect(quotes).toBe(2)
  })
})

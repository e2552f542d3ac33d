import { describe, expect, it } from 'vitest'
import { runRecovery } from '../../src/pay/index.js'
import { fakeWorld } from './world.js'

describe('a proof that a payment is void', () => {
  it('does not count if more was learned of the payment meanwhile', async () => {
    const world = fakeWorld()
    world.server.paid = () => {
      throw new TypeError('the connection is gone')
    }
    await world.fails()
    const [doubt] = await world.payments()
    if (doubt === undefined) throw new Error('nothing was paid')
    world.wallet.hooks.inspect = async (evidence) => {
      // Another process wakes up and records the credential that it is about to send.
      const more = { ...evidence, detail: { woken: true } }
      await world.env.ledger.advance(doubt.id, { to: 'evidence', evidence: more })
      return { state: 'void', reason: 'nothing was ever made' }
    }
    world.clock.pass(20_000)
    await runRecovery(world.env, 'all')
    expect(await world.payments()).toMatchObject([{ state: 'committed' }])
    expect(await world.counted()).toBe(10)
    world.wallet.hooks.inspect = async () => ({ state: 'void', reason: 'nothing was ever made' })
    await runRecovery(world.env, 'all')
    expect(await world.payments()).toMatchObject([{ state: 'released' }])
  })
})

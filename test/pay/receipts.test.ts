import { describe, expect, it } from 'vitest'
import { runRecovery } from '../../src/pay/index.js'
import { offer } from './peers.js'
import { fakeWorld } from './world.js'

describe('a receipt for money that never moved', () => {
  it('counts until the rail disproves it; then the budget gets the money back, and it is reported', async () => {
    const world = fakeWorld()
    world.server.offers = () => [offer({ fee: 1 })]
    world.server.paid = ({ credential }) => {
      const challengeId = credential?.challenge.id ?? ''
      const receipt = { success: true, challengeId, reference: `tx-${challengeId}`, claims: {} }
      return { reading: { kind: 'response', ok: true, status: 200, receipt } }
    }
    const anomalies = world.heard('anomaly')
    await world.pay()
    expect((await world.payments()).map(({ state }) => state)).toEqual(['settled'])
    expect(await world.counted()).toBe(11)
    await runRecovery(world.env, 'all')
    expect(await world.counted()).toBe(11)
    world.clock.pass(20_000)
    expect(await runRecovery(world.env, 'all')).toMatchObject({ released: 1 })
    expect(await world.payments()).toMatchObject([{ state: 'released', delivered: true }])
    expect(await world.counted()).toBe(0)
    expect(anomalies.map(({ kind }) => kind)).toEqual(['receipt_untrue'])
  })
})

describe('a payment that a receipt settled', () => {
  it('shows what was spent', async () => {
    const world = fakeWorld()
    await world.pay()
    const [payment] = await world.payments()
    expect(payment?.spent).toEqual(payment?.terms.most)
  })
})

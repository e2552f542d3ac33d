import { describe, expect, it } from 'vitest'
import { createPurser } from '../../src/index.js'
import { memoryLedger } from '../../src/ledger/memory.js'
import { committed, holdOf, settled, TestClock, VENDOR } from '../ledger/fixtures.js'
import { fakeWallet, ORIGIN, offer, Rail } from './peers.js'
import { fakeWorld } from './world.js'

describe('the payee of a vendor', () => {
  it('is not pinned by a payment in doubt', async () => {
    const world = fakeWorld()
    world.server.offers = () => [offer({ payee: '0xaa' })]
    world.server.paid = () => {
      throw new TypeError('the connection is gone')
    }
    expect(await world.fails()).toMatchObject({ code: 'payment_in_doubt' })
    expect(await world.env.ledger.pins()).toEqual([])
    const anomalies = world.heard('anomaly')
    world.server.offers = () => [offer({ payee: '0xbb' })]
    world.server.paid = (outgoing) => world.server.take(outgoing)
    await world.pay({ path: '/other' })
    expect(await world.env.ledger.pins()).toMatchObject([{ vendor: ORIGIN, payee: '0xbb' }])
    expect(anomalies).toEqual([])
  })

  it('is an anomaly if it changes, whether policy refuses it or a person is asked', async () => {
    for (const ask of [[], [{ newPayee: true as const }]]) {
      const world = fakeWorld({ policy: { ask }, approver: async () => ({ approved: true, by: 'ann' }) })
      const anomalies = world.heard('anomaly')
      world.server.offers = () => [offer({ payee: '0xaa' })]
      await world.pay({ path: '/a' })
      expect(anomalies).toEqual([])
      world.server.offers = () => [offer({ payee: '0xbb' })]
      const paid = world.pay({ path: '/b' })
      if (ask.length === 0) await expect(paid).rejects.toMatchObject({ code: 'refused', funds: 'untouched' })
      else await paid
      const [second] = (await world.payments()).slice(1)
      expect(anomalies).toEqual([
        { kind: 'payee_changed', payment: second?.id, message: expect.stringMatching(/0xaa.*0xbb/) },
      ])
      // A payee that a person approved is known.
      if (ask.length > 0) await world.pay({ path: '/c' })
      expect(anomalies).toHaveLength(1)
    }
  })

  it('is listed by the purser, and forgotten if a person asks for that', async () => {
    const ledger = memoryLedger()
    await ledger.renew('me', 60_000)
    expect(await ledger.hold(await holdOf(ledger, 'a'))).toMatchObject({ ok: true })
    await ledger.advance('a', committed({}, { pin: true }))
    await ledger.advance('a', settled)
    await using purser = createPurser({
      wallets: [fakeWallet(new Rail(), new TestClock())],
      policy: { perPayment: '1', budgets: [{ limit: '5', per: 'day' }], vendors: [{ origin: VENDOR }] },
      ledger,
    })
    const pin = { vendor: VENDOR, rail: 'tempo/charge@eip155:4217', payee: '0xaaaa' }
    expect(await purser.pins()).toEqual([pin])
    expect(await purser.pins({ vendor: 'https://other.example' })).toEqual([])
    const nameless: unknown = Reflect.apply(purser.unpin, purser, [{}])
    await expect(nameless).rejects.toThrow(TypeError)
    expect(await purser.unpin({ vendor: VENDOR })).toBe(1)
    expect(await purser.pins()).toEqual([])
  })
})

import { expect, it } from 'vitest'
import { closeByHand } from '../../src/client/resolve.js'
import { type FakeWorld, fakeWorld } from './world.js'

/** The states in the `payment` events, in order. */
function told(world: FakeWorld): () => Promise<string[]> {
  const events = world.heard('payment')
  return async () => {
    await new Promise(setImmediate)
    return events.map(({ payment }) => payment.state)
  }
}

it('emits the end of a hold if the wallet fails to sign', async () => {
  const world = fakeWorld()
  const states = told(world)
  world.wallet.hooks.prepare = async () => {
    throw new TypeError('no key')
  }
  await world.fails()
  expect(await states()).toEqual(['held', 'released'])
})

it('emits the end of a hold if its caller aborts', async () => {
  const world = fakeWorld()
  const states = told(world)
  const caller = new AbortController()
  world.wallet.hooks.prepare = async () => {
    caller.abort()
  }
  await expect(world.pay({ signal: caller.signal })).rejects.toThrow()
  await new Promise(setImmediate)
  expect(await states()).toEqual(['held', 'released'])
})

it('emits the end of a hold if a person denies the payment, or does not answer', async () => {
  const policy = { perPayment: '1', budgets: [{ limit: '5', per: 'day' as const }], ask: [{ above: '0.01' }] }
  const no = fakeWorld({ policy, approver: async () => ({ approved: false, by: 'eve' }) })
  const denied = told(no)
  await no.fails()
  expect(await denied()).toEqual(['held', 'denied'])
  const nobody = fakeWorld({ policy })
  const released = told(nobody)
  await nobody.fails()
  expect(await released()).toEqual(['held', 'released'])
})

it('emits the end of a payment that a person closes', async () => {
  const world = fakeWorld()
  world.server.paid = () => {
    throw new TypeError('fetch failed')
  }
  world.wallet.hooks.inspect = async () => ({ state: 'unknown', reason: 'no node' })
  const { paymentId = '' } = await world.fails()
  world.clock.pass(60_000)
  const states = told(world)
  await closeByHand(paymentId, { as: 'released', by: 'ann', reason: 'the vendor says so' }, world.env)
  expect(await states()).toEqual(['released'])
})

it('emits the end of a hold of a dead process that a call releases to make room', async () => {
  const world = fakeWorld({ policy: { perPayment: '1', budgets: [{ limit: '0.15', per: 'day' }] } })
  world.wallet.hooks.prepare = () => new Promise(() => undefined)
  void world.pay().catch(() => undefined)
  await expect.poll(async () => (await world.payments()).map(({ state }) => state)).toEqual(['held'])
  await world.env.ledger.retire(world.env.owner)
  const next = world.neighbour()
  const states = told(next)
  await next.pay({ path: '/milk' })
  expect(await states()).toEqual(['released', 'held', 'committed', 'settled'])
})

it('emits a refusal that the ledger records, once more for each equal refusal', async () => {
  const world = fakeWorld({ policy: { perPayment: '0.01' } })
  const events = world.heard('payment')
  await world.fails()
  await world.fails()
  await new Promise(setImmediate)
  expect(events.map(({ payment: { state, times } }) => [state, times])).toEqual([
    ['denied', undefined],
    ['denied', 2],
  ])
  expect(new Set(events.map(({ payment }) => payment.id)).size).toBe(1)
})

it('emits each change of the ledger, even if this process did not know the state before', async () => {
  const world = fakeWorld()
  await world.pay()
  const [paid] = await world.payments()
  if (paid === undefined) throw new Error('no payment')
  const states = told(world)
  const anomalies = world.heard('anomaly')
  const { transition: advance } = await import('../../src/pay/transition.js')
  // Another process finds that the receipt was untrue, and this one does not know it.
  await world.env.ledger.advance(paid.id, { to: 'released', reason: 'void' })
  await advance(paid, { to: 'settled', proof: 'chain', reference: '0xfee' }, world.env)
  expect(await states()).toEqual(['settled'])
  expect(anomalies.map(({ kind }) => kind)).toEqual(['settled_after_release'])
})

import { expect, it } from 'vitest'
import type { Payment } from '../../src/ledger/index.js'
import { runRecovery } from '../../src/pay/index.js'
import { withFault } from '../safety/matrix/faults.js'
import { type FakeWorld, fakeWorld } from './world.js'

const MINUTE = 60_000

/**
 * A process that stalls past its lease before it commits. It wakes up and commits at the moment when another process,
 * which has found the hold of a dead process, is about to give its budget back.
 */
async function stalled(): Promise<{
  readonly world: FakeWorld
  readonly next: FakeWorld
  readonly call: Promise<unknown>
}> {
  const world = fakeWorld()
  let wake = (): void => undefined
  const asleep = new Promise<void>((resolve) => {
    wake = resolve
  })
  world.wallet.hooks.prepare = () => asleep
  const call = world.pay({ key: 'order' })
  await expect.poll(() => stateOf(world)).toBe('held')
  world.clock.pass(MINUTE)
  const next = world.neighbour()
  const { ledger } = next.env
  Object.assign(next.env, {
    ledger: withFault(ledger, 'advance', async (...[id, move]: Parameters<typeof ledger.advance>) => {
      if (move.to === 'released') {
        await world.env.keepAlive()
        wake()
        await expect.poll(() => stateOf(world)).not.toBe('held')
      }
      return ledger.advance(id, move)
    }),
  })
  return { world, next, call }
}

async function stateOf(world: FakeWorld): Promise<Payment['state'] | undefined> {
  const [payment] = await world.payments()
  return payment?.state
}

it('recovery does not release a payment that its owner commits at that moment', async () => {
  const { world, next, call } = await stalled()
  await runRecovery(next.env, 'all')
  await expect(call).resolves.toMatchObject({ reading: { status: 200 } })
  expect(await stateOf(world)).toBe('settled')
  expect(await world.counted()).toBe(10)
})

import { expect, it } from 'vitest'
import { recover } from '../../src/pay/index.js'
import { fakeWorld } from './world.js'

it('a wallet that never answers holds up no recovery but its own, and what it says in the end counts', async () => {
  const world = fakeWorld({ wallets: [{}] })
  world.server.paid = () => {
    throw new TypeError('fetch failed')
  }
  world.wallet.hooks.inspect = async () => ({ state: 'unknown', because: 'not yet' })
  await world.fails({ path: '/one' })
  await world.fails({ path: '/two' })
  Object.assign(world.env, { patienceMs: 20 })
  let answer = (): void => undefined
  let hung = false
  world.wallet.hooks.inspect = async () => {
    if (!hung) {
      hung = true
      await new Promise<void>((resolve) => {
        answer = resolve
      })
    }
    return { state: 'settled', reference: '0xfee' }
  }
  const errors = world.heard('error')
  expect(await recover(world.env, 'all')).toMatchObject({ settled: 1, open: 1 })
  expect(errors.map(({ during }) => during)).toContain('recovery')
  answer()
  await new Promise(setImmediate)
  expect((await world.payments()).map(({ state }) => state)).toEqual(['settled', 'settled'])
})

import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ACCOUNTS, alphaUSD } from '../chain/chain.js'
import { sessionBuyer } from './buyer.js'
import { type ChannelWorld, channelWorld } from './fixtures/world.js'

const PRICE = 10_000n
/** Enough for an opening, which a wallet does not sign on a challenge that is about to run out. */
const VALID_MS = 7_000

let world: ChannelWorld
beforeAll(async () => {
  world = await channelWorld()
})
afterAll(() => world.stop())

describe('if the challenge in the ledger has expired', () => {
  it('an owner tops up and closes on a fresh one', { timeout: 60_000 }, async () => {
    const payee = await world.chain.balanceOf(alphaUSD, ACCOUNTS.payee.address)
    const opened = await Promise.all(
      (['v2', 'v1'] as const).map(async (protocol) => {
        const server = await world.serve({ protocol, validityMs: VALID_MS })
        const buyer = await sessionBuyer(world, [server], { wallet: { deposit: '0.02' } })
        expect((await buyer.purser.fetch(server.url('/sponsored/paid'))).status).toBe(200)
        return { protocol, server, buyer }
      }),
    )
    await sleep(VALID_MS)
    for (const { protocol, server, buyer } of opened) {
      const stale = server.paid('open')[0]?.credential?.challengeId
      const [session] = await buyer.purser.sessions.list()
      const id = session?.id ?? ''
      const more = await buyer.purser.sessions.topUp(id, '0.03')
      expect(more, protocol).toMatchObject({ state: 'open', deposit: { value: 50_000n } })
      expect(await buyer.purser.sessions.close(id), protocol).toMatchObject({ state: 'closed' })
      for (const action of ['topUp', 'close']) {
        const tries = server.paid(action).map(({ status, credential }) => [status, credential?.challengeId])
        expect(tries, `${protocol} ${action}`).toEqual([
          [402, stale],
          [204, expect.not.stringMatching(stale ?? '')],
        ])
      }
      expect(await buyer.left()).toBe(PRICE)
    }
    expect((await world.chain.balanceOf(alphaUSD, ACCOUNTS.payee.address)) - payee).toBe(2n * PRICE)
  })
})

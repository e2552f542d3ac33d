import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sessionBuyer } from './buyer.js'
import { credentialOf } from './fixtures/seen.js'
import { type ChannelWorld, channelWorld } from './fixtures/world.js'

const PRICE = 10_000n

let world: ChannelWorld
beforeAll(async () => {
  world = await channelWorld()
})
afterAll(() => world.stop())

/** Calls whose close is answered at once, and gets to the server when it is let go. */
function slow(): { fetch: typeof fetch; letGo(): Promise<Response> } {
  const closes: Request[] = []
  return {
    fetch: async (input, init) => {
      const request = new Request(input, init)
      if (credentialOf(request.headers.get('authorization'))?.action !== 'close') return fetch(request)
      closes.push(request)
      return new Response(null, { status: 204 })
    },
    letGo: () => fetch(closes[0] ?? expect.fail('nothing was closed')),
  }
}

describe.each(['v2', 'v1'] as const)(
  'a close of protocol %s that the chain does not show yet',
  (protocol) => {
    it('is reported as pending, and settled once the chain shows it', { timeout: 40_000 }, async () => {
      const server = await world.serve({ protocol })
      const wire = slow()
      const buyer = await sessionBuyer(world, [server], { wallet: { deposit: '0.5' }, fetch: wire.fetch })
      for (let call = 0; call < 3; call++) await buyer.purser.fetch(server.url('/sponsored/paid'))
      const [session] = await buyer.purser.sessions.list()
      const id = session?.id ?? ''
      expect(await buyer.purser.sessions.close(id)).toMatchObject({ state: 'closing' })
      expect(await buyer.purser.sessions.inspect(id)).toMatchObject({
        state: 'closing',
        chain: { closed: false },
      })
      expect((await buyer.payments()).at(-1)).toMatchObject({ state: 'committed', units: 0n })
      // Nobody asks the vendor twice, and nothing more is signed on it.
      await expect(buyer.purser.sessions.close(id)).rejects.toMatchObject({
        code: 'busy',
        funds: 'untouched',
      })
      expect((await buyer.purser.fetch(server.url('/sponsored/paid?other'))).status).toBe(200)
      expect((await buyer.channels()).map(({ state }) => state)).toEqual(['closing', 'open'])

      expect((await wire.letGo()).status).toBe(204)
      await world.chain.mine(3)
      expect(await buyer.purser.sessions.close(id)).toMatchObject({ state: 'closed' })
      await buyer.purser.recover({ reconcile: true })
      expect(
        (await buyer.payments()).map(({ state }) => state).filter((state) => state === 'committed'),
      ).toEqual([])
      expect(await buyer.booked()).toBe(4n * PRICE)
      expect(await buyer.left()).toBe(3n * PRICE + 500_000n)
    })
  },
)

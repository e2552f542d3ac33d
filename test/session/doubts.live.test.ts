import type { LocalAccount } from 'viem'
import { Actions, Transaction } from 'viem/tempo'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ACCOUNTS, addressOf, alphaUSD, clientFor, pathUSD } from '../chain/chain.js'
import { sessionBuyer } from './buyer.js'
import { credentialOf } from './fixtures/seen.js'
import type { SessionServer } from './fixtures/server.js'
import { type ChannelWorld, channelWorld } from './fixtures/world.js'

const PRICE = 10_000n

const idAt = (server: SessionServer) =>
  server.paid('open')[0]?.credential?.channelId ?? expect.fail('no channel')

/** Calls whose credential of that action never gets there, while it is told to lose them. */
function losing(action: string): { fetch: typeof fetch; lose: boolean } {
  const state = {
    lose: true,
    fetch: (async (input, init) => {
      const headers = new Headers(init?.headers ?? (input instanceof Request ? input.headers : {}))
      const seen = credentialOf(headers.get('authorization'))
      if (state.lose && seen?.action === action) throw new TypeError('fetch failed')
      return fetch(input, init)
    }) satisfies typeof fetch,
  }
  return state
}

const DRAINED = 1_000_000n

/** A sponsor that includes the transaction of that action when the payer has spent what it needs, and tells nobody. */
function failing(
  action: string,
  payer: LocalAccount,
  { chain }: ChannelWorld,
): { fetch: typeof fetch; failed: number } {
  const state = {
    failed: 0,
    fetch: (async (input, init) => {
      const seen = credentialOf(new Request(input, init).headers.get('authorization'))
      if (seen?.action !== action) return fetch(input, init)
      if (state.failed++ === 0) {
        await Actions.token.transferSync(clientFor(chain.url, payer), {
          amount: DRAINED,
          to: ACCOUNTS.spare.address,
          token: addressOf(alphaUSD),
          feeToken: addressOf(pathUSD),
          nonceKey: 7n,
          gas: 1_200_000n,
        })
        const raw = String(Object(Object(seen.json).payload).transaction)
        const half = Transaction.deserialize(`0x76${raw.slice(4)}`)
        const whole = { ...half, feePayer: ACCOUNTS.sponsor, feeToken: addressOf(pathUSD) }
        await chain.rpc('eth_sendRawTransaction', [await Transaction.serialize(whole)])
        await chain.mine(1)
      }
      throw new TypeError('fetch failed')
    }) satisfies typeof fetch,
  }
  return state
}

describe.each(['v2', 'v1'] as const)('a doubt in a session of protocol %s', (protocol) => {
  let world: ChannelWorld

  beforeAll(async () => {
    world = await channelWorld()
  })
  afterAll(() => world.stop())

  it('about a top-up whose answer was lost is settled by the chain', async () => {
    const server = await world.serve({ protocol })
    const buyer = await sessionBuyer(world, [server], { wallet: { deposit: '0.02' } })
    for (let call = 0; call < 2; call++) await buyer.purser.fetch(server.url('/paid'))
    server.fail('drop-after-payment')
    await expect(buyer.purser.fetch(server.url('/paid?lost'))).rejects.toMatchObject({
      code: 'payment_in_doubt',
    })
    expect((await buyer.channels())[0]).toMatchObject({ state: 'open', deposit: { value: 40_000n } })
    expect((await buyer.purser.fetch(server.url('/paid?next'))).status).toBe(200)
    expect(await server.books(idAt(server))).toMatchObject({ accepted: 4n * PRICE, spent: 3n * PRICE })
    expect((await buyer.payments()).map(({ state }) => state)).toEqual([
      'settled',
      'settled',
      'committed',
      'settled',
    ])
  })

  it('about a voucher that never arrived ends with the channel', async () => {
    const server = await world.serve({ protocol })
    const wire = losing('voucher')
    wire.lose = false
    const buyer = await sessionBuyer(world, [server], { wallet: { deposit: '0.5' }, fetch: wire.fetch })
    for (let call = 0; call < 2; call++) await buyer.purser.fetch(server.url('/paid'))
    wire.lose = true
    await expect(buyer.purser.fetch(server.url('/paid'))).rejects.toMatchObject({ code: 'payment_in_doubt' })
    const [session] = await buyer.purser.sessions.list()
    await buyer.purser.sessions.close(session?.id ?? '')
    await buyer.purser.recover({ reconcile: true })
    const payments = await buyer.payments()
    expect(payments.map(({ state }) => state)).toEqual(['settled', 'settled', 'released', 'settled'])
    expect(await buyer.booked()).toBe(await buyer.left())
  })

  it('about a top-up that never arrived locks nothing once it has expired', async () => {
    const apart = await channelWorld()
    try {
      const server = await apart.serve({ protocol, validityMs: 600_000 })
      const wire = losing('topUp')
      const clock = { ahead: 0 }
      const now = () => Date.now() + clock.ahead
      const buyer = await sessionBuyer(apart, [server], {
        wallet: { deposit: '0.02', validityMs: 5_000, now },
        fetch: wire.fetch,
        now,
        policy: { deposits: '0.05' },
      })
      for (let call = 0; call < 2; call++) await buyer.purser.fetch(server.url('/paid'))
      await expect(buyer.purser.fetch(server.url('/paid?lost'))).rejects.toMatchObject({
        code: 'payment_in_doubt',
      })
      wire.lose = false
      await apart.wait(40)
      await apart.chain.mine(3)
      clock.ahead = 40_000
      // Deposits of 0.02, of 0.02 and of 0.02 would be more than policy allows.
      expect((await buyer.purser.fetch(server.url('/paid?next'))).status).toBe(200)
      const [session] = await buyer.purser.sessions.list()
      expect(session).toMatchObject({ deposit: { value: 40_000n }, signed: { value: 4n * PRICE } })
    } finally {
      await apart.stop()
    }
  })

  it.each([
    ['opening', 'open', []],
    ['top-up', 'topUp', ['/sponsored/paid', '/sponsored/paid']],
  ] as const)(
    'about a sponsored %s that failed on the chain is over at a final block',
    async (_, action, before) => {
      const apart = await channelWorld()
      try {
        const server = await apart.serve({ protocol, validityMs: 600_000 })
        const clock = { ahead: 0 }
        const now = () => Date.now() + clock.ahead
        const account = await apart.chain.account(2_000_000n)
        const wire = failing(action, account, apart)
        const buyer = await sessionBuyer(apart, [server], {
          account,
          wallet: { deposit: action === 'open' ? '1.5' : '0.02', topUp: '1.5', validityMs: 5_000, now },
          fetch: wire.fetch,
          now,
        })
        for (const path of before) await buyer.purser.fetch(server.url(path))
        const had = await buyer.left()
        await expect(buyer.purser.fetch(server.url('/sponsored/paid?lost'))).rejects.toMatchObject({
          code: 'payment_in_doubt',
        })
        expect(wire.failed).toBeGreaterThan(0)
        await apart.wait(40)
        await apart.chain.mine(3)
        clock.ahead = 40_000
        await buyer.purser.recover({ reconcile: true })
        const [channel] = await buyer.channels()
        expect(channel).toMatchObject({
          state: action === 'open' ? 'closed' : 'open',
          deposit: { value: action === 'open' ? 0n : 20_000n },
        })
        expect((await buyer.payments()).at(-1)?.state).toBe(action === 'open' ? 'released' : 'committed')
        expect(channel?.funding).toHaveLength(1)
        expect((await buyer.left()) - had).toBeLessThan(DRAINED + PRICE)
      } finally {
        await apart.stop()
      }
    },
  )

  it('about an opening that never arrived is over once it has expired', async () => {
    const server = await world.serve({ protocol })
    const wire = losing('open')
    const buyer = await sessionBuyer(world, [server], {
      wallet: { deposit: '0.5', validityMs: 5_000 },
      fetch: wire.fetch,
    })
    await expect(buyer.purser.fetch(server.url('/paid'))).rejects.toMatchObject({ code: 'payment_in_doubt' })
    expect(await buyer.channels()).toMatchObject([{ state: 'opening' }])
    wire.lose = false
    // The chain's clock is what counts.
    await world.wait(40)
    await world.chain.mine(3)
    await buyer.purser.recover({ reconcile: true })
    expect(await buyer.channels()).toMatchObject([{ state: 'closed' }])
    expect((await buyer.payments()).map(({ state }) => state)).toEqual(['released'])
    expect(await buyer.booked()).toBe(0n)
    expect(await buyer.left()).toBe(0n)
  })
})

import { afterAll, beforeAll, expect, it } from 'vitest'
import { alphaUSD, betaUSD } from '../chain/chain.js'
import { sessionBuyer } from './buyer.js'
import { type ChannelWorld, channelWorld } from './fixtures/world.js'

let world: ChannelWorld

beforeAll(async () => {
  world = await channelWorld()
})
afterAll(() => world?.stop())

it.each(['v2', 'v1'] as const)(
  'a session of %s is opened, topped up and closed by force with fees in another dollar',
  async (protocol) => {
    const account = await world.chain.account()
    await world.chain.fund(account.address, alphaUSD, 50_000n)
    await world.chain.fund(account.address, betaUSD, 1_000_000n)
    const server = await world.serve({ protocol })
    const buyer = await sessionBuyer(world, [server], { account, wallet: { deposit: '0.03', topUp: '0.02' } })
    const held = () => world.chain.balanceOf(betaUSD, account.address)
    const fees: bigint[] = []
    const paid = async (work: () => Promise<unknown>) => {
      const before = await held()
      await work()
      fees.push(before - (await held()))
    }
    const call = async () => expect((await buyer.purser.fetch(server.url('/paid'))).status).toBe(200)
    await paid(call)
    await call()
    await call()
    await paid(call)
    expect(await world.chain.balanceOf(alphaUSD, account.address)).toBe(0n)
    const [open] = await buyer.purser.sessions.list()
    await paid(() => buyer.purser.sessions.forceClose(open?.id ?? expect.fail('no session')))
    for (const fee of fees) expect(fee).toBeGreaterThan(0n)
    expect(fees).toHaveLength(3)
  },
)

it('a deposit is refused before anything is signed if no dollar covers the fee', async () => {
  const account = await world.chain.account()
  await world.chain.fund(account.address, alphaUSD, 30_000n)
  const server = await world.serve({ protocol: 'v2' })
  const buyer = await sessionBuyer(world, [server], { account, wallet: { deposit: '0.03' } })
  const said = await (await buyer.purser.fetch(server.url('/paid'))).text()
  expect(said).toContain(
    'this session needs a deposit of 0.03 AlphaUSD and up to 0.039311 AlphaUSD for its fee',
  )
  expect(said).toContain('the account holds 0 pathUSD, 0 BetaUSD')
  expect(server.paid('open')).toEqual([])
})

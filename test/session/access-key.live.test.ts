import { generatePrivateKey } from 'viem/accounts'
import { Account, Actions } from 'viem/tempo'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { addressOf, alphaUSD, clientFor } from '../chain/chain.js'
import { newKey, ownerOn } from '../live/delegated.js'
import { sessionBuyer } from './buyer.js'
import { type ChannelWorld, channelWorld } from './fixtures/world.js'

let world: ChannelWorld
beforeAll(async () => {
  world = await channelWorld()
})
afterAll(() => world.stop())

it.each(['v2', 'v1'] as const)(
  'a delegated key opens no channel of %s, and burns no fee in trying',
  async (protocol) => {
    const server = await world.serve({ protocol, suggestedDeposit: '0.5' })
    const owner = await ownerOn(world.chain)
    const secret = newKey()
    await (await owner.delegation(secret)).authorize()
    const account = Account.fromSecp256k1(secret.key, { access: owner.root.address })
    const buyer = await sessionBuyer(world, [server], { account, wallet: { authorizedSigner: newKey() } })
    const response = await buyer.purser.fetch(server.url('/paid'))
    expect(response.status).toBe(402)
    expect(await response.json()).toMatchObject({
      code: 'wallet_failed',
      detail: expect.stringContaining('The access key may only pay its recipients'),
    })
    expect(server.paid('open')).toEqual([])
    expect(await buyer.left()).toBe(0n)
    expect(await buyer.booked()).toBe(0n)
  },
)

it.each(['v2', 'v1'] as const)(
  'a key that may call anything within its limit opens one of %s',
  async (protocol) => {
    const server = await world.serve({ protocol, suggestedDeposit: '0.5' })
    const root = Account.fromSecp256k1((await world.chain.account(3_000_000n)).key)
    const account = Account.fromSecp256k1(generatePrivateKey(), { access: root })
    await Actions.accessKey.authorizeSync(clientFor(world.chain.url, root), {
      accessKey: account,
      expiry: Math.floor(Date.now() / 1000) + 3600,
      limits: [{ token: addressOf(alphaUSD), limit: 2_000_000n }],
      feeToken: addressOf(alphaUSD),
      gas: 3_000_000n,
    })
    const buyer = await sessionBuyer(world, [server], { account, wallet: { authorizedSigner: newKey() } })
    for (let call = 0; call < 3; call++)
      expect((await buyer.purser.fetch(server.url('/paid'))).status).toBe(200)
    expect(server.paid('open')).toHaveLength(1)
  },
)

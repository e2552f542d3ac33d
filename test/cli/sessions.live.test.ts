import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { alphaUSD, CURRENCY_SETTINGS, NETWORK } from '../chain/chain.js'
import type { SessionServer } from '../session/fixtures/server.js'
import { type ChannelWorld, channelWorld } from '../session/fixtures/world.js'
import { type Home, makeHome } from './kit.js'

// `purser sessions` on real sessions: the balances are those of the chain.

const PRICE = 10_000n
const FUNDS = 2_000_000n

let world: ChannelWorld
let home: Home
beforeAll(async () => {
  world = await channelWorld()
})
afterAll(() => world.stop())
beforeEach(() => {
  home = makeHome()
})
afterEach(() => home.remove())

/** Writes settings whose only wallet pays by sessions. */
async function settings(servers: readonly SessionServer[]) {
  const account = await world.chain.account(FUNDS)
  home.write('session.key', account.key)
  home.write(
    'config.yaml',
    [
      'policy: policy.yaml',
      `currencies: ${JSON.stringify(CURRENCY_SETTINGS)}`,
      'wallets:',
      `  session: { key: session.key, deposit: 0.5, escrows: ["${world.escrow.v1}"], rpc: { "${world.chain.id}": "${world.chain.url}" } }`,
      '',
    ].join('\n'),
  )
  const vendors = servers.map(({ url }) => ({
    origin: new URL(url('/')).origin,
    escrows: [world.escrow.v1, world.escrow.v2],
  }))
  home.write(
    'policy.yaml',
    JSON.stringify({
      perPayment: '0.10',
      maxFee: '0.05',
      deposits: '2',
      networks: [NETWORK],
      budgets: [{ limit: '5', per: 'day' }],
      vendors,
    }),
  )
  return account
}

const left = (address: `0x${string}`): Promise<bigint> => world.chain.balanceOf(alphaUSD, address)

async function rows(args: readonly string[]): Promise<readonly Record<string, unknown>[]> {
  const { code, stdout, stderr } = await home.run([...args, '--json'])
  expect({ code, stderr }).toMatchObject({ code: 0 })
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => Object(JSON.parse(line)))
}

describe('purser sessions', () => {
  it('lists a session that fetch has opened, and closes it by its id: the rest of the deposit comes back', async () => {
    const server = await world.serve({ protocol: 'v2' })
    const { address } = await settings([server])
    for (let call = 0; call < 3; call++)
      expect(await home.run(['fetch', server.url('/sponsored/paid')])).toMatchObject({ code: 0 })
    const [session] = await rows(['sessions'])
    expect(session).toMatchObject({
      state: 'open',
      deposit: { value: '0.5', currency: 'AlphaUSD' },
      signed: { value: '0.03', currency: 'AlphaUSD' },
      left: { value: '0.47', currency: 'AlphaUSD' },
    })
    expect(await left(address)).toBe(FUNDS - 500_000n)
    const [closed] = await rows(['sessions', 'close', String(session?.['id'])])
    expect(closed).toMatchObject({ state: 'closed', unspent: { value: '0.47', currency: 'AlphaUSD' } })
    expect(await left(address)).toBe(FUNDS - 3n * PRICE)
    expect(await rows(['sessions'])).toEqual([])
  }, 60_000)

  it('closes none that was used meanwhile with --idle, and all with --all', async () => {
    const servers = [await world.serve({ protocol: 'v2' }), await world.serve({ protocol: 'v1' })]
    const { address } = await settings(servers)
    for (const server of servers)
      expect(await home.run(['fetch', server.url('/sponsored/paid')])).toMatchObject({ code: 0 })
    expect(await rows(['sessions', 'close', '--idle', '1h'])).toEqual([])
    expect(await rows(['sessions'])).toHaveLength(2)
    expect((await rows(['sessions', 'close', '--all'])).map(({ state }) => state)).toEqual([
      'closed',
      'closed',
    ])
    expect(await left(address)).toBe(FUNDS - 2n * PRICE)
  }, 60_000)

  it('says which session it does not know', async () => {
    await settings([await world.serve({ protocol: 'v2' })])
    const { code, stderr } = await home.run(['sessions', 'close', 'nothing'])
    expect(code).toBe(2)
    expect(stderr).toContain('No open session is called nothing')
  })
})

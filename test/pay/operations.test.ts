import { expect, it } from 'vitest'
import type { Channel } from '../../src/ledger/index.js'
import { amount, CURRENCIES } from '../../src/money/index.js'
import { runOperation } from '../../src/pay/index.js'
import type { PolicyDocument } from '../../src/policy/index.js'
import type { ChannelOperation, ChannelWallet } from '../../src/wallet/index.js'
import { offer, quoteOf, resource } from './peers.js'
import { type FakeWorld, fakeWorld, type WorldOptions } from './world.js'

const OTHER_VENDOR: PolicyDocument['vendors'] = [{ origin: 'https://api.other.example' }]

interface Costs {
  readonly cents?: number
  readonly fee?: number
}

/** A world in which the owner runs an operation on a channel, with this price and fee. */
function owner(options: WorldOptions = {}, costs: Costs = {}) {
  const world = fakeWorld(options)
  const wallet: ChannelWallet = Object.assign(world.wallet, {
    inspectChannel: async () => undefined,
    quoteOperation: async (_: unknown, { lane }: Channel, context: Parameters<ChannelWallet['quote']>[1]) => {
      const challenge = offer({ kind: 'tempo/session', cents: 0, ...costs })
      return quoteOf(challenge, context, 'fake:1', [lane])
    },
  })
  world.wallet.hooks.inspect = async () => ({ state: 'settled', reference: '0xfee' })
  const deliver = () => Promise.reject(new Error('no'))
  const run = (operation: ChannelOperation) =>
    runOperation(
      { wallet, channel: CHANNEL, operation, at: resource('/tea'), deliver },
      { call: { context: { agent: 'agent', tasks: [] } }, env: world.env },
    )
  return { world, run }
}

const CHANNEL: Channel = {
  lane: 'channel:1',
  slot: 'slot:1',
  wallet: 'fake:1',
  vendor: 'https://api.shop.example',
  address: 'https://api.shop.example/tea',
  state: 'open',
  deposit: amount(1_000_000n, CURRENCIES.pathUSD),
  funding: [],
  detail: {},
  rev: 1,
}

const signed = ({ wallet }: FakeWorld): number => wallet.signed.length
const TOP_UP: ChannelOperation = { kind: 'topUp', amount: 100_000n }

it('settles an operation that the chain shows as done, and emits no offer for it', async () => {
  const { world, run } = owner()
  const offers = world.heard('offer')
  expect(await run({ kind: 'close' })).toMatchObject({ state: 'settled', delivered: true })
  expect(signed(world)).toBe(1)
  expect(offers).toEqual([])
})

it.each(['close', 'requestClose', 'withdraw'] as const)(
  'lets the owner %s a channel of a vendor that policy does not list any more',
  async (kind) => {
    const { world, run } = owner({ policy: { vendors: OTHER_VENDOR } })
    expect(await run({ kind })).toMatchObject({ state: 'settled', effect: 'allow' })
    expect(signed(world)).toBe(1)
  },
)

it('signs no top-up for a vendor that policy does not list', async () => {
  const { world, run } = owner({ policy: { vendors: OTHER_VENDOR } })
  await expect(run(TOP_UP)).rejects.toMatchObject({ code: 'refused' })
  expect(signed(world)).toBe(0)
})

it('signs no close for which the wallet asks a price that policy does not allow', async () => {
  const { world, run } = owner({ policy: { vendors: OTHER_VENDOR } }, { cents: 10 })
  await expect(run({ kind: 'close' })).rejects.toMatchObject({ code: 'refused' })
  expect(signed(world)).toBe(0)
})

it('signs no close whose fee has no room in the budget', async () => {
  const policy = { vendors: OTHER_VENDOR, budgets: [{ limit: '0.05', per: 'day' as const }] }
  const { world, run } = owner({ policy }, { fee: 10 })
  await expect(run({ kind: 'withdraw' })).rejects.toMatchObject({ code: 'refused' })
  expect(signed(world)).toBe(0)
})

it('signs nothing while the ledger is frozen', async () => {
  const { world, run } = owner()
  await world.env.ledger.freeze('a drill')
  await expect(run({ kind: 'close' })).rejects.toMatchObject({ code: 'frozen' })
  expect(signed(world)).toBe(0)
})

it('tops a channel up after a person approved it, and signs nothing if they do not', async () => {
  const policy: WorldOptions['policy'] = { ask: [{ above: '0.01' }] }
  const yes = owner({ policy, approver: async () => ({ approved: true, by: 'eve' }) }, { cents: 10 })
  expect(await yes.run(TOP_UP)).toMatchObject({ state: 'settled', approvedBy: 'eve' })
  const no = owner({ policy, approver: async () => ({ approved: false, by: 'eve' }) }, { cents: 10 })
  await expect(no.run(TOP_UP)).rejects.toMatchObject({ code: 'refused' })
  expect([signed(yes.world), signed(no.world)]).toEqual([1, 0])
})

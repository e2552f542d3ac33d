import { describe, expect, test } from 'vitest'
import { Reclaims } from '../../src/client/reclaim.js'
import type { Channel } from '../../src/ledger/index.js'
import { amount, CURRENCIES } from '../../src/money/index.js'
import type { ChannelOperation, ChannelView, ChannelWallet } from '../../src/wallet/index.js'
import { ORIGIN, offer, quoteOf } from '../pay/peers.js'
import { fakeWorld } from '../pay/world.js'

const MINUTE = 60_000
const DAY = 1_440 * MINUTE
const deposit = amount(500_000n, CURRENCIES.pathUSD)

const CHANNEL: Channel = {
  lane: 'slot#0',
  slot: 'slot',
  wallet: 'fake:1',
  vendor: ORIGIN,
  address: `${ORIGIN}/tea`,
  state: 'closing',
  deposit,
  funding: [],
  detail: {},
  rev: 0,
}

/** A channel that its vendor has forgotten, and a chain that shows of it what the test says. */
async function forgotten(view: () => Partial<ChannelView>) {
  const world = fakeWorld()
  const { env, rail, wallet } = world
  await env.ledger.putChannel(CHANNEL)
  // Each transaction is included at once: its fee is gone.
  wallet.hooks.complete = async () => void rail.settled.add(String(wallet.signed.at(-1)?.quote.challenge.id))
  const paid: ChannelOperation['kind'][] = []
  const channels: ChannelWallet = Object.assign(wallet, {
    isForgotten: () => true,
    inspectChannel: async () => ({
      deposit,
      captured: amount(0n, CURRENCIES.pathUSD),
      closed: false,
      ...view(),
    }),
    quoteOperation: async (
      { kind }: ChannelOperation,
      _: Channel,
      context: Parameters<ChannelWallet['quote']>[1],
    ) => {
      paid.push(kind)
      return quoteOf(offer({ cents: 0, fee: 1 }), context, wallet.id, [])
    },
  })
  const reclaims = new Reclaims()
  const { signal } = new AbortController()
  const run = (how: 'run' | 'asked' = 'run') =>
    reclaims[how]({ ...env, wallets: [channels] }, 'agent', signal)
  /** Looks as often as somebody could. */
  const wait = async (ms: number, step = MINUTE) => {
    for (let at = 0; at < ms; at += step) {
      world.clock.pass(step)
      await env.ledger.renew(env.owner, 30_000)
      await run()
    }
  }
  return { ...world, paid, run, wait }
}

const CASES: Readonly<Record<string, readonly [ChannelOperation['kind'], () => Partial<ChannelView>]>> = {
  'a forced close': ['requestClose', () => ({})],
  'a withdrawal': ['withdraw', () => ({ withdrawableAt: 1 })],
}

describe.each(Object.entries(CASES))('a node that never shows %s', (_, [kind, view]) => {
  test('makes Purser wait longer and longer, and pay five times at most', async () => {
    const { paid, run, wait, heard } = await forgotten(view)
    const errors = heard('error')
    await run()
    expect(paid).toEqual([kind])
    await wait(10 * MINUTE)
    expect(paid).toHaveLength(4)
    await wait(2 * DAY, 30 * MINUTE)
    expect(paid).toEqual(Array.from({ length: 5 }, () => kind))
    // It goes on looking, and its owner hears of it.
    expect(errors.at(-1)).toMatchObject({
      during: 'fetching a deposit back',
      error: { message: expect.stringMatching(/paid 5 times.*slot#0.*forceClose/) },
    })
  })

  test('makes Purser pay no more often for being asked again and again', async () => {
    const { paid, run } = await forgotten(view)
    for (let time = 0; time < 9; time++) await run('asked')
    expect(paid).toHaveLength(5)
  })
})

test('a close that the chain shows late is paid for no second time', async () => {
  let shown = false
  const { paid, clock, run, wait } = await forgotten(() =>
    shown ? { withdrawableAt: clock.now() + DAY } : {},
  )
  await run()
  shown = true
  await wait(10 * MINUTE)
  expect(paid).toEqual(['requestClose'])
})

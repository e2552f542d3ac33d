import { describe, expect, it } from 'vitest'
import type { Evidence } from '../../src/ledger/index.js'
import type { PolicyDocument } from '../../src/policy/index.js'
import type { Challenge } from '../../src/protocol/index.js'
import { spendAuthorization, type Wallet } from '../../src/wallet/index.js'
import { offer, type Reply, type Server, termsOf } from './peers.js'
import { type FakeWorld, fakeWorld } from './world.js'

const LANE = 'channel#0'
const KIND = 'tempo/session'

interface Totals extends Wallet {
  /** Every signed total, in cents. */
  readonly signed: number[]
}

/** Pays by running totals, as a session does, without a chain. */
function totals(): Totals {
  const signed: number[] = []
  const remembered = new Map<string, Challenge>()
  const totalOf = (after: Evidence): bigint => BigInt(after.refs[0] ?? '0')
  return {
    id: 'totals',
    kinds: [KIND],
    signed,
    async quote(challenge, { resource, channels, earlierEvidence: after }) {
      const terms = termsOf(challenge)
      const at = after === undefined ? await channels.signed(LANE) : totalOf(after)
      const lane = { names: [LANE], otherwise: 'wait', at } as const
      const quote = { wallet: 'totals', challenge, resource, terms, lane }
      return after === undefined ? quote : { ...quote, replaces: { name: LANE, value: at } }
    },
    async prepare(authorization, { now }) {
      const { quote, lane } = spendAuthorization(authorization, now)
      const { challenge, replaces: excludes } = quote
      const cents = BigInt(Number(challenge.request['cents']))
      const total = excludes?.value ?? (lane?.value ?? 0n) + cents
      signed.push(Number(total))
      return {
        evidence: { wallet: 'totals', kind: KIND, refs: [String(total)], detail: null },
        signedTotal: total,
        complete: async () => ({ credential: { challenge, payload: { total: Number(total) } } }),
        discard: async () => undefined,
      }
    },
    inspect: async () => ({ state: 'unknown', reason: 'the channel is open' }),
    async onAccepted({ challenge, resource }) {
      remembered.set(resource.operation, challenge)
    },
    rememberedChallenge: ({ operation }) => remembered.get(operation),
  }
}

/** Serves each call for ten cents of the given total. It can lose a request or an answer. */
function channelServer(server: Server): {
  readonly spent: () => number
  lose: 'nothing' | 'before' | 'after'
} {
  let accepted = 0
  let spent = 0
  const state = { spent: () => spent, lose: 'nothing' as 'nothing' | 'before' | 'after' }
  server.offers = () => [offer({ kind: KIND })]
  server.paid = ({ credential }): Reply => {
    const { lose } = state
    state.lose = 'nothing'
    if (lose === 'before') throw new TypeError('fetch failed')
    accepted = Math.max(accepted, Number(credential?.payload['total']))
    if (accepted - spent < 10) return server.ask()
    spent += 10
    if (lose === 'after') throw new TypeError('fetch failed')
    const receipt = { success: true, method: 'tempo', claims: { spent } }
    return { reading: { kind: 'response', ok: true, status: 200, receipt } }
  }
  return state
}

const setUp = (
  policy: PolicyDocument = {},
): { world: FakeWorld; wallet: Totals; channel: ReturnType<typeof channelServer> } => {
  const wallet = totals()
  const world = fakeWorld({ others: [wallet], policy })
  return { world, wallet, channel: channelServer(world.server) }
}

describe('payments by running totals', () => {
  it('ask once, and pay with the request from then on', async () => {
    const { world, wallet, channel } = setUp()
    for (let n = 0; n < 6; n++) expect((await world.pay()).reading).toMatchObject({ ok: true })
    expect(world.server.sent).toHaveLength(7)
    expect(wallet.signed).toEqual([10, 20, 30, 40, 50, 60])
    expect(channel.spent()).toBe(60)
    expect(await world.counted()).toBe(60)
    expect(await world.env.ledger.signed(LANE)).toBe(60n)
  })

  it('run one after another on one channel, in their order', async () => {
    const { world, wallet } = setUp()
    await world.pay()
    const replies = await Promise.all(Array.from({ length: 20 }, () => world.pay()))
    expect(replies.every(({ reading }) => reading.kind === 'response' && reading.ok)).toBe(true)
    expect(wallet.signed).toEqual(Array.from({ length: 21 }, (_, n) => (n + 1) * 10))
    expect(world.server.sent).toHaveLength(22)
  })

  it('start together on one channel', async () => {
    const { world, wallet, channel } = setUp()
    await Promise.all(Array.from({ length: 10 }, () => world.pay()))
    expect(wallet.signed).toEqual(Array.from({ length: 10 }, (_, n) => (n + 1) * 10))
    expect(channel.spent()).toBe(100)
  })

  it('are sent unpaid if policy refuses, and the refusal is reported and recorded once', async () => {
    const { world, wallet } = setUp({ budgets: [{ limit: '0.15', per: 'day' }] })
    await world.pay()
    const decisions = world.heard('decision')
    const before = world.server.sent.length
    expect(await world.fails()).toMatchObject({ code: 'refused', funds: 'untouched' })
    expect(world.server.sent.slice(before).map(({ credential }) => credential)).toEqual([undefined])
    expect(decisions).toHaveLength(1)
    expect((await world.payments()).map(({ state }) => state)).toEqual(['settled', 'denied'])
    expect(wallet.signed).toEqual([10])
  })

  it('are sent unpaid if an approval is needed, and then a person is asked', async () => {
    const wallet = totals()
    const asked: number[] = []
    const world = fakeWorld({
      others: [wallet],
      policy: { ask: [{ above: '0.05' }] },
      approver: async () => {
        asked.push(world.server.sent.length)
        return { approved: true, by: 'ann' }
      },
    })
    channelServer(world.server)
    await world.pay()
    await world.pay()
    const credentials = world.server.sent.map(({ credential }) => credential !== undefined)
    expect(credentials).toEqual([false, true, false, true])
    expect(asked).toEqual([1, 3])
  })

  it('answer a 402 with the same total on the new challenge', async () => {
    const { world, wallet, channel } = setUp()
    await world.pay()
    const take = world.server.paid
    let refuse = true
    world.server.paid = (outgoing, turn) => {
      if (!refuse) return take(outgoing, turn)
      refuse = false
      return world.server.ask()
    }
    expect((await world.pay()).reading).toMatchObject({ ok: true })
    expect(wallet.signed).toEqual([10, 20, 20])
    expect(channel.spent()).toBe(20)
    expect(await world.counted()).toBe(20)
  })

  it('send the same credential again if the answer is lost', async () => {
    const { world, wallet, channel } = setUp()
    await world.pay()
    channel.lose = 'before'
    expect((await world.pay()).reading).toMatchObject({ ok: true })
    expect(wallet.signed).toEqual([10, 20])
    expect(channel.spent()).toBe(20)
  })

  it('leave a doubt if the server accepted it and does not answer, and the next call continues above it', async () => {
    const { world, wallet, channel } = setUp()
    await world.pay()
    channel.lose = 'after'
    expect(await world.fails()).toMatchObject({ code: 'payment_in_doubt', funds: 'unknown' })
    expect(await world.counted()).toBe(20)
    expect((await world.pay({ path: '/other' })).reading).toMatchObject({ ok: true })
    expect(wallet.signed.at(-1)).toBe(30)
    expect(await world.counted()).toBe(30)
  })

  it('continue where a dead process had stopped', async () => {
    const { world, wallet } = setUp()
    await world.pay()
    world.server.paid = () => new Promise<Reply>(() => undefined)
    void world.pay({ path: '/dying' })
    while (wallet.signed.length < 2) await new Promise((resolve) => setImmediate(resolve))
    // Its lease is not renewed any more.
    await world.env.ledger.retire(world.env.owner)
    const other = world.neighbour()
    channelServer(other.server)
    expect((await other.pay({ path: '/alive' })).reading).toMatchObject({ ok: true })
    expect(wallet.signed).toEqual([10, 20, 30])
  })
})

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { openSocket } from '../../src/socket/index.js'
import { readAll } from '../socket/kit.js'
import { type SessionBuyer, sessionBuyer } from './buyer.js'
import { credentialOf } from './fixtures/seen.js'
import type { SessionServer } from './fixtures/server.js'
import { type ChannelWorld, channelWorld, GRACE_SECONDS } from './fixtures/world.js'

/** The kinds of anomaly that listeners hear, with their words. */
function heard({ purser }: SessionBuyer): { kind: string; message: string }[] {
  const told: { kind: string; message: string }[] = []
  purser.on('anomaly', ({ kind, message }) => void told.push({ kind, message }))
  return told
}

/** Credentials that came for this channel. */
const credentialsOn = (server: SessionServer, id: string) =>
  server.paid().filter(({ credential }) => credential?.channelId === id)

const opened = (server: SessionServer): string =>
  server.paid('open').at(-1)?.credential?.channelId ?? expect.fail('no channel')

const statesOf = async (buyer: SessionBuyer) => (await buyer.channels()).map(({ state }) => state)

describe.each(['v2', 'v1'] as const)(
  'a server of protocol %s that has forgotten its channels',
  (protocol) => {
    let world: ChannelWorld
    beforeAll(async () => {
      world = await channelWorld()
    })
    afterAll(() => world.stop())

    async function restarted(path = '/paid') {
      const server = await world.serve({ protocol })
      const buyer = await sessionBuyer(world, [server], { wallet: { deposit: '0.5' } })
      const told = heard(buyer)
      for (let call = 0; call < 3; call++) await buyer.purser.fetch(server.url('/paid'))
      const old = opened(server)
      server.restart()
      server.forget()
      const statuses = async (calls: number) => {
        const all: number[] = []
        for (let call = 0; call < calls; call++) all.push((await buyer.purser.fetch(server.url(path))).status)
        return all
      }
      return { server, buyer, told, old, statuses }
    }

    it('gets one voucher on the old channel, and the same request then opens a new one', async () => {
      const { server, buyer, told, old, statuses } = await restarted()
      const first = await buyer.purser.fetch(server.url('/paid'))
      expect(first.status).toBe(410)
      // The first caller is told that the same request may be sent again.
      const outcome = buyer.purser.paymentFor(first)
      expect(outcome).toMatchObject({ state: 'committed', repeatable: true, rejection: { status: 410 } })
      expect(await statuses(3)).toEqual([200, 200, 200])
      expect(credentialsOn(server, old)).toHaveLength(1)
      expect(server.paid('open')).toHaveLength(1)
      expect(await statesOf(buyer)).toEqual(['closing', 'open'])
      expect(told.filter(({ kind }) => kind === 'session_forgotten')).toEqual([
        {
          kind: 'session_forgotten',
          message: expect.stringContaining('at least 0.46 AlphaUSD of its deposit'),
        },
      ])
      // What was signed and not served counts on, until the chain shows its end.
      const [doubt] = (await buyer.payments()).filter(({ rejection }) => rejection !== undefined)
      expect(doubt).toMatchObject({ state: 'committed', units: 10_000_000n, rejection: { status: 410 } })
    })

    it('gets one voucher from parallel calls', async () => {
      const { server, buyer, old } = await restarted()
      const calls = Array.from({ length: 6 }, (_, call) => buyer.purser.fetch(server.url(`/paid?${call}`)))
      const statuses = (await Promise.all(calls)).map(({ status }) => status)
      expect(statuses.filter((status) => status === 410)).toHaveLength(1)
      expect(statuses.filter((status) => status === 200)).toHaveLength(5)
      expect(credentialsOn(server, old)).toHaveLength(1)
      expect(server.paid('open')).toHaveLength(1)
    })

    it('is recognised by the status alone, because a HEAD has no body', async () => {
      const { server, buyer, told, old } = await restarted()
      const init = { method: 'HEAD' }
      expect((await buyer.purser.fetch(server.url('/paid'), init)).status).toBe(410)
      expect((await buyer.purser.fetch(server.url('/paid'), init)).ok).toBe(true)
      expect(credentialsOn(server, old)).toHaveLength(1)
      expect(told.map(({ kind }) => kind)).toContain('session_forgotten')
    })

    it('is not paid a second time under the same Idempotency-Key', async () => {
      const { server, buyer, old } = await restarted()
      const init = { headers: { 'idempotency-key': 'order-1' } }
      expect((await buyer.purser.fetch(server.url('/paid'), init)).status).toBe(410)
      const again = await buyer.purser.fetch(server.url('/paid'), init)
      expect([again.status, (await again.json()).code]).toEqual([402, 'payment_in_doubt'])
      expect(server.paid()).toHaveLength(1)
      expect(credentialsOn(server, old)).toHaveLength(1)
    })

    it('gets no voucher after a top-up that it rejects', async () => {
      const server = await world.serve({ protocol })
      const buyer = await sessionBuyer(world, [server], { wallet: { deposit: '0.02' } })
      const told = heard(buyer)
      for (let call = 0; call < 2; call++) await buyer.purser.fetch(server.url('/paid'))
      const old = opened(server)
      server.restart()
      server.forget()
      await expect(buyer.purser.fetch(server.url('/paid'))).rejects.toMatchObject({
        code: 'payment_in_doubt',
        message: expect.stringMatching(/session_forgotten.*Send the request again/),
      })
      expect((await buyer.purser.fetch(server.url('/paid'))).status).toBe(200)
      expect(credentialsOn(server, old).map(({ credential }) => credential?.action)).toEqual(['topUp'])
      expect(told.map(({ kind }) => kind)).toContain('session_forgotten')
    })

    it('gets one more voucher in the middle of a stream', async () => {
      const server = await world.serve({ protocol })
      const buyer = await sessionBuyer(world, [server], { wallet: { deposit: '0.5' } })
      const told = heard(buyer)
      const reader = (await buyer.purser.fetch(server.url('/stream/9'))).body?.getReader()
      await reader?.read()
      const old = opened(server)
      server.restart()
      server.forget()
      const reading = drained(reader)
      await expect.poll(() => statesOf(buyer)).toEqual(['closing'])
      await reader?.cancel()
      await reading
      expect(await (await buyer.purser.fetch(server.url('/stream/3'))).text()).toContain('event 3 of 3')
      expect(credentialsOn(server, old)).toHaveLength(1)
      expect(told.map(({ kind }) => kind)).toContain('session_forgotten')
    })

    it('gets one voucher from a socket, and the next socket opens a channel', async () => {
      const { server, buyer, told, old } = await restarted()
      const open = () => openSocket(buyer.purser, server.socketUrl('/socket/3'), { WebSocket })
      await expect(open()).rejects.toMatchObject({ code: 'payment_in_doubt' })
      expect(await statesOf(buyer)).toEqual(['closing'])
      expect(told.map(({ kind }) => kind)).toContain('session_forgotten')
      expect(await readAll(await open())).toHaveLength(3)
      expect((await buyer.channels()).map(({ state }) => state)).toEqual(['closing', 'open'])
      expect(await buyer.ledger.signed((await buyer.channels())[0]?.lane ?? '')).toBe(40_000n)
      expect(credentialsOn(server, old)).toEqual([])
    })

    it('gives the deposit back by a forced close when its session is closed', async () => {
      const { server, buyer, old } = await restarted()
      const [session] = await buyer.purser.sessions.list()
      expect(await buyer.purser.sessions.close(session?.id ?? '')).toMatchObject({ state: 'closing' })
      expect((await world.channel(protocol, `0x${old.slice(2)}`)).closeRequestedAt).toBeGreaterThan(0)
      expect((await buyer.purser.fetch(server.url('/paid'))).status).toBe(200)
    })

    it('loses the deposit by a forced close without a call of the owner', {
      timeout: 30_000,
    }, async () => {
      const { old, statuses } = await restarted()
      expect(await statuses(1)).toEqual([410])
      const asked = async () => (await world.channel(protocol, `0x${old.slice(2)}`)).closeRequestedAt
      await expect.poll(asked, { timeout: 20_000 }).toBeGreaterThan(0)
    })
  },
)

describe.each(['v2', 'v1'] as const)('the deposit of a forgotten channel, protocol %s', (protocol) => {
  it('is returned in full, including the signed amounts', { timeout: 60_000 }, async () => {
    // The clock of this chain is set ahead, so nothing else shares it.
    const world = await channelWorld()
    try {
      const clock = { ahead: 0 }
      const now = () => Date.now() + clock.ahead
      const server = await world.serve({ protocol, validityMs: 7_200_000 })
      const buyer = await sessionBuyer(world, [server], { wallet: { deposit: '0.5', now }, now })
      for (let call = 0; call < 3; call++) await buyer.purser.fetch(server.url('/paid'))
      const old = opened(server)
      server.restart()
      expect((await buyer.purser.fetch(server.url('/paid'))).status).toBe(410)
      expect((await buyer.purser.fetch(server.url('/paid'))).status).toBe(200)
      await buyer.purser.recover()
      await world.wait(GRACE_SECONDS + 30)
      clock.ahead = (GRACE_SECONDS + 30) * 1000
      await world.chain.mine(3)
      await buyer.purser.recover({ reconcile: true })
      expect(await world.channel(protocol, `0x${old.slice(2)}`)).toMatchObject({ closed: true })
      expect(await statesOf(buyer)).toEqual(['closed', 'open'])
      await buyer.purser.recover({ reconcile: true })
      // The vendor took nothing of the old channel: all that is gone is the new deposit, and fees.
      const [, session] = await buyer.channels()
      const signed = await buyer.ledger.signed(session?.lane ?? '')
      expect(await buyer.booked()).toBe((await buyer.left()) - 500_000n + signed)
    } finally {
      await world.stop()
    }
  })
})

describe.each(['v2', 'v1'] as const)('a server of protocol %s that denies every channel', (protocol) => {
  let world: ChannelWorld
  beforeAll(async () => {
    world = await channelWorld()
  })
  afterAll(() => world.stop())

  it.each<[string, () => Response]>([
    ['with a problem', () => denial('https://paymentauth.org/problems/session/channel-not-found', 410)],
    [
      'by calling it finalized',
      () => denial('https://paymentauth.org/problems/session/channel-finalized', 410),
    ],
    ['with a 402', () => denial('https://paymentauth.org/problems/session/channel-not-found', 402)],
    ['without a word', () => new Response(null, { status: 410 })],
  ])('%s gets one voucher, and one opening', async (_, deny) => {
    const server = await world.serve({ protocol })
    const credentials: string[] = []
    let denies = false
    const buyer = await sessionBuyer(world, [server], {
      wallet: { deposit: '0.1' },
      fetch: async (input, init) => {
        const { action } = credentialOf(new Request(input, init).headers.get('authorization')) ?? {}
        if (!denies || action === undefined) return fetch(input, init)
        credentials.push(action)
        return deny()
      },
    })
    for (let call = 0; call < 2; call++) await buyer.purser.fetch(server.url('/paid'))
    denies = true
    for (let call = 0; call < 8; call++)
      await buyer.purser.fetch(server.url(`/paid?${call}`)).catch(() => undefined)
    expect(credentials).toEqual(['voucher', 'open'])
  })

  it('that serves one call on each channel waits longer and longer for the next', async () => {
    const server = await world.serve({ protocol })
    const buyer = await sessionBuyer(world, [server], { wallet: { deposit: '0.1' } })
    const reasons: string[] = []
    for (let call = 0; call < 8; call++) {
      const reply = await buyer.purser.fetch(server.url(`/paid?${call}`))
      if (reply.status === 402) reasons.push((await reply.json()).detail)
      server.restart()
    }
    expect(server.paid('open')).toHaveLength(2)
    expect(reasons).toHaveLength(4)
    expect(reasons[0]).toMatch(/has forgotten 2 sessions within a day, so none is opened there before 2/)
  })
})

function denial(type: string, status: number): Response {
  return new Response(JSON.stringify({ type, title: 'Channel Not Found', status }), {
    status,
    headers: { 'content-type': 'application/problem+json' },
  })
}

/** Reads to the end, whatever end that is. */
async function drained(reader: ReadableStreamDefaultReader<Uint8Array> | undefined): Promise<void> {
  try {
    while ((await reader?.read())?.done === false);
  } catch {
    // The connection is gone.
  }
}

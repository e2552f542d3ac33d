import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sqliteLedger } from '../../src/entry/ledger-sqlite.js'
import { ACCOUNTS, alphaUSD } from '../chain/chain.js'
import { sessionBuyer } from './buyer.js'
import { credentialOf } from './fixtures/seen.js'
import type { SessionServer } from './fixtures/server.js'
import { type ChannelWorld, channelWorld } from './fixtures/world.js'

const PRICE = 10_000n

let world: ChannelWorld

beforeAll(async () => {
  world = await channelWorld()
})
afterAll(() => world.stop())

const idAt = (server: SessionServer) =>
  server.paid('open')[0]?.credential?.channelId ?? expect.fail('no channel')

/** The transaction of a request that opens a channel. */
function openingIn(input: RequestInfo | URL, init?: RequestInit): { transaction: string } | undefined {
  const header = new Request(input, init).headers.get('authorization')
  const json = Object(Object(credentialOf(header)?.json).payload)
  return json.action === 'open' ? { transaction: String(json.transaction) } : undefined
}

describe.each(['v2', 'v1'] as const)('a session of protocol %s', (protocol) => {
  it.each([
    ['payer', '/paid'],
    ['server', '/sponsored/paid'],
  ])('is topped up if it runs out, and closed to the last unit; the %s pays the fees', async (who, path) => {
    const server = await world.serve({ protocol })
    const buyer = await sessionBuyer(world, [server], { wallet: { deposit: '0.03', topUp: '0.04' } })
    const payee = await world.chain.balanceOf(alphaUSD, ACCOUNTS.payee.address)
    for (let call = 0; call < 5; call++) expect((await buyer.purser.fetch(server.url(path))).status).toBe(200)
    expect(server.paid('topUp').map(({ status }) => status)).toEqual([204])
    const id = idAt(server)
    expect(await world.channel(protocol, id)).toMatchObject({ deposit: 70_000n, settled: 0n })
    const [open] = await buyer.purser.sessions.list()
    expect(open).toMatchObject({ state: 'open', deposit: { value: 70_000n }, signed: { value: 50_000n } })

    const session = open ?? expect.fail('no session')
    const closed = await buyer.purser.sessions.close(session.id)
    expect(closed.state).toBe('closed')
    expect(await world.channel(protocol, id)).toMatchObject({ closed: true })
    expect((await world.chain.balanceOf(alphaUSD, ACCOUNTS.payee.address)) - payee).toBe(5n * PRICE)
    const fees = (await buyer.left()) - 5n * PRICE
    if (who === 'server') expect(fees).toBe(0n)
    else expect(fees).toBeGreaterThan(0n)
    await buyer.purser.recover({ reconcile: true })
    expect((await buyer.payments()).map(({ state }) => state)).toEqual(
      Array.from({ length: 6 }, () => 'settled'),
    )
    expect(await buyer.booked()).toBe(5n * PRICE + fees)
    const budgets = await buyer.purser.budgets()
    expect(budgets).toBeDefined()
  })

  it('counts the charged fees, not their bounds, while it is open', async () => {
    const server = await world.serve({ protocol })
    const buyer = await sessionBuyer(world, [server], { wallet: { deposit: '0.02' } })
    for (let call = 0; call < 3; call++) await buyer.purser.fetch(server.url('/paid'))
    const bounds = await buyer.booked()
    expect(await buyer.purser.recover({ reconcile: true })).toMatchObject({ fees: 2 })
    const [opened, , toppedUp] = await buyer.payments()
    for (const payment of [opened, toppedUp])
      expect(payment).toMatchObject({ state: 'settled', proof: 'receipt', spent: { value: PRICE } })
    // Of the 40,000 locked up, what is left beyond the prices comes back.
    expect(await buyer.booked()).toBe((await buyer.left()) - 10_000n)
    expect(await buyer.booked()).toBeLessThan(bounds)
    expect(await buyer.purser.recover({ reconcile: true })).toMatchObject({ fees: 0 })
  })

  it('is topped up by its owner', async () => {
    const server = await world.serve({ protocol })
    const buyer = await sessionBuyer(world, [server], { wallet: { deposit: '0.02' } })
    await buyer.purser.fetch(server.url('/paid'))
    const [open] = await buyer.purser.sessions.list()
    const after = await buyer.purser.sessions.topUp(open?.id ?? '', '0.05')
    expect(after).toMatchObject({ state: 'open', deposit: { value: 70_000n } })
    expect(await world.channel(protocol, idAt(server))).toMatchObject({ deposit: 70_000n })
  })

  it('is opened once by parallel calls, and continues in another process', async () => {
    const server = await world.serve({ protocol })
    const first = await sessionBuyer(world, [server], { wallet: { deposit: '0.5' } })
    const replies = await Promise.all(
      Array.from({ length: 10 }, () => first.purser.fetch(server.url('/paid'))),
    )
    expect(replies.map(({ status }) => status)).toEqual(Array.from({ length: 10 }, () => 200))
    const { account, ledger } = first
    const second = await sessionBuyer(world, [server], { account, ledger })
    expect((await second.purser.fetch(server.url('/paid'))).status).toBe(200)
    expect(server.paid('open')).toHaveLength(1)
    expect(await server.books(idAt(server))).toMatchObject({ accepted: 11n * PRICE, spent: 11n * PRICE })
  })

  it('outlives its process in a file', async () => {
    const server = await world.serve({ protocol })
    const file = join(mkdtempSync(join(tmpdir(), 'purser-session-')), 'ledger.db')
    const wallet = { deposit: '0.02' }
    const first = await sessionBuyer(world, [server], { wallet, ledger: sqliteLedger({ path: file }) })
    for (let call = 0; call < 3; call++) await first.purser.fetch(server.url('/paid'))
    await first.purser.close()
    const { account } = first
    const second = await sessionBuyer(world, [server], {
      wallet,
      account,
      ledger: sqliteLedger({ path: file }),
    })
    expect((await second.purser.fetch(server.url('/paid'))).status).toBe(200)
    expect(server.paid('open')).toHaveLength(1)
    const [session] = await second.purser.sessions.list()
    expect(session).toMatchObject({ signed: { value: 4n * PRICE }, deposit: { value: 40_000n } })
    expect(await second.purser.sessions.close(session?.id ?? '')).toMatchObject({ state: 'closed' })
    await second.purser.close()
  })

  it('is found again if the answer to its opening was lost', async () => {
    const server = await world.serve({ protocol })
    const buyer = await sessionBuyer(world, [server], { wallet: { deposit: '0.5' } })
    server.fail('error-after-payment')
    expect((await buyer.purser.fetch(server.url('/paid'))).status).toBe(500)
    expect((await buyer.channels())[0]?.state).toBe('open')
    expect((await buyer.purser.fetch(server.url('/paid?again'))).status).toBe(200)
    expect(server.paid('open')).toHaveLength(1)
    expect(await server.books(idAt(server))).toMatchObject({ accepted: 2n * PRICE, spent: 2n * PRICE })
  })

  it.each(['/paid', '/sponsored/paid'])(
    'is opened by the same transaction if a fresh challenge asks for it, at %s',
    async (path) => {
      const server = await world.serve({ protocol })
      const openings: string[] = []
      const buyer = await sessionBuyer(world, [server], {
        wallet: { deposit: '0.5' },
        // The first opening never gets there: the server answers as if there had been none.
        fetch: (input, init) => {
          const credential = openingIn(input, init)
          if (credential !== undefined) openings.push(credential.transaction)
          return credential !== undefined && openings.length === 1
            ? fetch(server.url(path))
            : fetch(input, init)
        },
      })
      expect((await buyer.purser.fetch(server.url(path))).status).toBe(200)
      const [first, second] = openings
      expect(openings).toHaveLength(2)
      expect(second).toBe(first)
      expect(await world.channel(protocol, idAt(server))).toMatchObject({ deposit: 500_000n })
      const [payment] = await buyer.payments()
      expect(payment).toMatchObject({ state: 'settled', delivered: true })
      expect(payment?.attempts.map((attempt) => attempt.void)).toEqual([undefined, undefined])
      // The fee is read by then, although the channel is open.
      await buyer.purser.recover({ reconcile: true })
      expect(await buyer.booked()).toBe((await buyer.left()) - 490_000n)
    },
  )

  it('answers a fresh challenge with the same total', async () => {
    const server = await world.serve({ protocol })
    let refuse = false
    const buyer = await sessionBuyer(world, [server], {
      wallet: { deposit: '0.5' },
      // Once, a voucher never gets there: the server answers as if there had been none.
      fetch: (input, init) => {
        const asked = refuse
        refuse = false
        return asked ? fetch(server.url('/paid')) : fetch(input, init)
      },
    })
    await buyer.purser.fetch(server.url('/paid'))
    refuse = true
    expect((await buyer.purser.fetch(server.url('/paid'))).status).toBe(200)
    const totals = server.paid('voucher').map(({ credential }) => credential?.cumulative)
    expect(totals).toEqual([2n * PRICE])
    expect(await buyer.booked()).toBeLessThan(2n * PRICE + 60_000n)
  })

  it('settles a total that the server says it has already served', async () => {
    const server = await world.serve({ protocol })
    const buyer = await sessionBuyer(world, [server], { wallet: { deposit: '0.5' } })
    await buyer.purser.fetch(server.url('/paid'))
    server.rewrite(async () => fetch(server.url('/paid')))
    await expect(buyer.purser.fetch(server.url('/paid'))).rejects.toMatchObject({
      code: 'paid_not_delivered',
      funds: 'settled',
    })
    expect((await buyer.purser.fetch(server.url('/paid?next'))).status).toBe(200)
    const totals = server.paid('voucher').map(({ credential }) => credential?.cumulative)
    expect(totals).toEqual([2n * PRICE, 2n * PRICE, 3n * PRICE])
  })

  it('ends when the vendor closes it, and the next call opens another', async () => {
    const server = await world.serve({ protocol, channelStateTtl: 0 })
    const buyer = await sessionBuyer(world, [server], { wallet: { deposit: '0.5' } })
    await buyer.purser.fetch(server.url('/paid'))
    const id = idAt(server)
    await server.close(id)
    await world.chain.mine(3)
    for (let call = 0; call < 3; call++) await buyer.purser.fetch(server.url('/paid'))
    expect((await buyer.channels()).map(({ state }) => state)).toEqual(['closed', 'open'])
  })

  it('is paid with a separate voucher key', async () => {
    const server = await world.serve({ protocol })
    const hot = privateKeyToAccount(generatePrivateKey())
    const buyer = await sessionBuyer(world, [server], { wallet: { deposit: '0.5', authorizedSigner: hot } })
    for (let call = 0; call < 3; call++)
      expect((await buyer.purser.fetch(server.url('/paid'))).status).toBe(200)
    const [session] = await buyer.purser.sessions.list()
    await buyer.purser.sessions.close(session?.id ?? '')
    expect(await world.channel(protocol, idAt(server))).toMatchObject({ closed: true })
    expect(buyer.wallet.id).toBe(
      `tempo-session:${buyer.account.address.toLowerCase()}:${hot.address.toLowerCase()}`,
    )
  })
})

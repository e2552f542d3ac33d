import { privateKeyToAccount } from 'viem/accounts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { memoryLedger } from '../../src/entry/ledger-memory.js'
import type { Ledger } from '../../src/ledger/index.js'
import { currencyTable } from '../../src/money/index.js'
import { type Challenge, parseChallenges } from '../../src/protocol/index.js'
import type { QuoteContext } from '../../src/wallet/index.js'
import { tempo } from '../../src/wallet/tempo/index.js'
import { ACCOUNTS, LOCAL_CURRENCIES } from '../chain/chain.js'
import { sessionBuyer } from './buyer.js'
import type { SessionServer } from './fixtures/server.js'
import { type ChannelWorld, channelWorld } from './fixtures/world.js'

const PRICE = 10_000n

let world: ChannelWorld

beforeAll(async () => {
  world = await channelWorld()
})
afterAll(() => world.stop())

async function opened(): Promise<{
  server: SessionServer
  id: `0x${string}`
  account: ReturnType<typeof privateKeyToAccount>
}> {
  const server = await world.serve({ protocol: 'v2', recall: 'snapshot' })
  const { key, address: _ } = await world.chain.account(2_000_000n)
  const account = privateKeyToAccount(key)
  const buyer = await sessionBuyer(world, [server], { account, wallet: { deposit: '0.5' } })
  for (let call = 0; call < 3; call++) await buyer.purser.fetch(server.url('/paid'))
  return { server, account, id: server.paid('open')[0]?.credential?.channelId ?? expect.fail('no channel') }
}

describe('a channel that the server remembers and the ledger does not', () => {
  it('is restored above the total with the payer’s signature', async () => {
    const { server, account, id } = await opened()
    const buyer = await sessionBuyer(world, [server], { account, ledger: memoryLedger() })
    const headers = { 'payment-session': id }
    expect((await buyer.purser.fetch(server.url('/paid'), { headers })).status).toBe(200)
    expect((await buyer.purser.fetch(server.url('/paid'), { headers })).status).toBe(200)
    expect(server.paid('open')).toHaveLength(1)
    expect(await server.books(id)).toMatchObject({ accepted: 5n * PRICE, spent: 5n * PRICE })
    expect(await buyer.booked()).toBe(2n * PRICE)
    const [session] = await buyer.purser.sessions.list()
    await buyer.purser.sessions.close(session?.id ?? '')
    expect(await world.channel('v2', id)).toMatchObject({ closed: true })
  })

  it('is found on request, and the next call uses it', async () => {
    const { server, account, id } = await opened()
    const rpc = { [world.chain.id]: world.chain.url }
    const buyer = await sessionBuyer(world, [server], { account, beside: [tempo({ account, rpc })] })
    expect(await buyer.purser.sessions.recall(server.url('/paid'))).toBe(true)
    expect(await buyer.left()).toBe(0n)
    for (let call = 0; call < 2; call++)
      expect((await buyer.purser.fetch(server.url('/paid'))).status).toBe(200)
    expect(server.paid('open')).toHaveLength(1)
    expect(await server.books(id)).toMatchObject({ accepted: 5n * PRICE, spent: 5n * PRICE })
    const [session] = await buyer.purser.sessions.list()
    expect(session).toMatchObject({ deposit: { value: 500_000n }, signed: { value: 5n * PRICE } })
    // What the ledger knows is not told again.
    expect(await buyer.purser.sessions.recall(server.url('/paid'))).toBe(false)
  })

  it('counts its deposit against the policy before anything is signed on it', async () => {
    const { server, account } = await opened()
    const rpc = { [world.chain.id]: world.chain.url }
    const policy = { deposits: '0.4' }
    const buyer = await sessionBuyer(world, [server], { account, policy, beside: [tempo({ account, rpc })] })
    expect(await buyer.purser.sessions.recall(server.url('/paid'))).toBe(true)
    expect((await buyer.purser.fetch(server.url('/paid'))).status).toBe(402)
    expect(server.paid('voucher')).toHaveLength(2)
  })

  it.each<[string, (snapshot: Snapshot) => unknown]>([
    ['somebody else’s signature', raised],
    ['another descriptor', resalted],
    ['another escrow', (snapshot) => ({ ...snapshot, escrow: ACCOUNTS.payee.address })],
    ['another chain', (snapshot) => ({ ...snapshot, chainId: 4217 })],
    ['no voucher', ({ highestVoucher: _, ...snapshot }) => snapshot],
    ['nonsense', () => 'nonsense'],
  ])('is not found if the answer has %s', async (_, forge) => {
    const { server, account } = await opened()
    const rpc = { [world.chain.id]: world.chain.url }
    const buyer = await sessionBuyer(world, [server], { account, beside: [tempo({ account, rpc })] })
    let lies = 0
    // The first answer asks who we are.
    server.rewrite((response) => response)
    server.rewrite((response) => {
      const said = response.headers.get('payment-session-snapshot') ?? ''
      lies++
      const lie = JSON.stringify(forge(JSON.parse(atob(said))))
      const headers = new Headers(response.headers)
      headers.set('payment-session-snapshot', btoa(lie))
      return new Response(null, { status: 204, headers })
    })
    expect(await buyer.purser.sessions.recall(server.url('/paid'))).toBe(false)
    expect(lies).toBe(1)
  })

  it('leaves no voucher in the ledger', async () => {
    const { server, account, id } = await opened()
    const buyer = await sessionBuyer(world, [server], { account, ledger: memoryLedger() })
    const headers = { 'payment-session': id }
    for (let call = 0; call < 2; call++) await buyer.purser.fetch(server.url('/paid'), { headers })
    const [session] = await buyer.purser.sessions.list()
    await buyer.purser.sessions.close(session?.id ?? '')
    const rows = JSON.stringify([await buyer.channels(), await buyer.payments()], (_, each: unknown) =>
      typeof each === 'bigint' ? String(each) : each,
    )
    // What a challenge keeps for its server is encoded once more.
    const texts = [rows, ...(rows.match(/[\w-]{100,}/g) ?? []).map((text) => atob(asBase64(text)))].join()
    const signatures = server.paid().flatMap(({ credential }) => credential?.signature ?? [])
    expect(signatures.length).toBeGreaterThan(4)
    for (const signature of signatures) expect(texts).not.toContain(signature.slice(2, 100))
  })

  it.each([
    ['somebody else’s signature', raised],
    ['no voucher', ({ highestVoucher: _, ...snapshot }: Snapshot) => snapshot],
    ['another descriptor', resalted],
  ])('is not restored with %s', async (_, forge) => {
    const { server, account, id } = await opened()
    const buyer = await sessionBuyer(world, [server], { account, wallet: { deposit: '0.2' } })
    const response = await fetch(server.url('/paid'), { headers: { 'payment-session': id } })
    const [challenge] = parseChallenges(response.headers.get('www-authenticate') ?? '').challenges
    if (challenge === undefined) return expect.fail('no challenge')
    const quoted = async (one: Challenge) => {
      const quote = await buyer.wallet.quote(one, contextOf(buyer.ledger, server))
      return 'unpayable' in quote ? expect.fail(quote.unpayable) : quote
    }
    // What lies in the channel already is exposure; a new one would get what the wallet was told.
    expect((await quoted(challenge)).terms.locks).toMatchObject({ value: 500_000n })
    expect((await quoted(forged(challenge, forge))).terms.locks).toMatchObject({ value: 200_000n })
  })
})

const asBase64 = (text: string): string => text.replaceAll('-', '+').replaceAll('_', '/')

interface Snapshot {
  readonly [name: string]: unknown
  readonly highestVoucher: Record<string, unknown>
  readonly descriptor: Record<string, unknown>
}

function raised(snapshot: Snapshot): unknown {
  return { ...snapshot, highestVoucher: { ...snapshot.highestVoucher, cumulativeAmount: '400000' } }
}

function resalted(snapshot: Snapshot): unknown {
  return { ...snapshot, descriptor: { ...snapshot.descriptor, salt: `0x${'11'.repeat(32)}` } }
}

/** The same challenge with another snapshot. */
function forged(challenge: Challenge, forge: (snapshot: Snapshot) => unknown): Challenge {
  const { request } = challenge
  const details = JSON.parse(JSON.stringify(request['methodDetails']))
  details.sessionSnapshot = forge(details.sessionSnapshot)
  return { ...challenge, request: JSON.parse(JSON.stringify({ ...request, methodDetails: details })) }
}

function contextOf(ledger: Ledger, server: SessionServer): QuoteContext {
  return {
    resource: {
      transport: 'http',
      vendor: server.origin,
      operation: 'GET /paid',
      address: server.url('/paid'),
      method: 'GET',
      path: '/paid',
    },
    bounds: { maxValidityMs: 60_000, maxLock: 5_000_000_000n, unit: 'iso4217:USD' },
    now: Date.now(),
    ledger: 'ledger',
    currencies: currencyTable(LOCAL_CURRENCIES),
    channels: ledger,
  }
}

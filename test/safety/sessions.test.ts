import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ACCOUNTS, alphaUSD } from '../chain/chain.js'
import { type SessionBuyer, sessionBuyer } from '../session/buyer.js'
import { credentialOf } from '../session/fixtures/seen.js'
import type { SessionServer } from '../session/fixtures/server.js'
import { type ChannelWorld, channelWorld } from '../session/fixtures/world.js'

const PRICE = 10_000n
const DOLLAR = 1_000_000n

let world: ChannelWorld
beforeAll(async () => {
  world = await channelWorld()
})
afterAll(() => world.stop())

/** Every total that reached the server. */
const totals = (server: SessionServer): readonly bigint[] =>
  server
    .paid()
    .flatMap(({ credential }) => (credential?.cumulative === undefined ? [] : [credential.cumulative]))

const signedBy = async (buyer: SessionBuyer): Promise<bigint> =>
  (await buyer.purser.sessions.list({ closed: true })).reduce((sum, { signed }) => sum + signed.value, 0n)

const lockedBy = async (buyer: SessionBuyer): Promise<bigint> =>
  (await buyer.purser.sessions.list()).reduce((sum, { deposit }) => sum + deposit.value, 0n)

const statusOf = async (call: Promise<Response>): Promise<number | string> =>
  call.then(
    ({ status }) => status,
    (error: { readonly code?: string }) => error.code ?? 'failed',
  )

/** A 402 whose challenge says more than the server means: its seal is broken by that, as a lying server need not care. */
function withRequest(response: Response, change: (request: Record<string, unknown>) => void): Response {
  const header = response.headers.get('www-authenticate') ?? ''
  const [, encoded = ''] = /request="([^"]*)"/.exec(header) ?? []
  const request: Record<string, unknown> = JSON.parse(Buffer.from(encoded, 'base64url').toString())
  change(request)
  const headers = new Headers(response.headers)
  const lie = Buffer.from(JSON.stringify(request)).toString('base64url')
  headers.set('www-authenticate', header.replace(encoded, lie))
  return new Response(response.body, { status: response.status, headers })
}

function withReceipt(response: Response, change: (receipt: Record<string, unknown>) => void): Response {
  const encoded = response.headers.get('payment-receipt') ?? ''
  const receipt: Record<string, unknown> = JSON.parse(Buffer.from(encoded, 'base64url').toString())
  change(receipt)
  const headers = new Headers(response.headers)
  headers.set('payment-receipt', Buffer.from(JSON.stringify(receipt)).toString('base64url'))
  return new Response(response.body, { status: response.status, headers })
}

describe.each(['v2', 'v1'] as const)('a hostile vendor with sessions of protocol %s', (protocol) => {
  it('cannot have more locked up than policy allows, whatever it suggests', async () => {
    const server = await world.serve({ protocol, suggestedDeposit: '10000' })
    const buyer = await sessionBuyer(world, [server], {
      policy: { deposits: '0.05' },
      wallet: { deposit: '1' },
    })
    expect((await buyer.purser.fetch(server.url('/sponsored/paid'))).status).toBe(200)
    expect(await lockedBy(buyer)).toBe(50_000n)
    expect(await buyer.left()).toBe(50_000n)
  })

  it('gets no session where nothing may be locked up', async () => {
    const server = await world.serve({ protocol })
    const buyer = await sessionBuyer(world, [server], { policy: { deposits: '0' } })
    expect(await statusOf(buyer.purser.fetch(server.url('/paid')))).toBe(402)
    expect(server.paid()).toEqual([])
    expect(await buyer.left()).toBe(0n)
    expect(await buyer.channels()).toEqual([])
  })

  it('gets one price per call, whatever a snapshot in its challenge claims', async () => {
    const server = await world.serve({ protocol })
    const buyer = await sessionBuyer(world, [server], { wallet: { deposit: '0.5' } })
    await buyer.purser.fetch(server.url('/sponsored/paid'))
    const id = server.paid('open')[0]?.credential?.channelId ?? expect.fail('no channel')
    let lies = 0
    // New operations: nothing stands open for them, so the server is asked.
    for (const method of ['PUT', 'PATCH', 'DELETE']) {
      server.rewrite((response) =>
        withRequest(response, (request) => {
          lies++
          const details: Record<string, unknown> = { ...Object(request['methodDetails']) }
          details['sessionSnapshot'] = {
            channelId: id,
            acceptedCumulative: String(500n * DOLLAR),
            requiredCumulative: String(500n * DOLLAR),
            deposit: String(1_000n * DOLLAR),
            spent: String(500n * DOLLAR),
          }
          request['methodDetails'] = details
        }),
      )
      await statusOf(buyer.purser.fetch(server.url('/price/0.01'), { method, body: 'tea' }))
    }
    expect(lies).toBe(3)
    expect(server.paid('topUp')).toEqual([])
    expect(await signedBy(buyer)).toBeLessThanOrEqual(4n * PRICE)
    for (const total of totals(server)) expect(total).toBeLessThanOrEqual(4n * PRICE)
  })

  it('gets one price per call, whatever its receipts claim', async () => {
    const server = await world.serve({ protocol })
    const buyer = await sessionBuyer(world, [server], { wallet: { deposit: '0.5' } })
    await buyer.purser.fetch(server.url('/sponsored/paid'))
    for (let call = 2; call <= 4; call++) {
      server.rewrite((response) =>
        withReceipt(response, (receipt) => {
          receipt['acceptedCumulative'] = String(500n * DOLLAR)
          receipt['spent'] = String(500n * DOLLAR)
        }),
      )
      expect(await statusOf(buyer.purser.fetch(server.url('/sponsored/paid')))).toBe(200)
    }
    expect(totals(server)).toEqual([1n, 2n, 3n, 4n].map((n) => n * PRICE))
    expect(await buyer.booked()).toBe(4n * PRICE)
  })

  it('cannot pass off a receipt of another channel', async () => {
    const server = await world.serve({ protocol })
    const buyer = await sessionBuyer(world, [server], { wallet: { deposit: '0.5' } })
    await buyer.purser.fetch(server.url('/sponsored/paid'))
    const anomalies: unknown[] = []
    buyer.purser.on('anomaly', ({ kind }) => anomalies.push(kind))
    server.rewrite((response) =>
      withReceipt(response, (receipt) => {
        receipt['reference'] = `0x${'ee'.repeat(32)}`
        receipt['channelId'] = `0x${'ee'.repeat(32)}`
      }),
    )
    expect((await buyer.purser.fetch(server.url('/sponsored/paid'))).status).toBe(200)
    expect(anomalies).toEqual(['receipt_mismatch'])
    // It counts all the same: the vendor has the voucher.
    expect(await buyer.booked()).toBe(2n * PRICE)
  })

  it('cannot raise the price of an open session past the policy', async () => {
    const server = await world.serve({ protocol })
    const buyer = await sessionBuyer(world, [server], {
      policy: { perPayment: '0.02' },
      wallet: { deposit: '0.5' },
    })
    await buyer.purser.fetch(server.url('/sponsored/paid'))
    expect(await statusOf(buyer.purser.fetch(server.url('/price/0.03')))).toBe(402)
    expect(totals(server)).toEqual([PRICE])
  })

  it.each<[string, Record<string, unknown>, Record<string, unknown>]>([
    ['a higher price', { amount: '10001' }, {}],
    ['another payee', { recipient: ACCOUNTS.sponsor.address }, {}],
    ['the fee of what it was to sponsor', {}, { feePayer: false }],
  ])('gets no second opening by asking again for %s', async (_, terms, details) => {
    const server = await world.serve({ protocol })
    const change = (request: Record<string, unknown>): void => {
      Object.assign(request, terms)
      Object.assign(Object(request['methodDetails']), details)
    }
    let openings = 0
    const buyer = await sessionBuyer(world, [server], {
      wallet: { deposit: '0.5', validityMs: 5_000 },
      fetch: async (input, init) => {
        const action = credentialOf(new Request(input, init).headers.get('authorization'))?.action
        if (action === 'open') openings++
        // It never looks at what it was sent.
        return action === 'open'
          ? withRequest(await fetch(server.url('/sponsored/paid')), change)
          : fetch(input, init)
      },
    })
    const signal = AbortSignal.timeout(2_000)
    expect(await statusOf(buyer.purser.fetch(server.url('/sponsored/paid'), { signal }))).not.toBe(200)
    expect(openings).toBe(1)
    expect(await signedBy(buyer)).toBe(PRICE)
    expect(await buyer.left()).toBe(0n)
  })

  it('cannot force a top-up for each call by suggesting tiny deposits', async () => {
    const server = await world.serve({ protocol, suggestedDeposit: '0.01' })
    const buyer = await sessionBuyer(world, [server])
    for (let call = 0; call < 20; call++)
      expect((await buyer.purser.fetch(server.url('/sponsored/paid'))).status).toBe(200)
    expect(server.paid('topUp')).toHaveLength(1)
  })

  it('that takes vouchers and serves nothing is paid no further than budgets go, and all of it is known', async () => {
    const server = await world.serve({ protocol })
    const buyer = await sessionBuyer(world, [server], {
      policy: { budgets: [{ limit: '0.05', per: 'day' }] },
      wallet: { deposit: '0.05' },
    })
    const outcomes: (number | string)[] = []
    for (let call = 0; call < 8; call++) {
      server.fail('error-after-payment')
      outcomes.push(await statusOf(buyer.purser.fetch(server.url(`/sponsored/paid?${call}`))))
    }
    expect(outcomes.filter((outcome) => outcome === 200)).toEqual([])
    expect(outcomes.at(-1)).toBe(402)
    expect(totals(server).every((total) => total <= 50_000n)).toBe(true)
    expect(await buyer.booked()).toBe(50_000n)
    for (const { state, delivered } of await buyer.payments())
      expect(state === 'denied' || !delivered).toBe(true)
  })

  it('that captures what it never served is found out', async () => {
    const server = await world.serve({ protocol })
    const buyer = await sessionBuyer(world, [server], { wallet: { deposit: '0.5' } })
    await buyer.purser.fetch(server.url('/sponsored/paid'))
    server.fail('error-before-payment')
    expect(await statusOf(buyer.purser.fetch(server.url('/sponsored/paid?lost')))).toBe(500)
    // The next call goes on above it, so the vendor holds a voucher for all three.
    expect((await buyer.purser.fetch(server.url('/sponsored/paid?next'))).status).toBe(200)
    const id = server.paid('open')[0]?.credential?.channelId ?? expect.fail('no channel')
    await server.settle(id)
    const payee = await world.chain.balanceOf(alphaUSD, ACCOUNTS.payee.address)
    expect(payee).toBeGreaterThan(0n)
    const anomalies: string[] = []
    buyer.purser.on('anomaly', ({ kind }) => void anomalies.push(kind))
    await buyer.purser.recover({ reconcile: true })
    const captured = (await world.channel(protocol, id)).settled
    expect(captured).toBe(3n * PRICE)
    expect(await buyer.booked()).toBe(captured)
    expect((await buyer.payments()).map(({ state, delivered }) => [state, delivered])).toEqual([
      ['settled', true],
      ['settled', false],
      ['settled', true],
    ])
  })

  it('that has forgotten the channel gets one voucher for nothing, and the deposit comes back without it', async () => {
    const server = await world.serve({ protocol })
    const buyer = await sessionBuyer(world, [server], { wallet: { deposit: '0.5' } })
    await buyer.purser.fetch(server.url('/sponsored/paid'))
    const id = server.paid('open')[0]?.credential?.channelId ?? expect.fail('no channel')
    await server.lose(id)
    const statuses: (number | string)[] = []
    for (let call = 0; call < 3; call++)
      statuses.push(await statusOf(buyer.purser.fetch(server.url(`/sponsored/paid?${call}`))))
    expect(statuses).toEqual([410, 200, 200])
    const [session] = await buyer.purser.sessions.list()
    expect(session?.signed.value).toBe(2n * PRICE)
    expect(await signedBy(buyer)).toBe(4n * PRICE)
    expect(await buyer.purser.sessions.forceClose(session?.id ?? '')).toMatchObject({ state: 'closing' })
  })
})

import { Actions } from 'viem/tempo'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { addressOf, alphaUSD, clientFor, pathUSD } from '../chain/chain.js'
import { chargesOf, transfersOf } from '../chain/transfers.js'
import { type Front, type Passing, startFront } from '../live/front.js'
import {
  type Buyer,
  type BuyerOptions,
  only,
  problemIn,
  record,
  startWorld,
  type World,
} from '../live/world.js'
import { startUnreliableNode, type UnreliableNode } from './unreliable-node.js'

let world: World
let nodes: UnreliableNode[]
const fronts: Front[] = []
beforeAll(async () => {
  world = await startWorld()
  nodes = await Promise.all([startUnreliableNode(world.chain), startUnreliableNode(world.chain)])
})
afterEach(async () => {
  for (const node of nodes) node.honest()
  await Promise.all(fronts.splice(0).map((front) => front.close()))
})
afterAll(async () => {
  await Promise.all(nodes?.map((node) => node.close()) ?? [])
  await world?.stop()
})

type Handle = (passing: Passing) => Promise<Response> | Response

async function behind(handle: Handle, options: BuyerOptions = {}): Promise<{ front: Front; buyer: Buyer }> {
  const front = await startFront(world.api.origin, handle)
  fronts.push(front)
  return { front, buyer: await world.buyer({ origins: [front.origin], ...options }) }
}

/** Transfers on the chain, all of payments that the ledger knows, none of them paid twice; `elsewhere` left by another hand. */
async function charges(buyer: Buyer, elsewhere = 0n): Promise<number> {
  const transfers = await transfersOf(world.chain, buyer.account.address)
  const { charges: found, strangers } = chargesOf(await buyer.payments(), transfers)
  expect(strangers).toEqual([])
  expect(found.filter(([, count]) => count > 1)).toEqual([])
  const left = await buyer.left()
  expect(await buyer.booked()).toBeGreaterThanOrEqual(left - elsewhere)
  return transfers.length
}

async function expectEqualBooks(buyer: Buyer): Promise<void> {
  await buyer.purser.recover({ reconcile: true })
  expect(await buyer.booked()).toBe(await buyer.left())
}

/** A promise, and what fulfils it. */
function gate<T = void>(): { readonly opened: Promise<T>; open(value: T): void } {
  let open: (value: T) => void = () => {}
  const opened = new Promise<T>((resolve) => {
    open = resolve
  })
  return { opened, open: (value) => open(value) }
}

describe('the server takes the money', () => {
  it('and answers 402 for ever: one charge, one signature, and the next call is not charged either', async () => {
    const { front, buyer } = await behind(async ({ paid, forward, ask }) => {
      const response = await forward()
      return paid ? ask() : response
    })
    const told = { code: 'paid_not_delivered', funds: 'settled' }
    await expect(buyer.purser.fetch(front.url('/paid'))).rejects.toMatchObject(told)
    expect(await problemIn(await buyer.purser.fetch(front.url('/paid')))).toMatchObject(told)
    expect(await charges(buyer)).toBe(1)
    expect(buyer.signatures()).toBe(1)
    expect(only(await buyer.payments())).toMatchObject({ state: 'settled', delivered: false })
    await expectEqualBooks(buyer)
  })

  it.each([
    ['never answers', false],
    ['answers when nobody waits any more', true],
  ])('and %s: what the caller gave up on is a doubt, found on the chain', async (_, answersLate) => {
    const settled = gate()
    const late = gate()
    const { front, buyer } = await behind(async ({ paid, turn, forward }) => {
      const response = await forward()
      if (paid && turn === 1) {
        settled.open()
        await late.opened
      }
      return response
    })
    const caller = new AbortController()
    const call = buyer.purser.fetch(front.url('/paid'), { signal: caller.signal })
    await settled.opened
    expect(await charges(buyer)).toBe(1)
    caller.abort(new DOMException('it took too long', 'TimeoutError'))
    await expect(call).rejects.toMatchObject({ code: 'payment_in_doubt', funds: 'unknown' })
    if (answersLate) late.open()
    const again = await problemIn(await buyer.purser.fetch(front.url('/paid')))
    expect(again).toMatchObject({ code: 'paid_not_delivered', funds: 'settled' })
    late.open()
    expect(buyer.signatures()).toBe(1)
    expect(await charges(buyer)).toBe(1)
    await expectEqualBooks(buyer)
    expect(only(await buyer.payments())).toMatchObject({ state: 'settled', delivered: false })
  })
})

it('the server says that a hash was already used, and nothing was charged: one charge in the end', async () => {
  const { front, buyer } = await behind(async ({ paid, turn, forward, ask }) => {
    if (!paid || turn > 1) return forward()
    const challenge = (await ask()).headers.get('www-authenticate') ?? ''
    const problem = { title: 'Verification Failed', detail: 'Transaction hash has already been used' }
    const headers = { 'www-authenticate': challenge, 'content-type': 'application/problem+json' }
    return new Response(JSON.stringify(problem), { status: 402, headers })
  })
  expect((await buyer.purser.fetch(front.url('/paid'))).status).toBe(200)
  expect(buyer.signatures()).toBe(2)
  expect(await charges(buyer)).toBe(1)
  await expectEqualBooks(buyer)
})

it('the transaction is included and fails: its fee is spent, its lane moves on, and the money did not move', async () => {
  let base = 0n
  const { front, buyer } = await behind(
    async ({ request, paid, forward }) => {
      if (!paid || new URL(request.url).pathname !== '/price/0.50') return forward()
      // Another spender empties the account behind the purser's back, and somebody broadcasts all the same.
      await drain(buyer, 560_000n)
      base = await buyer.left()
      await world.chain.rpc('eth_sendRawTransaction', [transactionIn(request)])
      await world.chain.mine(1)
      return new Response('out of order', { status: 500 })
    },
    { funds: 600_000n },
  )
  expect((await buyer.purser.fetch(front.url('/price/0.50'))).status).toBe(500)
  const fee = (await buyer.left()) - base
  expect(fee).toBeGreaterThan(0n)
  expect(await buyer.booked()).toBeGreaterThanOrEqual(fee)
  await world.chain.mine(4)
  await buyer.purser.recover({ reconcile: true })
  const failed = only(await buyer.payments())
  expect(failed).toMatchObject({ state: 'released', reason: expect.stringMatching(/failed on the chain/) })
  expect(await buyer.booked()).toBe(fee)
  expect(await charges(buyer, base)).toBe(0)

  await world.chain.fund(buyer.account.address, alphaUSD, 100_000n)
  const refilled = await buyer.left()
  expect((await buyer.purser.fetch(front.url('/paid'))).status).toBe(200)
  const [next] = await buyer.payments()
  const [before, after] = [failed, next].map((payment) => record(payment?.attempts[0]?.evidence.detail))
  expect(after).toMatchObject({ lane: before?.['lane'], nonce: String(Number(before?.['nonce']) + 1) })
  await buyer.purser.recover({ reconcile: true })
  expect(await buyer.booked()).toBe(fee + (await buyer.left()) - refilled)
  expect(await charges(buyer, refilled - fee)).toBe(1)
})

async function drain({ account }: Buyer, value: bigint): Promise<void> {
  await Actions.token.transferSync(clientFor(world.chain.url, account), {
    amount: value,
    token: addressOf(alphaUSD),
    to: '0x00000000000000000000000000000000000000aa',
    feeToken: addressOf(pathUSD),
    nonceKey: 77n,
    gas: 2_000_000n,
  })
}

/** The signed transaction in a request's credential. */
function transactionIn(request: Request): unknown {
  const token = (request.headers.get('authorization') ?? '').replace(/^payment /i, '')
  const credential = record(JSON.parse(Buffer.from(token, 'base64url').toString()))
  return record(credential['payload'])['signature']
}

describe('two nodes', () => {
  const both = (): BuyerOptions => ({
    wallet: { rpc: { [world.chain.id]: nodes.map(({ origin }) => origin) }, validityMs: 15_000 },
  })

  it('one denies a payment that settled: the one that shows it is believed', async () => {
    const { front, buyer } = await behind(async ({ paid, forward, drop }) => {
      const response = await forward()
      return paid ? drop() : response
    }, both())
    nodes[1]?.deny()
    await expect(buyer.purser.fetch(front.url('/paid'))).rejects.toMatchObject({
      code: 'paid_not_delivered',
      funds: 'settled',
    })
    expect(buyer.signatures()).toBe(1)
    expect(await charges(buyer)).toBe(1)
    await expectEqualBooks(buyer)
  })

  it('one says void while it can still settle: it counts on, nothing is signed again, and then it settles', async () => {
    const kept = gate<() => Promise<Response>>()
    const { front, buyer } = await behind(({ paid, forward, drop }) => {
      if (!paid) return forward()
      kept.open(forward)
      return drop()
    }, both())
    nodes[1]?.deny()
    const told = { code: 'payment_in_doubt', funds: 'unknown' }
    await expect(buyer.purser.fetch(front.url('/paid'))).rejects.toMatchObject(told)
    expect(only(await buyer.payments()).state).toBe('committed')
    expect(await charges(buyer)).toBe(0)
    expect((await (await kept.opened)()).status).toBe(200)
    await expectEqualBooks(buyer)
    expect(only(await buyer.payments()).state).toBe('settled')
    expect(buyer.signatures()).toBe(1)
    expect(await charges(buyer)).toBe(1)
  })

  // The last one on this chain, since its clock goes ahead of ours.
  it('one lags: a payment that ran out counts on until it has caught up', async () => {
    const { front, buyer } = await behind(({ paid, forward, drop }) => (paid ? drop() : forward()), both())
    await nodes[1]?.lag()
    await expect(buyer.purser.fetch(front.url('/paid'))).rejects.toMatchObject({ funds: 'unknown' })
    await world.chain.mine(4, 30)
    expect(await buyer.purser.recover({ reconcile: true })).toMatchObject({ released: 0, open: 1 })
    expect(await buyer.booked()).toBeGreaterThan(0n)
    nodes[1]?.honest()
    expect(await buyer.purser.recover({ reconcile: true })).toMatchObject({ released: 1, open: 0 })
    expect(await charges(buyer)).toBe(0)
    expect(buyer.signatures()).toBe(1)
    await expectEqualBooks(buyer)
  })
})

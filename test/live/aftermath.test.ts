import { copyFile, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { sqliteLedger } from '../../src/entry/ledger-sqlite.js'
import type { Resolution } from '../../src/index.js'
import { ACCOUNTS, alphaUSD } from '../chain/chain.js'
import { PRICE } from '../chain/server.js'
import { type Front, type Passing, startFront } from './front.js'
import { type Buyer, type BuyerOptions, DOLLAR, only, startWorld, type World } from './world.js'

let world: World
let folder: string
const fronts: Front[] = []
beforeAll(async () => {
  world = await startWorld()
  folder = await mkdtemp(join(tmpdir(), 'purser-live-'))
})
afterEach(async () => {
  await Promise.all(fronts.splice(0).map((front) => front.close()))
})
afterAll(async () => {
  await world?.stop()
  await rm(folder, { recursive: true, force: true })
})

async function behind(
  handle: (passing: Passing) => Promise<Response> | Response,
  options: BuyerOptions = {},
): Promise<{ front: Front; buyer: Buyer }> {
  const front = await startFront(world.api.origin, handle)
  fronts.push(front)
  return { front, buyer: await world.buyer({ origins: [front.origin], ...options }) }
}

const until = async (done: () => Promise<boolean>): Promise<void> => {
  while (!(await done())) await new Promise((resolve) => setTimeout(resolve, 100))
}

describe('a doubt', () => {
  it('is settled by itself once its evidence falls due', async () => {
    const { front, buyer } = await behind(({ paid, forward, drop }) => (paid ? drop() : forward()), {
      wallet: { validityMs: 5_000 },
    })
    await expect(buyer.purser.fetch(front.url('/paid'))).rejects.toMatchObject({ funds: 'unknown' })
    expect(only(await buyer.payments()).state).toBe('committed')
    // Nobody calls recover().
    await until(async () => (await buyer.payments())[0]?.state !== 'committed')
    expect(only(await buyer.payments()).state).toBe('released')
    expect(await buyer.booked()).toBe(0n)
  })

  it.each([
    { as: 'settled' as const, counts: PRICE },
    { as: 'released' as const, counts: 0n },
  ])('is closed by a person as $as, where nothing can prove it', async ({ as, counts }) => {
    const rpc = { [world.chain.id]: 'http://127.0.0.1:1' }
    const { front, buyer } = await behind(({ paid, forward, drop }) => (paid ? drop() : forward()), {
      wallet: { rpc, validityMs: 5_000 },
    })
    await expect(buyer.purser.fetch(front.url('/paid'))).rejects.toMatchObject({ funds: 'unknown' })
    const { id, attempts } = only(await buyer.payments())
    const resolution: Resolution =
      as === 'settled' ? { as, by: 'ann' } : { as, by: 'ann', reason: 'the vendor says so' }
    if (as === 'released') {
      // While the credential lives, the vendor can still take the money, whatever it says.
      await expect(buyer.purser.resolve(id, resolution)).rejects.toMatchObject({ code: 'refused' })
      const dies = only(attempts).evidence.recheckAt ?? 0
      await until(async () => Date.now() > dies)
    }
    const closed = await buyer.purser.resolve(id, resolution)
    expect(closed.state).toBe(as)
    expect(await buyer.booked()).toBeGreaterThanOrEqual(counts)
    if (as === 'released') expect(await buyer.booked()).toBe(0n)
    await expect(buyer.purser.resolve(id, resolution)).rejects.toMatchObject({ code: 'refused' })
    await expect(buyer.purser.resolve('no-such-payment', resolution)).rejects.toThrow(TypeError)
  })
})

describe('one account', () => {
  it('pays from two ledgers at once: their lanes never meet', async () => {
    const account = await world.chain.account(3n * DOLLAR)
    const [a, b] = [await world.buyer({ account }), await world.buyer({ account })]
    const before = await world.chain.balanceOf(alphaUSD, ACCOUNTS.payee.address)
    const replies = await Promise.all(
      Array.from({ length: 10 }, (_, n) => (n % 2 === 0 ? a : b).get(`/paid?n=${n}`)),
    )
    expect(replies.every(({ status }) => status === 200)).toBe(true)
    expect((await world.chain.balanceOf(alphaUSD, ACCOUNTS.payee.address)) - before).toBe(10n * PRICE)
    await a.purser.recover({ reconcile: true })
    await b.purser.recover({ reconcile: true })
    expect((await a.booked()) + (await b.booked())).toBe(await a.left())
  })

  it('survives a ledger restored from a backup, whose lanes are behind the chain', async () => {
    const account = await world.chain.account(3n * DOLLAR)
    const file = join(folder, 'ledger.db')
    const backup = join(folder, 'backup.db')
    const first = await world.buyer({ account, ledger: sqliteLedger({ path: file }) })
    await first.get('/paid?n=1')
    await first.purser.close()
    await copyFile(file, backup)
    const second = await world.buyer({ account, ledger: sqliteLedger({ path: file }) })
    await second.get('/paid?n=2')
    await second.get('/paid?n=3')
    const restored = await world.buyer({
      account,
      ledger: sqliteLedger({ path: backup }),
      wallet: { validityMs: 5_000 },
    })
    // Its nonce was used already: no block can include it. The server cannot say so, and the chain does.
    const reply = await restored.get('/paid?n=4')
    expect(reply.status).not.toBe(200)
    expect(await restored.left()).toBe(0n)
    await until(async () => (await restored.payments({ states: ['committed'] })).length === 0)
    expect((await restored.payments())[0]).toMatchObject({ state: 'released', attempts: [{}] })
    for (const n of [5, 6]) expect((await restored.get(`/paid?n=${n}`)).status).toBe(200)
    expect(await restored.left()).toBeGreaterThanOrEqual(2n * PRICE)
  })
})

describe('closing', () => {
  it('while a payment is under way loses neither the answer nor the payment', async () => {
    const { front, buyer } = await behind(async ({ paid, forward }) => {
      const reply = await forward()
      if (paid) await buyer.purser.close()
      return reply
    })
    const reply = await buyer.purser.fetch(front.url('/paid'))
    expect(reply.status).toBe(200)
    expect(await reply.json()).toMatchObject({ route: '/paid' })
  })

  it('leaves a doubt that the next process settles', async () => {
    const path = join(folder, 'doubt.db')
    const account = await world.chain.account(DOLLAR)
    const { front, buyer } = await behind(
      async ({ paid, forward, drop }) => {
        const reply = await forward()
        if (!paid) return reply
        await buyer.purser.close()
        return drop()
      },
      { account, ledger: sqliteLedger({ path }) },
    )
    await expect(buyer.purser.fetch(front.url('/paid'))).rejects.toMatchObject({
      code: 'payment_in_doubt',
      funds: 'unknown',
    })
    const next = await world.buyer({ account, ledger: sqliteLedger({ path }) })
    // It looks by itself, beside the first thing it is asked.
    await until(async () => (await next.payments())[0]?.state === 'settled')
    await next.purser.recover({ reconcile: true })
    expect(only(await next.payments())).toMatchObject({ proof: 'chain', delivered: false })
    expect(await next.booked()).toBe(await buyer.left())
  })
})

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sqliteLedger } from '../../src/ledger/sqlite/index.js'
import { ACCOUNTS, alphaUSD } from '../chain/chain.js'
import { sessionBuyer } from './buyer.js'
import { type ChannelWorld, channelWorld } from './fixtures/world.js'

const PRICE = 100n
const folder = mkdtempSync(join(tmpdir(), 'purser-sessions-'))
let world: ChannelWorld

beforeAll(async () => {
  world = await channelWorld()
})
afterAll(async () => {
  await world.stop()
  rmSync(folder, { recursive: true })
})

const payeeHas = () => world.chain.balanceOf(alphaUSD, ACCOUNTS.payee.address)

describe.each(['v2', 'v1'] as const)('a session of protocol %s', (protocol) => {
  it('serves 500 calls of ten callers on one channel', { timeout: 120_000 }, async () => {
    const server = await world.serve({ protocol, price: '0.0001', validityMs: 600_000 })
    const buyer = await sessionBuyer(world, [server], { wallet: { deposit: '0.2' } })
    const before = await payeeHas()
    const caller = async (): Promise<number> => {
      let answered = 0
      for (let call = 0; call < 50; call++)
        if ((await buyer.purser.fetch(server.url('/sponsored/paid'))).status === 200) answered++
      return answered
    }
    const answered = await Promise.all(Array.from({ length: 10 }, caller))
    expect(answered).toEqual(Array.from({ length: 10 }, () => 50))
    // Whoever came before the channel was open asked first; everybody else paid with the request.
    const asked = server.seen.length - 500
    expect(asked).toBeLessThanOrEqual(10)
    expect(server.paid('open')).toHaveLength(1)
    const [session] = await buyer.purser.sessions.list()
    expect(session).toMatchObject({ signed: { value: 500n * PRICE }, unspent: { value: 150_000n } })
    await buyer.purser.sessions.close(session?.id ?? '')
    expect((await payeeHas()) - before).toBe(500n * PRICE)
    expect(await buyer.left()).toBe(500n * PRICE)
    expect(await buyer.booked()).toBe(500n * PRICE)
  })

  it('pays 1,000 calls, tops up on the way, and closes', { timeout: 180_000 }, async () => {
    const server = await world.serve({ protocol, price: '0.0001', validityMs: 600_000 })
    const ledger = sqliteLedger({ path: join(folder, `${protocol}.db`), synchronous: 'normal' })
    const wallet = { deposit: '0.06', topUp: '0.06' }
    const buyer = await sessionBuyer(world, [server], { wallet, ledger })
    const before = await payeeHas()
    for (let call = 0; call < 1_000; call++)
      expect((await buyer.purser.fetch(server.url('/paid'))).status).toBe(200)
    expect(server.paid('topUp')).toHaveLength(1)
    // One request for each call, and beside them the first question and the top-up.
    expect(server.seen).toHaveLength(1_002)
    const [session] = await buyer.purser.sessions.list()
    await buyer.purser.sessions.close(session?.id ?? '')
    await buyer.purser.recover({ reconcile: true })
    expect((await payeeHas()) - before).toBe(1_000n * PRICE)
    expect(await buyer.booked()).toBe(await buyer.left())
    await ledger.close()
  })
})

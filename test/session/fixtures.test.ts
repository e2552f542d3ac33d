import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ACCOUNTS, alphaUSD, pathUSD } from '../chain/chain.js'
import { compile } from './fixtures/compile.js'
import { referenceClient } from './fixtures/reference.js'
import { type ChannelWorld, channelWorld } from './fixtures/world.js'

const PRICE = 10_000n
const DEPOSIT = 80_000n
const MORE = 20_000n

let world: ChannelWorld

beforeAll(async () => {
  world = await channelWorld()
})

afterAll(() => world.stop())

async function read(events: AsyncIterable<string>): Promise<readonly string[]> {
  const all: string[] = []
  for await (const event of events) all.push(event)
  return all
}

async function balances(payer: string) {
  return {
    payer: await world.chain.balanceOf(alphaUSD, payer),
    fees: await world.chain.balanceOf(pathUSD, payer),
    payee: await world.chain.balanceOf(alphaUSD, ACCOUNTS.payee.address),
  }
}

// The compiler needs some seconds of its own.
it('is compiled from the sources beside it', { timeout: 120_000 }, () => {
  const committed = readFileSync(new URL('fixtures/contracts/compiled.json', import.meta.url), 'utf8')
  expect(JSON.parse(committed)).toEqual(compile())
})

describe.each(['v1', 'v2'] as const)('a channel of protocol %s, by the reference client', (protocol) => {
  const fees = [
    ['payer', ''],
    ['server', '/sponsored'],
  ] as const

  it.each(fees)(
    'is opened, streamed, called, topped up and closed, and the %s pays the fees',
    async (who, prefix) => {
      const server = await world.serve({ protocol, suggestedDeposit: '0.08' })
      const payer = await world.chain.account(1_000_000n)
      const client = referenceClient(world, protocol, payer)
      const before = await balances(payer.address)
      const paid = server.url(`${prefix}/paid`)

      const events = await read(await client.stream(server.url(`${prefix}/stream/5`)))
      expect(events).toEqual([1, 2, 3, 4, 5].map((event) => `event ${event} of 5`))
      for (let call = 0; call < 3; call++) expect((await client.fetch(paid)).status).toBe(200)
      const id = client.channelId ?? expect.fail('no channel')
      expect(await world.channel(protocol, id)).toMatchObject({
        deposit: DEPOSIT,
        settled: 0n,
        closed: false,
      })
      expect(await server.books(id)).toMatchObject({ accepted: 8n * PRICE, spent: 8n * PRICE, units: 8 })

      await client.topUp(paid, MORE, who)
      expect((await client.fetch(paid)).status).toBe(200)
      expect(await world.channel(protocol, id)).toMatchObject({ deposit: DEPOSIT + MORE, closed: false })
      expect(await world.held(protocol)).toBe(DEPOSIT + MORE)

      await client.close()
      expect(await world.channel(protocol, id)).toMatchObject({ closed: true })
      expect(await world.held(protocol)).toBe(0n)
      const after = await balances(payer.address)
      expect(after.payee - before.payee).toBe(9n * PRICE)
      const fee = before.payer - after.payer - 9n * PRICE
      if (who === 'payer') expect(fee).toBeGreaterThan(0n)
      else expect(fee).toBe(0n)
      expect(after.fees).toBe(before.fees)
      expect(server.paid('open').map(({ status }) => status)).toEqual([200])
      expect(server.paid('topUp').map(({ status }) => status)).toEqual([204])
      expect(server.paid('close').map(({ status }) => status)).toEqual([204])
    },
  )
})

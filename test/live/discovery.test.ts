import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startTeaHouse } from '../../examples/tea-house.js'
import { memoryLedger } from '../../src/entry/ledger-memory.js'
import { type Approver, createPurser, type Purser } from '../../src/index.js'
import { tempo } from '../../src/wallet/tempo/index.js'

// The document is the reference SDK's own, and so are the challenges.
let house: Awaited<ReturnType<typeof startTeaHouse>>
beforeAll(async () => {
  house = await startTeaHouse()
})
afterAll(() => house.close())

function shopper(approver?: Approver): { readonly purser: Purser; signatures(): number } {
  let signatures = 0
  const account = privateKeyToAccount(generatePrivateKey())
  const counted = {
    ...account,
    sign: (request: Parameters<typeof account.sign>[0]) => {
      signatures++
      return account.sign(request)
    },
  }
  const purser = createPurser({
    wallets: [tempo({ account: counted, rpc: { 4217: house.origin } })],
    policy: {
      perPayment: '0.10',
      budgets: [{ limit: '5', per: 'day' }],
      vendors: [{ origin: house.origin }],
      ask: [{ aboveAdvertised: true }],
    },
    ledger: memoryLedger(),
    ...(approver === undefined ? {} : { approver }),
  })
  return { purser, signatures: () => signatures }
}

it('reads what the reference SDK advertises', async () => {
  const { purser } = shopper()
  const { title, categories, docs, operations } = await purser.discover(house.origin)
  expect({ title, categories, docs }).toEqual({
    title: 'The tea house',
    categories: ['food'],
    docs: { homepage: 'https://tea.example' },
  })
  const read = operations.map(({ path, summary, offers }) => [
    path,
    summary,
    offers.map(({ kind, price, wallets, decision }) => [
      kind,
      price?.value,
      wallets.length,
      decision?.effect,
    ]),
  ])
  expect(read).toEqual([
    ['/tea', 'Tea', [['tempo/charge', 10_000n, 1, 'allow']]],
    ['/cake/{size}', 'Cake', [['tempo/charge', 20_000n, 1, 'allow']]],
    ['/cellar', undefined, [['tempo/charge', 5_000_000n, 1, 'deny']]],
  ])
  await purser.close()
})

it('asks before it pays more than was advertised, and signs nothing for who says no', async () => {
  const asked: string[] = []
  const { purser, signatures } = shopper(async ({ reasons }) => {
    asked.push(...reasons.map(({ message }) => message))
    return { approved: false, by: 'ann' }
  })
  await purser.discover(house.origin)
  const reply = await purser.fetch(`${house.origin}/cake/large`)
  expect(reply.status).toBe(402)
  expect(asked).toEqual(['0.03 USD is above the advertised 0.02 USD.'])
  expect(signatures()).toBe(0)
  await purser.close()
})

it('pays what was never looked up as ever: discovery is no condition', async () => {
  const { purser } = shopper()
  const { offers } = await purser.quote(`${house.origin}/cake/large`)
  expect(offers.map(({ decision }) => decision.effect)).toEqual(['allow'])
  await purser.close()
})

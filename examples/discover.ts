// What does a service sell, what does it cost, and would the policy allow it? And who is asked when it wants more?
import { createPurser, formatAmount } from 'purser'
import { memoryLedger } from 'purser/ledger/memory'
import { tempo } from 'purser/wallet/tempo'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { startTeaHouse } from './tea-house.js'

const house = await startTeaHouse()

await using purser = createPurser({
  // Nothing is paid here, so no real node is needed.
  wallets: [tempo({ account: privateKeyToAccount(generatePrivateKey()), rpc: { 4217: house.origin } })],
  policy: {
    perPayment: '0.10',
    budgets: [{ limit: '5', per: 'day' }],
    vendors: [{ origin: house.origin }],
    ask: [{ aboveAdvertised: true }],
  },
  ledger: memoryLedger(),
})

const { title, categories, operations } = await purser.discover(house.origin)
console.log(`${title} (${categories.join(', ')})`)
for (const { method, path, summary = '', offers } of operations)
  for (const { kind, price, decision } of offers)
    console.log(method, path, summary, kind, price && formatAmount(price), decision?.effect)

// The 402 decides. This one wants more than was advertised; quote() signs nothing either.
const { offers } = await purser.quote(`${house.origin}/cake/large`)
for (const { terms, decision } of offers)
  console.log(formatAmount(terms.most), decision.effect, ...decision.reasons.map(({ message }) => message))

await house.close()

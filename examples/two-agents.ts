// Two agents with budgets of their own, under one budget over both, on one ledger.
// It needs no chain: the vendor and the wallet are those of purser/testing.
// Run: npx tsx examples/two-agents.ts
import { setupServer } from 'msw/node'
import { createPurser, type PolicyDocument, type Purser } from 'purser'
import { memoryLedger } from 'purser/ledger/memory'
import { paidApi, testWallet } from 'purser/testing'

const api = await paidApi({ 'GET https://api.example/report': '0.40 USD' })
const server = setupServer(...api.handlers)
server.listen()

const wallet = testWallet()
const ledger = memoryLedger()
const policy: PolicyDocument = {
  name: 'team',
  perPayment: '0.50 USD',
  budgets: [{ limit: '1 USD', per: 'day' }],
  agents: {
    researcher: { budgets: [{ limit: '0.60 USD', per: 'day' }] },
    writer: { budgets: [{ limit: '0.30 USD', per: 'day' }] },
  },
  vendors: [{ origin: 'https://api.example' }],
}

function purserOf(agent: string): Purser {
  return createPurser({ agent, wallets: [wallet], policy, ledger })
}

const researcher = purserOf('researcher')
const writer = purserOf('writer')

for (const [name, purser] of Object.entries({ researcher, writer })) {
  const response = await purser.fetch('https://api.example/report')
  const outcome = purser.paymentFor(response)
  const why = outcome?.state === 'refused' ? outcome.reasons.map(({ message }) => message).join(' ') : 'paid'
  console.log(`${name}: ${response.status} ${why}`)
}
// The budget of the document is shared; that of an agent is its own.
for (const budget of await writer.budgets()) console.log(`${budget.rule}: ${budget.message}`)
console.log(`the vendor took ${api.taken()}`)

await researcher.close()
await writer.close()
server.close()

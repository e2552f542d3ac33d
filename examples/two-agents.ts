// Two agents with budgets of their own, under one budget over both, on one ledger.
// Run: npx tsx examples/two-agents.ts
import { createPurser, type PolicyDocument, type Purser } from 'purser'
import { memoryLedger } from 'purser/ledger/memory'
import { tempo } from 'purser/wallet/tempo'
import { startLocal } from './support.js'

const local = await startLocal()
const wallet = tempo({ account: local.account, rpc: local.rpc })
const ledger = memoryLedger()
const policy: PolicyDocument = {
  name: 'team',
  perPayment: '0.50 USD',
  budgets: [{ limit: '1 USD', per: 'day' }],
  agents: {
    researcher: { budgets: [{ limit: '0.60 USD', per: 'day' }] },
    writer: { budgets: [{ limit: '0.30 USD', per: 'day' }] },
  },
  vendors: [{ origin: local.api }],
  networks: [local.network],
}

function purserOf(agent: string): Purser {
  return createPurser({ agent, wallets: [wallet], policy, ledger, currencies: local.currencies })
}

const researcher = purserOf('researcher')
const writer = purserOf('writer')

for (const [name, purser] of Object.entries({ researcher, writer })) {
  const response = await purser.fetch(`${local.api}/price/0.40`)
  const outcome = purser.paymentFor(response)
  const why = outcome?.state === 'refused' ? outcome.reasons.map(({ message }) => message).join(' ') : 'paid'
  console.log(`${name}: ${response.status} ${why}`)
}
// The budget of the document is shared; that of an agent is its own.
for (const budget of await writer.budgets()) console.log(`${budget.rule}: ${budget.message}`)

await researcher.close()
await local.close()

// An agent that knows nothing of payments: it calls the global fetch, and every call in this process may pay.
// Run: npx tsx examples/install.ts
import { createPurser, formatAmount } from 'purser'
import { memoryLedger } from 'purser/ledger/memory'
import { tempo } from 'purser/wallet/tempo'
import { startLocal } from './support.js'

const local = await startLocal()
const purser = createPurser({
  agent: 'researcher',
  wallets: [tempo({ account: local.account, rpc: local.rpc })],
  policy: {
    perPayment: '0.10 USD',
    perTask: '0.05 USD',
    budgets: [{ limit: '1 USD', per: 'day' }],
    vendors: [{ origin: local.api }],
    networks: [local.network],
  },
  currencies: local.currencies,
  ledger: memoryLedger(),
})

/** The agent. */
async function research(): Promise<string> {
  const response = await fetch(`${local.api}/paid`)
  return `${response.status} ${await response.text()}`
}

const restore = purser.install()
// Everything that is paid inside is charged to this task.
console.log(await purser.run({ task: 'ticket-17' }, research))
restore()
console.log('after restore():', (await fetch(`${local.api}/paid`)).status)

for await (const payment of purser.payments())
  console.log(`${payment.context.tasks.join('/')} paid ${formatAmount(payment.terms.most)}: ${payment.state}`)
for (const budget of await purser.with({ task: 'ticket-17' }).budgets())
  console.log(`${budget.rule}: ${budget.message}`)

await purser.close()
await local.close()

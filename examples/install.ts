// An agent that knows nothing of payments: it calls the global fetch, and every call in this process may pay.
// It needs no chain: the vendor and the wallet are those of purser/testing.
// Run: npx tsx examples/install.ts
import { setupServer } from 'msw/node'
import { createPurser, formatAmount } from 'purser'
import { memoryLedger } from 'purser/ledger/memory'
import { paidApi, testWallet } from 'purser/testing'

const api = await paidApi({ 'GET https://api.example/report': '0.01 USD' })
const server = setupServer(...api.handlers)
server.listen()

const purser = createPurser({
  agent: 'researcher',
  // Yours: a wallet with money, such as tempo({ account }).
  wallets: [testWallet()],
  policy: {
    perPayment: '0.10 USD',
    perTask: '0.05 USD',
    budgets: [{ limit: '1 USD', per: 'day' }],
    vendors: [{ origin: 'https://api.example' }],
  },
  ledger: memoryLedger(),
})

/** The agent. */
async function research(): Promise<string> {
  const response = await fetch('https://api.example/report')
  return `${response.status} ${await response.text()}`
}

const restore = purser.install()
// Everything that is paid inside is charged to this task.
console.log(await purser.run({ task: 'ticket-17' }, research))
restore()
console.log('after restore():', (await fetch('https://api.example/report')).status)

for await (const payment of purser.payments())
  console.log(`${payment.context.tasks.join('/')} paid ${formatAmount(payment.terms.most)}: ${payment.state}`)
for (const budget of await purser.with({ task: 'ticket-17' }).budgets())
  console.log(`${budget.rule}: ${budget.message}`)

await purser.close()
server.close()

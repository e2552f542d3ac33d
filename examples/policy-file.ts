// A policy file that people can read and review, and a ledger file that several processes may share.
// It needs no chain: the vendor and the wallet are those of purser/testing.
// Run: npx tsx examples/policy-file.ts
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setupServer } from 'msw/node'
import { createPurser } from 'purser'
import { sqliteLedger } from 'purser/ledger/sqlite'
import { loadPolicy } from 'purser/policy'
import { paidApi, testWallet } from 'purser/testing'

const api = await paidApi({
  'GET https://api.example/articles/tea': '0.05 USD',
  'GET https://api.example/articles/silver': '0.20 USD',
  'GET https://api.example/admin': '0.01 USD',
})
const server = setupServer(...api.handlers)
server.listen()

const folder = await mkdtemp(join(tmpdir(), 'purser-example-'))
const purser = createPurser({
  agent: 'researcher',
  // Yours: a wallet with money, such as tempo({ account }).
  wallets: [testWallet()],
  policy: await loadPolicy('examples/policy.yaml'),
  ledger: sqliteLedger({ path: join(folder, 'ledger.sqlite') }),
})

for (const path of ['/articles/tea', '/articles/silver', '/admin']) {
  const response = await purser.fetch(`https://api.example${path}`)
  const outcome = purser.paymentFor(response)
  const why = outcome?.state === 'refused' ? outcome.reasons[0]?.message : 'paid'
  console.log(`${path}: ${response.status} ${outcome === undefined ? 'not a call that may be paid' : why}`)
}
for (const budget of await purser.budgets()) console.log(`${budget.rule}: ${budget.message}`)

await purser.close()
server.close()
await rm(folder, { recursive: true })

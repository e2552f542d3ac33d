// A policy file that people can read and review, and a ledger file that several processes may share.
// Run: npx tsx examples/policy-file.ts
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createPurser } from 'purser'
import { sqliteLedger } from 'purser/ledger/sqlite'
import { loadPolicy } from 'purser/policy'
import { tempo } from 'purser/wallet/tempo'
import { startLocal } from './support.js'

const local = await startLocal()
const folder = await mkdtemp(join(tmpdir(), 'purser-example-'))

// The local API has another port with every run: the example's file is copied with that one in it.
const example = await readFile(new URL('policy.yaml', import.meta.url), 'utf8')
const file = join(folder, 'policy.yaml')
await writeFile(file, example.replace('http://127.0.0.1:4021', local.api))

const purser = createPurser({
  agent: 'researcher',
  wallets: [tempo({ account: local.account, rpc: local.rpc })],
  policy: await loadPolicy(file),
  ledger: sqliteLedger({ path: join(folder, 'ledger.sqlite') }),
  currencies: local.currencies,
})

for (const path of ['/price/0.05', '/price/0.20', '/splits']) {
  const response = await purser.fetch(`${local.api}${path}`)
  const outcome = purser.paymentFor(response)
  const why = outcome?.state === 'refused' ? outcome.reasons.map(({ message }) => message).join(' ') : 'paid'
  console.log(`${path}: ${response.status} ${outcome === undefined ? 'not a call that may be paid' : why}`)
}
for (const budget of await purser.budgets()) console.log(`${budget.rule}: ${budget.message}`)

await purser.close()
await local.close()
await rm(folder, { recursive: true })

/** A process that pays by sessions and is killed at a step boundary that its job names. What it prints was delivered. */
import { writeSync } from 'node:fs'
import { privateKeyToAccount } from 'viem/accounts'
import { createPurser } from '../../src/index.js'
import { sqliteLedger } from '../../src/ledger/sqlite/index.js'
import { tempoSession } from '../../src/session/index.js'
import { LOCAL_CURRENCIES } from '../chain/chain.js'
import { Boundaries } from './boundaries.js'
import { sessionPolicy } from './policy.js'
import { noteSyncs } from './syncs.js'
import type { SessionJob } from './words.js'

const job: SessionJob = JSON.parse(process.env['JOB'] ?? '{}')
await noteSyncs()
const steps = new Boundaries(job.killAt)

const purser = createPurser({
  agent: 'crash',
  currencies: LOCAL_CURRENCIES,
  wallets: [
    steps.wallet(
      tempoSession({
        account: privateKeyToAccount(job.account),
        rpc: { [job.chain]: job.rpc },
        escrows: [job.escrow],
        deposit: job.deposit ?? '0.01',
        topUp: '0.05',
        validityMs: 10_000,
      }),
    ),
  ],
  policy: sessionPolicy(job.origin, job.escrow),
  ledger: steps.ledger(sqliteLedger({ path: job.ledger })),
  fetch: (input, init) => steps.between('a request', () => fetch(input, init)),
  patience: 1_000,
})

let delivered = 0
for (const path of job.paths) {
  const response = await purser.fetch(`${job.origin}${path}`)
  await response.text()
  if (response.status !== 200) continue
  delivered++
  writeSync(1, `${path}\n`)
}
// Reached only when there were fewer boundaries than that: the test then knows that it has seen them all.
process.exit(delivered === job.paths.length ? 0 : 1)

/**
 * A process that buys a few things at once and is killed on the way: at a step boundary that its job names, or from
 * outside. It never gets to clean up; what it leaves behind is what the tests are about. What it prints was delivered.
 */
import { writeSync } from 'node:fs'
import { privateKeyToAccount } from 'viem/accounts'
import { createPurser } from '../../src/index.js'
import { sqliteLedger } from '../../src/ledger/sqlite/index.js'
import { tempo } from '../../src/wallet/tempo/index.js'
import { LOCAL_CURRENCIES } from '../chain/chain.js'
import { Boundaries } from './boundaries.js'
import { policyFor } from './policy.js'
import { noteSyncs } from './syncs.js'
import { AT, type Job } from './words.js'

const job: Job = JSON.parse(process.env['JOB'] ?? '{}')
await noteSyncs()
/** At the chosen one the process is gone; or it says that it is there, goes on, and is killed from outside. */
const steps = new Boundaries(job.killAt, (name, step) => {
  if (step === job.tellAt || step === job.killAt) writeSync(1, `${AT}${name}\n`)
})

const wallet = tempo({
  account: privateKeyToAccount(job.account),
  rpc: { [job.chain]: job.rpc },
  validityMs: job.validityMs,
  lanes: job.lanes,
})
const clock = { now: () => Date.now() + job.ahead, monotonic: () => performance.now() }
const purser = createPurser({
  agent: 'crash',
  currencies: LOCAL_CURRENCIES,
  wallets: [steps.wallet(wallet)],
  policy: policyFor(job.origin, job.limit),
  ledger: steps.ledger(sqliteLedger({ path: job.ledger, clock })),
  fetch: (input, init) => steps.between(nameOf(input, init), () => fetch(input, init)),
  patience: 1_000,
})

function nameOf(...request: Parameters<typeof fetch>): string {
  return new Request(...request).headers.has('authorization') ? 'the paid request' : 'the first request'
}

async function buy({ path, key }: Job['calls'][number]): Promise<boolean> {
  try {
    const response = await purser.fetch(`${job.origin}${path}`, { payment: { idempotencyKey: key } })
    await response.text()
    const outcome = purser.paymentFor(response)
    const reference = outcome?.state === 'settled' ? outcome.reference : undefined
    // Synchronous: a word that was written is heard, even if this process dies with it.
    if (response.status === 200) writeSync(1, `${key} ${reference ?? '-'}\n`)
    return response.status === 200
  } catch {
    return false
  }
}

const recovery = job.reconcile ? purser.recover({ reconcile: true }).catch(() => undefined) : undefined
const bought = await Promise.all(job.calls.map(buy))
await recovery
// Reached only when there were fewer boundaries than that: the test then knows that it has seen them all.
process.exit(bought.every(Boolean) ? 0 : 1)

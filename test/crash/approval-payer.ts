/**
 * A process that asks a person, or answers for one, and is killed on the way, at a step boundary that its job names. It
 * prints what was delivered, or the question that it answered.
 */
import { writeSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { privateKeyToAccount } from 'viem/accounts'
import { createPurser } from '../../src/index.js'
import { sqliteLedger } from '../../src/ledger/sqlite/index.js'
import { tempo } from '../../src/wallet/tempo/index.js'
import { LOCAL_CURRENCIES } from '../chain/chain.js'
import { Boundaries } from './boundaries.js'
import { askingPolicy } from './policy.js'
import type { ApprovalJob } from './words.js'

const job: ApprovalJob = JSON.parse(process.env['JOB'] ?? '{}')
const steps = new Boundaries(job.killAt)
const wallet = tempo({
  account: privateKeyToAccount(job.account),
  rpc: { [job.chain]: job.rpc },
  validityMs: job.validityMs,
  lanes: job.lanes,
})
const purser = createPurser({
  agent: 'crash',
  currencies: LOCAL_CURRENCIES,
  wallets: [steps.wallet(wallet)],
  policy: askingPolicy(job.origin, job.limit),
  approvals: 'ledger',
  ledger: steps.ledger(sqliteLedger({ path: job.ledger })),
  fetch: (input, init) => steps.between('a request', () => fetch(input, init)),
  patience: 1_000,
})

async function buy(): Promise<boolean> {
  const response = await purser.fetch(`${job.origin}${job.path}`, { payment: { idempotencyKey: job.key } })
  await response.text()
  if (response.status === 200) writeSync(1, `${job.key} -\n`)
  return response.status === 200
}

async function answer(): Promise<boolean> {
  for (;;) {
    const [question] = await purser.approvals.list({ states: ['waiting'] })
    if (question === undefined) {
      await sleep(50)
      continue
    }
    const { ok } = await purser.approvals.answer(question.id, { approved: true, by: 'ann' })
    if (ok) writeSync(1, `${job.key} ${question.id}\n`)
    return ok
  }
}

const done = await (job.role === 'asks' ? buy() : answer())
process.exit(done ? 0 : 1)

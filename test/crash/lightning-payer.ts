/**
 * A process that buys one cup of tea over Lightning, and is killed at the step that its job names. Its node lives on in
 * another process, as a node does.
 */
import { writeSync } from 'node:fs'
import { createPurser, type Wallet } from '../../src/index.js'
import { sqliteLedger } from '../../src/ledger/sqlite/index.js'
import { bitcoin, type LightningOutcome, lightning } from '../../src/wallet/lightning/index.js'
import { Boundaries } from './boundaries.js'
import { noteSyncs } from './syncs.js'

/** What the test tells this process. */
export interface LightningJob {
  readonly shop: string
  readonly node: string
  readonly ledger: string
  /** The step at which it dies; none: it lives. */
  readonly killAt: number
}

const job: LightningJob = JSON.parse(process.env['JOB'] ?? '{}')
await noteSyncs()
const steps = new Boundaries(job.killAt, (name, step) => {
  if (step === job.killAt) writeSync(1, name)
})

async function ask(path: string, body: object): Promise<LightningOutcome> {
  const response = await fetch(`${job.node}${path}`, { method: 'POST', body: JSON.stringify(body) })
  const { feeMsat, ...outcome } = await response.json()
  return feeMsat === undefined ? outcome : { ...outcome, feeMsat: BigInt(feeMsat) }
}

const wallet: Wallet = lightning({
  node: 'alice',
  network: 'regtest',
  payInvoice: ({ invoice, paymentHash, amountMsat, maxFeeMsat }) =>
    steps.between('paying', () =>
      ask('/pay', { invoice, paymentHash, amountMsat: `${amountMsat}`, maxFeeMsat: `${maxFeeMsat}` }),
    ),
  lookUpPayment: (paymentHash) => ask('/look', { paymentHash }),
})

const coin = bitcoin('regtest')
const purser = createPurser({
  agent: 'crash',
  wallets: [wallet],
  policy: {
    perPayment: '1',
    budgets: [{ limit: '5', per: 'day' }],
    vendors: [{ origin: job.shop }],
    networks: ['bip122:0f9188f13cb7b2c71f2a335e3a4fc328'],
  },
  currencies: [coin],
  rates: { [coin.id]: '100000' },
  ledger: steps.ledger(sqliteLedger({ path: job.ledger })),
  fetch: (input, init) => steps.between('a request', () => fetch(input, init)),
})

const response = await purser.fetch(`${job.shop}/tea`, { payment: { idempotencyKey: 'one cup' } })
writeSync(1, `${steps.passed} steps: ${await response.text()}`)
await purser.close()
process.exit(0)

/** A process that buys one thing through Stripe and is killed at the step that its job names, without a last word. */
import { writeSync } from 'node:fs'
import Stripe from 'stripe'
import { createPurser } from '../../src/index.js'
import { sqliteLedger } from '../../src/ledger/sqlite/index.js'
import { stripe } from '../../src/wallet/stripe/index.js'
import { Boundaries } from './boundaries.js'
import { noteSyncs } from './syncs.js'
import { AT, type StripeJob } from './words.js'

const job: StripeJob = JSON.parse(process.env['JOB'] ?? '{}')
await noteSyncs()
const steps = new Boundaries(job.killAt, (name, step) => {
  if (step === job.killAt) writeSync(1, `${AT}${name}\n`)
})

const real = new Stripe('sk_test_agent', { host: '127.0.0.1', port: job.stripe, protocol: 'http' })
const client = {
  rawRequest: (...args: Parameters<Stripe['rawRequest']>) =>
    steps.between(`${args[0]} ${args[1].split('/').at(-1)}`, () => real.rawRequest(...args)),
}
const wallet = stripe({ client, paymentMethod: job.paymentMethod, livemode: false })
const purser = createPurser({
  agent: 'crash',
  wallets: [steps.wallet(wallet)],
  policy: {
    perPayment: '10',
    budgets: [{ limit: '50', per: 'day' }],
    vendors: [{ origin: new URL(job.url).origin }],
    networks: ['stripe:test'],
  },
  ledger: steps.ledger(sqliteLedger({ path: job.ledger })),
  fetch: (input, init) => {
    const paid = new Request(input, init).headers.has('authorization')
    return steps.between(paid ? 'the paid request' : 'the first request', () => fetch(input, init))
  },
})
const response = await purser.fetch(job.url, { payment: { idempotencyKey: job.key } })
await response.text()
// Reached only when there were fewer boundaries than that: the test then knows that it has seen them all.
process.exit(response.status === 200 ? 0 : 1)

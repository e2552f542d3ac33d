/** A process that buys one thing through Stripe and is killed at the step that its job names, without a last word. */
import { writeSync } from 'node:fs'
import Stripe from 'stripe'
import { createPurser, type Ledger, type Wallet } from '../../src/index.js'
import { sqliteLedger } from '../../src/ledger/sqlite/index.js'
import { stripe } from '../../src/wallet/stripe/index.js'
import { AT, type StripeJob } from './words.js'

const job: StripeJob = JSON.parse(process.env['JOB'] ?? '{}')
let step = 0

async function between<T>(name: string, work: () => Promise<T>): Promise<T> {
  boundary(`before ${name}`)
  const result = await work()
  boundary(`after ${name}`)
  return result
}

function boundary(name: string): void {
  step++
  if (step !== job.killAt) return
  writeSync(1, `${AT}${name}\n`)
  process.kill(process.pid, 'SIGKILL')
  for (;;);
}

function killable(ledger: Ledger): Ledger {
  return new Proxy(ledger, {
    get(target, name) {
      if (name === 'hold')
        return (...args: Parameters<Ledger['hold']>) => between('the hold', () => target.hold(...args))
      if (name === 'advance')
        return (...args: Parameters<Ledger['advance']>) =>
          between(`the step to ${args[1].to}`, () => target.advance(...args))
      const value: unknown = Reflect.get(target, name)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}

function killableWallet(wallet: Wallet): Wallet {
  return {
    ...wallet,
    async prepare(...args) {
      const prepared = await between('preparing', () => wallet.prepare(...args))
      return { ...prepared, complete: (deliver) => between('handing out', () => prepared.complete(deliver)) }
    },
  }
}

const real = new Stripe('sk_test_agent', { host: '127.0.0.1', port: job.stripe, protocol: 'http' })
const client = {
  rawRequest: (...args: Parameters<Stripe['rawRequest']>) =>
    between(`${args[0]} ${args[1].split('/').at(-1)}`, () => real.rawRequest(...args)),
}
const wallet = stripe({ client, paymentMethod: job.paymentMethod, livemode: false })
const purser = createPurser({
  agent: 'crash',
  wallets: [killableWallet(wallet)],
  policy: {
    perPayment: '10',
    budgets: [{ limit: '50', per: 'day' }],
    vendors: [{ origin: new URL(job.url).origin }],
    networks: ['stripe:test'],
  },
  ledger: killable(sqliteLedger({ path: job.ledger })),
  fetch: (input, init) => {
    const paid = new Request(input, init).headers.has('authorization')
    return between(paid ? 'the paid request' : 'the first request', () => fetch(input, init))
  },
})
const response = await purser.fetch(job.url, { payment: { idempotencyKey: job.key } })
await response.text()
// Reached only when there were fewer boundaries than that: the test then knows that it has seen them all.
process.exit(response.status === 200 ? 0 : 1)

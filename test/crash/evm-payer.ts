/**
 * A process that buys one cup of tea by x402, and is killed at the step that its job names. The chain and the shop's
 * facilitator live on without it.
 */
import { writeSync } from 'node:fs'
import type { Hex } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { createPurser } from '../../src/index.js'
import { sqliteLedger } from '../../src/ledger/sqlite/index.js'
import { evm } from '../../src/wallet/evm/index.js'
import { Boundaries } from './boundaries.js'
import { noteSyncs } from './syncs.js'

/** What the test tells this process. */
export interface EvmJob {
  readonly key: Hex
  readonly url: string
  readonly rpc: string
  readonly dollar: Hex
  readonly ledger: string
  /** The step at which it dies; 0: it lives. */
  readonly killAt: number
}

const job: EvmJob = JSON.parse(process.env['JOB'] ?? '{}')
await noteSyncs()
const steps = new Boundaries(job.killAt, (name, step) => {
  if (step === job.killAt) writeSync(1, name)
})

const account = privateKeyToAccount(job.key)
const network = 'eip155:31337'
const purser = createPurser({
  agent: 'crash',
  wallets: [
    evm({
      account: { ...account, sign: (parameters) => steps.between('signing', () => account.sign(parameters)) },
      rpc: { 31337: job.rpc },
    }),
  ],
  policy: {
    perPayment: '1',
    budgets: [{ limit: '5', per: 'day' }],
    vendors: [{ origin: new URL(job.url).origin }],
    networks: [network],
  },
  currencies: [
    { id: `${network}/erc20:${job.dollar.toLowerCase()}`, symbol: 'TUSD', decimals: 6, peg: 'iso4217:USD' },
  ],
  ledger: steps.ledger(sqliteLedger({ path: job.ledger })),
  fetch: (input, init) => steps.between('a request', () => fetch(input, init)),
})

const response = await purser.fetch(job.url, { payment: { idempotencyKey: 'one cup' } })
writeSync(1, `${steps.passed} steps: ${await response.text()}`)
await purser.close()
process.exit(0)

/** A process that pays by sessions and is killed at a step boundary that its job names. What it prints was delivered. */
import { writeSync } from 'node:fs'
import { privateKeyToAccount } from 'viem/accounts'
import { createPurser, type Ledger } from '../../src/index.js'
import { sqliteLedger } from '../../src/ledger/sqlite/index.js'
import { type SessionWallet, tempoSession } from '../../src/session/index.js'
import { LOCAL_CURRENCIES } from '../chain/chain.js'
import { sessionPolicy } from './policy.js'
import type { SessionJob } from './words.js'

const job: SessionJob = JSON.parse(process.env['JOB'] ?? '{}')
let step = 0

function boundary(): void {
  step++
  if (step !== job.killAt) return
  process.kill(process.pid, 'SIGKILL')
  for (;;);
}

async function between<T>(work: () => Promise<T>): Promise<T> {
  boundary()
  const result = await work()
  boundary()
  return result
}

function killable(ledger: Ledger): Ledger {
  return new Proxy(ledger, {
    get(target, name) {
      if (name === 'hold') return (...args: Parameters<Ledger['hold']>) => between(() => target.hold(...args))
      if (name === 'advance')
        return (...args: Parameters<Ledger['advance']>) => between(() => target.advance(...args))
      if (name === 'putChannel')
        return (...args: Parameters<Ledger['putChannel']>) => between(() => target.putChannel(...args))
      const value: unknown = Reflect.get(target, name)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}

function killableWallet(wallet: SessionWallet): SessionWallet {
  return {
    ...wallet,
    async prepare(...args) {
      const prepared = await between(() => wallet.prepare(...args))
      return { ...prepared, complete: (deliver) => between(() => prepared.complete(deliver)) }
    },
  }
}

const purser = createPurser({
  agent: 'crash',
  currencies: LOCAL_CURRENCIES,
  wallets: [
    killableWallet(
      tempoSession({
        account: privateKeyToAccount(job.account),
        rpc: { [job.chain]: job.rpc },
        escrows: [job.escrow],
        deposit: '0.01',
        topUp: '0.05',
        validityMs: 10_000,
      }),
    ),
  ],
  policy: sessionPolicy(job.origin, job.escrow),
  ledger: killable(sqliteLedger({ path: job.ledger })),
  fetch: (input, init) => between(() => fetch(input, init)),
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

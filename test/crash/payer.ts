/**
 * A process that buys one thing and is killed on the way: `KILL_AT` names the step boundary. It prints nothing and
 * never gets to clean up; what it leaves behind is what the test is about.
 */
import { privateKeyToAccount } from 'viem/accounts'
import { createPurser, type Ledger, type Wallet } from '../../src/index.js'
import { sqliteLedger } from '../../src/ledger/sqlite/index.js'
import { tempo } from '../../src/wallet/tempo/index.js'
import { LOCAL_CURRENCIES } from '../chain/chain.js'
import { policyFor } from './policy.js'

interface Job {
  readonly key: `0x${string}`
  readonly rpc: string
  readonly url: string
  readonly ledger: string
  readonly idempotencyKey: string
  readonly killAt: number
}

const job: Job = JSON.parse(process.env['JOB'] ?? '{}')
let step = 0

/** One boundary between two steps. At the chosen one the process is gone, without a last word. */
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
      const value: unknown = Reflect.get(target, name)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}

function killableWallet(wallet: Wallet): Wallet {
  return {
    id: wallet.id,
    kinds: wallet.kinds,
    quote: (...args) => wallet.quote(...args),
    inspect: (...args) => wallet.inspect(...args),
    ...(wallet.recognises === undefined ? {} : { recognises: (...args) => wallet.recognises?.(...args) }),
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
      tempo({ account: privateKeyToAccount(job.key), rpc: { 31337: job.rpc }, validityMs: 5_000 }),
    ),
  ],
  policy: policyFor(new URL(job.url).origin),
  ledger: killable(sqliteLedger({ path: job.ledger })),
  fetch: (input, init) => between(() => fetch(input, init)),
})
const response = await purser.fetch(job.url, { payment: { idempotencyKey: job.idempotencyKey } })
await response.text()
// Reached only when there were fewer boundaries than that: the test then knows that it has seen them all.
process.exit(response.status === 200 ? 0 : 1)

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { spendAuthorization } from '../src/entry/wallet.js'
import { amount, createPurser, type Wallet } from '../src/index.js'
import { sqliteLedger } from '../src/ledger/sqlite/index.js'
import type { Row } from './measure.js'
import { alphaUSD, policy, stubServer, URL_PAID } from './stubs.js'

const PAYMENTS = 100_000
const WARM_UP = 2_000
const MOST_MB = 20

/** Pays with nothing: what is weighed is the purser, not a signature. */
const paperWallet: Wallet = {
  id: 'paper',
  kinds: ['tempo/charge'],
  quote: async (challenge, { resource }) => ({
    wallet: 'paper',
    challenge,
    resource,
    terms: {
      purpose: 'pay',
      kind: 'tempo/charge',
      network: 'eip155:31337',
      most: amount(10_000n, alphaUSD),
      exact: true,
      payees: [{ id: '0x70997970c51812dc3a010c7d01b50e0d17dc79c8', amount: amount(10_000n, alphaUSD) }],
    },
  }),
  prepare: async (authorization, { now }) => {
    const { quote, payment } = spendAuthorization(authorization, now)
    return {
      evidence: { wallet: 'paper', kind: 'tempo/charge', refs: [payment], detail: null },
      complete: async () => ({ credential: { challenge: quote.challenge, payload: { paper: payment } } }),
      discard: async () => {},
    }
  },
  inspect: async () => ({ state: 'unknown', reason: 'paper proves nothing' }),
}

/** What 100,000 payments through one purser leave on the heap. */
export async function benchMemory(): Promise<readonly Row[]> {
  const collect = globalThis.gc
  if (collect === undefined) throw new TypeError('run the bench with --expose-gc')
  const folder = await mkdtemp(join(tmpdir(), 'purser-bench-'))
  const purser = createPurser({
    agent: 'bench',
    currencies: [alphaUSD],
    wallets: [paperWallet],
    policy,
    ledger: sqliteLedger({ path: join(folder, 'ledger.db'), synchronous: 'normal' }),
    fetch: stubServer(),
  })
  const pay = async (count: number): Promise<void> => {
    for (let n = 0; n < count; n++) await (await purser.fetch(`${URL_PAID}?n=${n}`)).text()
  }
  await pay(WARM_UP)
  collect()
  const before = process.memoryUsage().heapUsed
  await pay(PAYMENTS)
  collect()
  const grown = (process.memoryUsage().heapUsed - before) / 2 ** 20
  await purser.close()
  await rm(folder, { recursive: true, force: true })
  return [
    {
      what: `heap after ${PAYMENTS.toLocaleString('en')} payments through one purser`,
      measured: `${grown.toFixed(1)} MB more`,
      target: `≤ ${MOST_MB} MB`,
    },
  ]
}

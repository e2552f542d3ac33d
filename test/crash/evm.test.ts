import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { maxUint256 } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import type { Clock } from '../../src/entry/ledger.js'
import { createPurser, type Payment, type Purser } from '../../src/index.js'
import { sqliteLedger } from '../../src/ledger/sqlite/index.js'
import { approvePermit2, evm } from '../../src/wallet/evm/index.js'
import { policyFor } from '../evm/buyer.js'
import { type EvmChain, startEvmChain } from '../evm/chain.js'
import { startX402Shop, type X402Shop } from '../evm/shop.js'
import { cuts, type Fate, kills } from './deaths.js'
import type { EvmJob } from './evm-payer.js'
import { bundlePayer } from './job.js'
import { losePower } from './power.js'

// A payer that is killed at every step of a payment by x402: by EIP-3009 at an exact price, and by Permit2 up to one. The
// chain goes on without it, and so does whoever settles there.

let folder: string
let payer: string
let chain: EvmChain
let shop: X402Shop
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'purser-evm-'))
  ;[payer, chain] = await Promise.all([bundlePayer('evm-payer'), startEvmChain()])
  shop = await startX402Shop(chain)
})
afterAll(async () => {
  await shop?.close()
  await chain?.stop()
  await rm(folder, { recursive: true, force: true })
})

const FUNDS = 1_000_000n
const UNITS_PER_PART = 1_000n

interface Life {
  readonly job: EvmJob
  /** What left the account on the chain. */
  left(): Promise<bigint>
  /** The next process, once the lease of the dead one is over. */
  successor(): Purser
}

async function life(path: string, { death, killAt }: Fate): Promise<Life> {
  const account = await chain.account(FUNDS)
  const rpc = { [chain.id]: chain.url }
  if (path === '/upto') await approvePermit2({ account, rpc, token: chain.dollar.id, amount: maxUint256 })
  const ledger = join(folder, `${path.slice(1)} ${death} ${killAt}.db`)
  const job = {
    key: account.key,
    url: shop.url(path),
    rpc: chain.url,
    dollar: chain.dollarAddress,
    ledger,
    killAt,
  }
  return {
    job,
    left: async () => FUNDS - (await chain.balanceOf(account.address)),
    successor() {
      const clock: Clock = { now: () => Date.now() + 60_000, monotonic: () => performance.now() + 60_000 }
      const purser = createPurser({
        agent: 'crash',
        wallets: [evm({ account: privateKeyToAccount(account.key), rpc })],
        policy: policyFor(chain, [shop.origin]),
        currencies: [chain.dollar],
        ledger: sqliteLedger({ path: ledger, clock }),
        clock,
      })
      onTestFinished(() => purser.close())
      return purser
    },
  }
}

/** What the payer printed before its end. */
function run(job: EvmJob): Promise<string> {
  const child = spawn(process.execPath, [payer], {
    env: { ...process.env, JOB: JSON.stringify(job) },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let printed = ''
  child.stdout.on('data', (chunk: Buffer) => {
    printed += chunk.toString()
  })
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', () => resolve(printed))
  })
}

async function payments(purser: Purser): Promise<Payment[]> {
  const all: Payment[] = []
  for await (const payment of purser.payments({})) all.push(payment)
  return all
}

async function counted(purser: Purser): Promise<bigint> {
  return (await payments(purser)).reduce((sum, { units }) => sum + units, 0n) / UNITS_PER_PART
}

test('dead at every step, of a kill or a power cut, it has always written down what it paid, and its successor finds what became of it', {
  timeout: 300_000,
}, async () => {
  const lives: { readonly where: string; readonly next: Purser; readonly left: Life['left'] }[] = []
  for (const path of ['/exact', '/upto']) {
    const whole = await life(path, { death: 'kill', killAt: 0 })
    const [, steps = ''] = /^(\d+) steps: tea$/.exec(await run(whole.job)) ?? []
    expect(Number(steps)).toBeGreaterThan(10)
    const fates = [...kills(Number(steps)), ...cuts(Number(steps))]
    for (const fate of fates) {
      const { job, left, successor } = await life(path, fate)
      const printed = await run(job)
      if (fate.death === 'power cut') losePower(job.ledger)
      if (fate.killAt <= Number(steps)) expect(printed).toMatch(/^(before|after) /)
      const where = `${path} ${fate.death} ${printed}`
      const next = successor()
      // At once, before anything was looked up.
      const [books, gone] = [await counted(next), await left()]
      expect(books, where).toBeGreaterThanOrEqual(gone)
      lives.push({ where, next, left })
    }
  }
  // Whatever was signed has run out, and the chain is final about it.
  await chain.mine(6, 30)
  for (const { where, next, left } of lives) {
    await next.recover({ reconcile: true })
    expect(
      (await payments(next)).filter(({ state }) => state === 'committed'),
      where,
    ).toEqual([])
    expect(await counted(next), where).toBe(await left())
  }
  // Some deaths cost nothing, and some came after the money had moved.
  const ends = await Promise.all(lives.map(({ left }) => left()))
  expect(new Set(ends).size).toBe(3)
})

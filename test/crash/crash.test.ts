import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import type { Hex } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Clock, createPurser, type Payment, type Purser } from '../../src/index.js'
import { sqliteLedger } from '../../src/ledger/sqlite/index.js'
import { tempo } from '../../src/wallet/tempo/index.js'
import { alphaUSD, type Chain, LOCAL_CURRENCIES, startChain } from '../chain/chain.js'
import { type PaidApi, startPaidApi } from '../chain/server.js'
import { policyFor } from './policy.js'

const FUNDS = 1_000_000n
const PRICE = 10_000n
const AT_ONCE = 2
/** More boundaries than a payment has: the last case of each kind runs to its end, and proves that. */
const BOUNDARIES = 18
/** The payer's shortest validity, and time for a final block beyond it. */
const PAST_VALIDITY_MS = 9_000

interface Crash {
  readonly route: string
  readonly killAt: number
  readonly key: Hex
  readonly address: string
  readonly ledger: string
  readonly idempotencyKey: string
  code: number | null
}

let chain: Chain
let api: PaidApi
let folder: string
let payer: string

beforeAll(async () => {
  chain = await startChain()
  api = await startPaidApi({ chain })
  folder = await mkdtemp(join(tmpdir(), 'purser-crash-'))
  payer = await bundled('payer.ts')
})

afterAll(async () => {
  await api.close()
  await chain.stop()
  await rm(folder, { recursive: true, force: true })
})

describe.each(['/paid', '/sponsored', '/push'])(
  'a process killed at every step of a payment for %s',
  (route) => {
    let crashes: Crash[]

    beforeAll(async () => {
      crashes = await Promise.all(Array.from({ length: BOUNDARIES }, (_, index) => plan(route, index + 1)))
      await eachAtOnce(crashes, kill)
    }, 240_000)

    it('was killed at every step, and got through without a kill', () => {
      const codes = crashes.map(({ code }) => code)
      const killed = codes.filter((code) => code === null).length
      // hold, prepare, commit, complete, settle and two requests, each with a boundary before and after.
      expect(killed).toBeGreaterThanOrEqual(14)
      expect(killed).toBeLessThan(BOUNDARIES)
      expect(codes.slice(killed)).toEqual(codes.slice(killed).map(() => 0))
    })

    it('counts at least what the chain shows at once, exactly that after recovery, and never pays the key again', async () => {
      for (const crash of crashes)
        expect(await counted(crash)).toBeGreaterThanOrEqual(await paidOnChain(crash))
      await sleep(PAST_VALIDITY_MS)
      await eachAtOnce(crashes, recovered)
      await eachAtOnce(crashes, sameKeyAgain)
    }, 240_000)
  },
)

/** One file that starts in half a second, beside the packages it needs: dozens of processes are started from it. */
async function bundled(source: string): Promise<string> {
  const outfile = fileURLToPath(new URL('../../node_modules/.cache/purser/payer.mjs', import.meta.url))
  const entry = fileURLToPath(new URL(source, import.meta.url))
  const options = { bundle: true, platform: 'node', format: 'esm', packages: 'external' } as const
  await build({ ...options, entryPoints: [entry], outfile, logLevel: 'error' })
  return outfile
}

async function plan(route: string, killAt: number): Promise<Crash> {
  const account = await chain.account(FUNDS)
  return {
    route,
    killAt,
    key: account.key,
    address: account.address,
    ledger: join(folder, `${route.slice(1)}-${killAt}.db`),
    idempotencyKey: `${route}-${killAt}`,
    code: 0,
  }
}

function kill(crash: Crash): Promise<void> {
  const { key, ledger, idempotencyKey, killAt } = crash
  const job = { key, ledger, idempotencyKey, killAt, rpc: chain.url, url: api.url(crash.route) }
  const child = spawn(process.execPath, [payer], {
    env: { ...process.env, JOB: JSON.stringify(job) },
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code) => {
      crash.code = code
      resolve()
    })
  })
}

/** The next process starts a minute later, when the dead one's lease has run out. */
const aMinuteLater: Clock = { now: () => Date.now() + 60_000, monotonic: () => performance.now() }

async function purserOf(crash: Crash): Promise<Purser> {
  const account = privateKeyToAccount(crash.key)
  return createPurser({
    agent: 'crash',
    currencies: LOCAL_CURRENCIES,
    wallets: [tempo({ account, rpc: { [chain.id]: chain.url }, validityMs: 5_000 })],
    policy: policyFor(api.origin),
    ledger: sqliteLedger({ path: crash.ledger, clock: aMinuteLater }),
    patience: 1_000,
  })
}

async function paymentsOf(crash: Crash): Promise<Payment[]> {
  const ledger = sqliteLedger({ path: crash.ledger })
  const found: Payment[] = []
  for await (const payment of ledger.find({})) found.push(payment)
  await ledger.close()
  return found
}

/** Smallest parts of a dollar token that the ledger counts: units have nine decimals, the token six. */
async function counted(crash: Crash): Promise<bigint> {
  const payments = await paymentsOf(crash)
  return payments.reduce((sum, { units }) => sum + units, 0n) / 1_000n
}

/** Everything that left the account: price and fees. The fee is paid in the same token. */
async function paidOnChain({ address }: Crash): Promise<bigint> {
  return FUNDS - (await chain.balanceOf(alphaUSD, address))
}

async function recovered(crash: Crash): Promise<void> {
  const purser = await purserOf(crash)
  await purser.recover({ reconcile: true })
  await purser.close()
  const onChain = await paidOnChain(crash)
  expect({ ...label(crash), counted: await counted(crash) }).toEqual({ ...label(crash), counted: onChain })
  const states = (await paymentsOf(crash)).map(({ state }) => state)
  expect(states.filter((state) => state === 'held' || state === 'committed')).toEqual([])
}

async function sameKeyAgain(crash: Crash): Promise<void> {
  const before = await paidOnChain(crash)
  const purser = await purserOf(crash)
  const response = await purser.fetch(api.url(crash.route), {
    payment: { idempotencyKey: crash.idempotencyKey },
  })
  await response.text()
  await purser.close()
  const again = (await paidOnChain(crash)) - before
  // What had been paid is not paid again; what had not been, may be now, once.
  if (before >= PRICE)
    expect({ ...label(crash), again, status: response.status }).toMatchObject({ again: 0n })
  else expect({ ...label(crash), status: response.status }).toMatchObject({ status: 200 })
}

function label({ route, killAt }: Crash): { route: string; killAt: number } {
  return { route, killAt }
}

async function eachAtOnce<T>(all: readonly T[], work: (one: T) => Promise<void>): Promise<void> {
  const queue = [...all]
  const worker = async (): Promise<void> => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) await work(next)
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
}

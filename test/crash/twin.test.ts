import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Clock } from '../../src/entry/ledger.js'
import { createPurser } from '../../src/index.js'
import { sqliteLedger } from '../../src/ledger/sqlite/index.js'
import { tempo } from '../../src/wallet/tempo/index.js'
import { alphaUSD, type Chain, LOCAL_CURRENCIES, startChain } from '../chain/chain.js'
import { type PaidApi, PRICE, startPaidApi } from '../chain/server.js'
import { policyFor } from './policy.js'

const FUNDS = 1_000_000n
const LEASE_MS = 30_000

let chain: Chain
let api: PaidApi
let folder: string

beforeAll(async () => {
  chain = await startChain()
  api = await startPaidApi({ chain })
  folder = await mkdtemp(join(tmpdir(), 'purser-twin-'))
})

afterAll(async () => {
  await api.close()
  await chain.stop()
  await rm(folder, { recursive: true, force: true })
})

/** Time that the test lets pass, for the ledger alone. */
function clockOf(): Clock & { pass(ms: number): void } {
  let ahead = 0
  return {
    now: () => Date.now() + ahead,
    monotonic: () => performance.now() + ahead,
    pass: (ms) => {
      ahead += ms
    },
  }
}

it('does not pay again when a process died after paying, and its successor repeats the request without a key', async () => {
  const account = await chain.account(FUNDS)
  const path = join(folder, `${randomUUID()}.db`)
  const clock = clockOf()
  const purserOf = (fetch?: typeof globalThis.fetch) =>
    createPurser({
      agent: 'crash',
      currencies: LOCAL_CURRENCIES,
      wallets: [tempo({ account, rpc: { [chain.id]: chain.url }, validityMs: 5_000 })],
      policy: policyFor(api.origin),
      ledger: sqliteLedger({ path, clock }),
      ...(fetch === undefined ? {} : { fetch }),
    })
  // It pays, and then hears nothing any more: for its ledger it is alive until its lease runs out.
  let hasPaid: () => void = () => {}
  const paid = new Promise<void>((resolve) => {
    hasPaid = resolve
  })
  const dead = purserOf(async (input, init) => {
    const response = await fetch(input, init)
    if (response.status === 402) return response
    hasPaid()
    return new Promise(() => {})
  })
  void dead.fetch(api.url('/paid'))
  await paid

  const successor = purserOf()
  const answer = successor.fetch(api.url('/paid'))
  await expect.poll(() => api.seen.length, { timeout: 5_000 }).toBeGreaterThanOrEqual(3)
  clock.pass(LEASE_MS + 1)
  const response = await answer
  expect(await response.json()).toMatchObject({ code: 'paid_not_delivered', funds: 'settled' })
  expect(response.status).toBe(402)
  expect(api.paid()).toHaveLength(1)
  const spent = FUNDS - (await chain.balanceOf(alphaUSD, account.address))
  expect(spent).toBeGreaterThanOrEqual(PRICE)
  expect(spent).toBeLessThan(2n * PRICE)
  await successor.close()
})

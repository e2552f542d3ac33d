import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { privateKeyToAccount } from 'viem/accounts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Clock } from '../../src/entry/ledger.js'
import { createPurser, type Payment, type Purser } from '../../src/index.js'
import { sqliteLedger } from '../../src/ledger/sqlite/index.js'
import { tempoSession } from '../../src/session/index.js'
import { alphaUSD, LOCAL_CURRENCIES, pathUSD } from '../chain/chain.js'
import type { SessionServer } from '../session/fixtures/server.js'
import { type ChannelWorld, channelWorld } from '../session/fixtures/world.js'
import { cuts, type Fate, kills } from './deaths.js'
import { bundlePayer, type Ended, startPayer } from './job.js'
import { sessionPolicy } from './policy.js'
import { losePower } from './power.js'
import type { SessionJob } from './words.js'

/** More boundaries than opening, one voucher and one top-up have: the last cases run to their end, and prove that. */
const BOUNDARIES = 52
const AT_ONCE = 3
const FUNDS = 1_000_000n
const PRICE = 10_000n
/** The validity of what the payers sign, and time for a final block beyond it. */
const PAST_VALIDITY_MS = 14_000
/** The next process starts a minute later, when the dead one's lease has run out. */
const A_MINUTE_MS = 60_000

interface Crash extends SessionJob, Fate {
  code: Ended['code']
  delivered: number
  /** What the account held before anything was paid. */
  had: bigint
}

let folder: string
let payer: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'purser-session-crash-'))
  payer = await bundlePayer('session-payer')
})
afterAll(async () => {
  await rm(folder, { recursive: true, force: true })
  await rm(payer, { force: true })
})

async function eachAtOnce<T>(all: readonly T[], work: (one: T) => Promise<void>): Promise<void> {
  const left = [...all]
  const worker = async (): Promise<void> => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) await work(next)
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
}

/** A successor of the dead process, on its ledger, a minute later. */
function successor({ account, rpc, chain, escrow, origin, ledger }: Crash): Purser {
  const clock: Clock = { now: () => Date.now() + A_MINUTE_MS, monotonic: () => performance.now() }
  return createPurser({
    agent: 'crash',
    currencies: LOCAL_CURRENCIES,
    wallets: [
      tempoSession({
        account: privateKeyToAccount(account),
        rpc: { [chain]: rpc },
        escrows: [escrow],
        deposit: '0.05',
      }),
    ],
    policy: sessionPolicy(origin, escrow),
    ledger: sqliteLedger({ path: ledger, clock }),
  })
}

function jobOf({ code: _c, delivered: _d, had: _h, death: _, ...job }: Crash): SessionJob {
  return job
}

async function paymentsOf(purser: Purser): Promise<readonly Payment[]> {
  const all: Payment[] = []
  for await (const payment of purser.payments()) all.push(payment)
  return all
}

describe.each([
  ['v2', '/paid'],
  ['v1', '/sponsored/paid'],
] as const)('sessions of protocol %s, at %s', (protocol, route) => {
  let world: ChannelWorld
  let server: SessionServer
  let crashes: Crash[]

  const has = async (account: Crash['account']): Promise<bigint> => {
    const { address } = privateKeyToAccount(account)
    return (await world.chain.balanceOf(alphaUSD, address)) + (await world.chain.balanceOf(pathUSD, address))
  }

  beforeAll(async () => {
    world = await channelWorld()
    server = await world.serve({ protocol, validityMs: 600_000 })
    crashes = await Promise.all(
      [...kills(BOUNDARIES), ...cuts(BOUNDARIES)].map(async (fate): Promise<Crash> => {
        const { key } = await world.chain.account(FUNDS)
        return {
          account: key,
          rpc: world.chain.url,
          chain: world.chain.id,
          escrow: world.escrow.v1,
          origin: server.origin,
          paths: [`${route}?first`, `${route}?second`],
          ledger: join(folder, `${protocol} ${fate.death} ${fate.killAt}.db`),
          ...fate,
          code: 0,
          delivered: 0,
          had: await has(key),
        }
      }),
    )
    await eachAtOnce(crashes, async (crash) => {
      const { code, delivered } = await startPayer(payer, jobOf(crash)).ended
      crash.code = code
      crash.delivered = delivered.length
      if (crash.death === 'power cut') losePower(crash.ledger)
    })
  }, 360_000)
  afterAll(() => world.stop())

  it.each([
    ['kill', 30],
    ['power cut', 15],
  ] as const)('a payer died of a %s at every step, and got through without one', (death, least) => {
    const codes = crashes.filter((crash) => crash.death === death).map(({ code }) => code)
    const killed = codes.filter((code) => code === 'killed').length
    expect(killed).toBeGreaterThanOrEqual(least)
    expect(killed).toBeLessThan(codes.length)
    expect(codes.slice(killed)).toEqual(codes.slice(killed).map(() => 0))
  })

  it('goes on with what was opened, and every part is accounted for when it is closed', {
    timeout: 360_000,
  }, async () => {
    await sleep(PAST_VALIDITY_MS)
    await eachAtOnce(crashes, async (crash) => {
      const purser = successor(crash)
      await purser.recover({ reconcile: true })
      for (const path of [`${route}?third`, `${route}?fourth`])
        expect(
          (await purser.fetch(`${crash.origin}${path}`)).status,
          `after a ${crash.death} at ${crash.killAt}`,
        ).toBe(200)
      const open = await purser.sessions.list()
      expect(open.length, `after a ${crash.death} at ${crash.killAt}`).toBe(1)
      for (const { id } of open) await purser.sessions.close(id)
      expect(await purser.sessions.list()).toEqual([])
      const left = crash.had - (await has(crash.account))
      // Fees and ends are read from final blocks only.
      const counted = async (): Promise<bigint> => {
        await purser.recover({ reconcile: true })
        return (await paymentsOf(purser)).reduce((sum, { units }) => sum + units, 0n) / 1_000n
      }
      await expect
        .poll(counted, {
          timeout: 20_000,
          interval: 500,
          message: `after a ${crash.death} at ${crash.killAt}`,
        })
        .toBe(left)
      const payments = await paymentsOf(purser)
      // Two calls before at the most, and two after: none of them can have cost its price twice.
      const prices = payments.reduce(
        (sum, { state, spent }) => sum + (state === 'settled' ? (spent?.value ?? 0n) : 0n),
        0n,
      )
      expect(prices).toBeLessThanOrEqual(4n * PRICE)
      expect(prices).toBeGreaterThanOrEqual(BigInt(crash.delivered + 2) * PRICE)
      await purser.close()
    })
    expect(await world.held(protocol)).toBe(0n)
  })
})

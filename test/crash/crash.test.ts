import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Chain, startChain } from '../chain/chain.js'
import { type PaidApi, PRICE, startPaidApi } from '../chain/server.js'
import { chargesFor, FUNDS, type Owner, readBooks, successor, UNITS_PER_PART } from './books.js'
import { cuts, type Fate, kills } from './deaths.js'
import { bundlePayer, type Ended, startPayer } from './job.js'
import { losePower } from './power.js'

const ROUTES = ['/paid', '/sponsored', '/push', '/zero'] as const
/** Its payers hold the price in the token of the offer, and the fee in another one. */
const OTHER_FEE = '/paid?fee=other'
const AT_ONCE = 3
/** More boundaries than a payment has: the last case of each kind runs to its end, and proves that. */
const BOUNDARIES = 18
const SHORTEST_VALIDITY_MS = 5_000
/** Time for a final block beyond it. */
const PAST_VALIDITY_MS = SHORTEST_VALIDITY_MS + 4_000
/** The next process starts a minute later, when the dead one's lease has run out. */
const A_MINUTE_MS = 60_000

interface Crash extends Owner, Fate {
  readonly route: (typeof ROUTES)[number] | typeof OTHER_FEE
  readonly key: string
  code: Ended['code']
}

let chain: Chain
let api: PaidApi
let folder: string
let payer: string
let crashes: Crash[]

beforeAll(async () => {
  chain = await startChain()
  api = await startPaidApi({ chain })
  folder = await mkdtemp(join(tmpdir(), 'purser-crash-'))
  payer = await bundlePayer()
  const plans = ROUTES.flatMap((route) =>
    [...kills(BOUNDARIES), ...cuts(BOUNDARIES)].map((fate) => plan(route, fate)),
  )
  plans.push(...kills(BOUNDARIES).map((fate) => plan(OTHER_FEE, fate)))
  crashes = await Promise.all(plans)
  await eachAtOnce(crashes, die)
}, 600_000)

afterAll(async () => {
  await api.close()
  await chain.stop()
  await rm(folder, { recursive: true, force: true })
  await rm(payer, { force: true })
})

it.each([
  ...ROUTES.flatMap((route) => [[route, 'kill'] as const, [route, 'power cut'] as const]),
  [OTHER_FEE, 'kill'] as const,
])('a payer for %s died of a %s at every step, and got through without one', (route, death) => {
  const codes = crashes
    .filter((crash) => crash.route === route && crash.death === death)
    .map(({ code }) => code)
  const killed = codes.filter((code) => code === 'killed').length
  // hold, prepare, commit, complete, settle and two requests, each with a boundary before and after.
  expect(killed).toBeGreaterThanOrEqual(death === 'kill' ? 14 : 7)
  expect(killed).toBeLessThan(codes.length)
  expect(codes.slice(killed)).toEqual(codes.slice(killed).map(() => 0))
})

it('its ledger counts at least what the chain shows at once, exactly that after recovery, and never pays the key again', async () => {
  for (const crash of crashes) {
    const { units, left } = await readBooks(chain, crash)
    expect(units / UNITS_PER_PART).toBeGreaterThanOrEqual(left)
  }
  await sleep(PAST_VALIDITY_MS)
  await eachAtOnce(crashes, recovered)
  await eachAtOnce(crashes, sameKeyAgain)
}, 120_000)

async function plan(route: Crash['route'], fate: Fate): Promise<Crash> {
  const funds = route === OTHER_FEE ? PRICE : FUNDS
  const { key: account, address } = await chain.account(funds)
  const name = `${route.replace(/\W/g, ' ').trim()} ${fate.death} ${fate.killAt}`
  const ledger = join(folder, `${name}.db`)
  const owner = {
    account,
    address,
    ...(route === OTHER_FEE ? { funds } : {}),
    ledger,
    origin: api.origin,
    limit: '1',
    validityMs: SHORTEST_VALIDITY_MS,
    lanes: 4,
  }
  return { ...owner, ...fate, route, key: name, code: 0 }
}

async function die(crash: Crash): Promise<void> {
  const { account, ledger, origin, limit, validityMs, lanes, killAt, key, route } = crash
  const calls = [{ path: route, key }]
  const job = {
    account,
    ledger,
    origin,
    limit,
    validityMs,
    lanes,
    killAt,
    tellAt: 0,
    calls,
    ahead: 0,
    reconcile: false,
  }
  crash.code = (await startPayer(payer, { ...job, chain: chain.id, rpc: chain.url }).ended).code
  if (crash.death === 'power cut') losePower(ledger)
}

async function recovered(crash: Crash): Promise<void> {
  const purser = successor(chain, crash, A_MINUTE_MS)
  await purser.recover({ reconcile: true })
  await purser.close()
  const { left, units, payments } = await readBooks(chain, crash)
  expect({ key: crash.key, units }).toEqual({ key: crash.key, units: left * UNITS_PER_PART })
  expect(payments.filter(({ state }) => state === 'held' || state === 'committed')).toEqual([])
}

async function sameKeyAgain(crash: Crash): Promise<void> {
  const { key, route, origin } = crash
  const before = chargesFor(key, await readBooks(chain, crash))
  const purser = successor(chain, crash, A_MINUTE_MS)
  const response = await purser.fetch(`${origin}${route}`, { payment: { idempotencyKey: key } })
  await response.text()
  await purser.close()
  const charges = chargesFor(key, await readBooks(chain, crash))
  // What had been paid is not paid again; what had not been, may be now, once.
  if (before > 0) expect({ key, before, charges }).toEqual({ key, before: 1, charges: 1 })
  else if (route !== '/zero')
    expect({ key, status: response.status, charges }).toEqual({ key, status: 200, charges: 1 })
}

async function eachAtOnce<T>(all: readonly T[], work: (one: T) => Promise<void>): Promise<void> {
  const queue = [...all]
  const worker = async (): Promise<void> => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) await work(next)
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
}

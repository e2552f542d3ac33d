import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Approval, ApprovalAnswer } from '../../src/index.js'
import { sqliteLedger } from '../../src/ledger/sqlite/index.js'
import { type Chain, startChain } from '../chain/chain.js'
import { type PaidApi, startPaidApi } from '../chain/server.js'
import { chargesFor, FUNDS, type Owner, readBooks, successor, UNITS_PER_PART } from './books.js'
import { bundlePayer, type Ended, startPayer } from './job.js'
import { askingPolicy } from './policy.js'
import type { ApprovalJob } from './words.js'

// Two processes, one that asks and one that answers, and either is killed at every step of an approval. There are never
// two payments for one yes, never a payment without a yes, and no budget stays held.

/** More boundaries than the process that asks has: the last cases run to their end, and prove that. */
const STEPS_OF_ASKING = 22
/** Each kills the process that answers. It has a boundary before and one after its answer; the last one is no kill. */
const STEPS_OF_ANSWERING = 3
const VALIDITY_MS = 5_000
const PAST_VALIDITY_MS = VALIDITY_MS + 4_000
/** The next process starts a minute later, when the dead one's lease has run out. The question waits for five. */
const A_MINUTE_MS = 60_000
const AT_ONCE = 2

interface Trial extends Owner {
  readonly name: string
  readonly killed: ApprovalJob['role']
  readonly killAt: number
  /** How many answers counted. */
  yes: number
  code: Ended['code']
  delivered: boolean
}

let chain: Chain
let api: PaidApi
let folder: string
let payer: string
let trials: readonly Trial[]

beforeAll(async () => {
  chain = await startChain()
  api = await startPaidApi({ chain })
  folder = await mkdtemp(join(tmpdir(), 'purser-approval-crash-'))
  payer = await bundlePayer('approval-payer')
  const steps = (count: number, killed: Trial['killed']) =>
    Array.from({ length: count }, (_, step) => plan(killed, step + 1))
  trials = await Promise.all([...steps(STEPS_OF_ASKING, 'asks'), ...steps(STEPS_OF_ANSWERING, 'answers')])
  await eachAtOnce(trials, (trial) => (trial.killed === 'asks' ? killAsking(trial) : killAnswering(trial)))
}, 300_000)

afterAll(async () => {
  await api?.close()
  await chain?.stop()
  await rm(folder, { recursive: true, force: true })
  await rm(payer, { force: true })
})

it('the process that asks died at every step, and got through without a kill', () => {
  const codes = trials.filter(({ killed }) => killed === 'asks').map(({ code }) => code)
  const killed = codes.filter((code) => code === 'killed').length
  // Two requests, the question, the hold, the signature, the commit, handing out, the settlement: each has two.
  expect(killed).toBeGreaterThanOrEqual(16)
  expect(killed).toBeLessThan(codes.length)
  expect(codes.slice(killed)).toEqual(codes.slice(killed).map(() => 0))
})

it('the process that answers died before and after its answer, and one answer counted', () => {
  const answered = trials.filter(({ killed }) => killed === 'answers')
  expect(answered.map(({ code }) => code)).toEqual(['killed', 'killed', 0])
  expect(answered.map(({ yes }) => yes)).toEqual([1, 1, 1])
  expect(answered.map(({ delivered }) => delivered)).toEqual([true, true, true])
})

it('one yes pays once at the most, nothing is paid without one, and no budget stays held', async () => {
  for (const trial of trials) {
    const books = await readBooks(chain, trial)
    const charges = chargesFor(trial.name, books)
    expect({ name: trial.name, tooMany: charges > trial.yes }).toEqual({ name: trial.name, tooMany: false })
  }
  await sleep(PAST_VALIDITY_MS)
  await eachAtOnce(trials, askAgain)
}, 240_000)

async function plan(killed: Trial['killed'], killAt: number): Promise<Trial> {
  const { key: account, address } = await chain.account(FUNDS)
  const name = `${killed} ${killAt}`
  const ledger = join(folder, `${name}.db`)
  const owner = {
    account,
    address,
    ledger,
    origin: api.origin,
    limit: '1',
    validityMs: VALIDITY_MS,
    lanes: 4,
  }
  return { ...owner, name, killed, killAt, yes: 0, code: 0, delivered: false }
}

function start(trial: Trial, role: ApprovalJob['role'], killAt: number): Promise<Ended> {
  const { account, ledger, origin, limit, validityMs, lanes, name } = trial
  const place = { chain: chain.id, rpc: chain.url, path: '/paid', key: name }
  return startPayer(payer, { account, ledger, origin, limit, validityMs, lanes, ...place, role, killAt })
    .ended
}

/** The process that asks is killed. A person answers, at once or when it is dead. */
async function killAsking(trial: Trial): Promise<void> {
  let over = false
  const ended = start(trial, 'asks', trial.killAt).finally(() => {
    over = true
  })
  const ledger = sqliteLedger({ path: trial.ledger })
  while (trial.yes === 0) {
    const last = over
    trial.yes += await answerAll(ledger)
    if (last) break
    await sleep(50)
  }
  const { code, delivered } = await ended
  await ledger.close()
  trial.code = code
  trial.delivered = delivered.length > 0
}

/** The process that answers is killed. Another one answers after it. */
async function killAnswering(trial: Trial): Promise<void> {
  const asking = start(trial, 'asks', 0)
  const { code } = await start(trial, 'answers', trial.killAt)
  trial.code = code
  const ledger = sqliteLedger({ path: trial.ledger })
  await answerAll(ledger)
  trial.yes = (await ledger.approvals()).filter(({ state }) => state === 'approved').length
  await ledger.close()
  trial.delivered = (await asking).delivered.length > 0
}

async function answerAll(ledger: ReturnType<typeof sqliteLedger>): Promise<number> {
  let counted = 0
  for (const { id } of await ledger.approvals({ states: ['waiting'] }))
    if ((await ledger.answer(id, { approved: true, by: 'ann' })).ok) counted++
  return counted
}

/** A successor makes the same request again, where a person says no: only a yes from before may pay. */
async function askAgain(trial: Trial): Promise<void> {
  const { name, origin } = trial
  const asked: string[] = []
  const no = async ({ id }: { readonly id: string }): Promise<ApprovalAnswer> => {
    asked.push(id)
    return { approved: false, by: 'bob' }
  }
  const purser = successor(chain, trial, A_MINUTE_MS, {
    policy: askingPolicy(origin, trial.limit),
    approver: no,
  })
  await purser.recover({ reconcile: true })
  const before = chargesFor(name, await readBooks(chain, trial))
  const unused = (await purser.approvals.list()).filter(isUnusedYes).length
  const response = await purser.fetch(`${origin}/paid`, { payment: { idempotencyKey: name } })
  await response.text()
  await purser.recover({ reconcile: true })
  const approvals = await purser.approvals.list()
  const budgets = await purser.budgets()
  await purser.close()
  const books = await readBooks(chain, trial)
  const charges = chargesFor(name, books)
  const used = approvals.filter(({ usedAt }) => usedAt !== undefined).length
  expect({ name, charges, asked: asked.length, unused: approvals.filter(isUnusedYes).length }).toEqual({
    name,
    // A yes that nobody had used pays now.
    charges: before + unused,
    asked: before + unused === 0 ? 1 : 0,
    unused: 0,
  })
  expect({ name, used: used <= trial.yes, charges: charges <= used }).toEqual({
    name,
    used: true,
    charges: true,
  })
  expect(books.payments.filter(({ state }) => state === 'held' || state === 'committed')).toEqual([])
  expect({ name, units: books.units }).toEqual({ name, units: books.left * UNITS_PER_PART })
  expect(budgets.map(({ held }) => held)).toEqual(budgets.map(() => 0n))
}

function isUnusedYes({ state, usedAt }: Approval): boolean {
  return state === 'approved' && usedAt === undefined
}

async function eachAtOnce<T>(all: readonly T[], work: (one: T) => Promise<void>): Promise<void> {
  const queue = [...all]
  const worker = async (): Promise<void> => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) await work(next)
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
}

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createPurser, type Payment, type Purser } from '../../src/index.js'
import { sqliteLedger } from '../../src/ledger/sqlite/index.js'
import { encodeBase64url } from '../../src/protocol/index.js'
import { ModelChain } from './model/chain.js'
import { type Counted, exceeded, type Limits, LOOSEST, policyOf } from './model/limits.js'
import { type CallPlan, VENDORS } from './model/plan.js'
import { modelWallet } from './model/wallet.js'

const RUNS = 12 * Number(process.env['RUNS'] ?? 1)
/** The fee takes all of its limit, so the final counts can be compared with the limits. */
const FEE = { bound: 1, taken: 100 }
const LIMITS: Limits = { ...LOOSEST, task: 40 }
const clock = { now: () => Date.now(), monotonic: () => performance.now() }

interface Call {
  readonly at: 0 | 1
  readonly tasks: readonly string[]
  readonly vendor: (typeof VENDORS)[number]
  readonly cents: number
  readonly key: string
}

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'purser-instances-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const call: fc.Arbitrary<Call> = fc
  .record({
    at: fc.constantFrom(0 as const, 1 as const),
    tasks: fc.constantFrom<readonly string[]>([], ['report'], ['report', 'search'], ['search']),
    vendor: fc.constantFrom(...VENDORS),
    cents: fc.constantFrom(1, 9, 19, 29),
    number: fc.nat(2),
  })
  // One key is one request of one task. A retry by either instance is the same request.
  .map(({ number, ...rest }) => ({
    ...rest,
    key: JSON.stringify([rest.tasks, rest.vendor, rest.cents, number]),
  }))

it('two pursers on one file keep the budgets of nested tasks exactly, and pay a key once', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(call, { minLength: 4, maxLength: 14 }), async (calls) => {
      const shop = new Shop()
      const path = join(folder, `${crypto.randomUUID()}.db`)
      const both = [open(path, shop), open(path, shop)] as const
      await Promise.all(calls.map((each) => buy(both[each.at], each)))
      await both[1].recover({ reconcile: true })
      const payments: Payment[] = []
      for await (const payment of both[0].payments()) payments.push(payment)
      await Promise.all(both.map((purser) => purser.close()))
      const today = payments.map((payment): Counted => [payment, 0])
      expect(exceeded(today, LIMITS)).toEqual([])
      for (const [key, charges] of shop.charges) expect([key, charges]).toEqual([key, 1])
      expect(payments.map(({ units }) => units)).toEqual(payments.map((payment) => shop.took(payment)))
      expect(shop.charges.size).toBeGreaterThan(0)
    }),
    { numRuns: RUNS },
  )
}, 120_000)

/** A server that asks for money, takes it and answers, and a record of what really happened. */
class Shop {
  readonly chain = new ModelChain(clock)
  readonly charges = new Map<string, number>()
  #asked = 0

  readonly fetch: typeof fetch = async (...request) => {
    const { url, headers } = new Request(...request)
    const { searchParams } = new URL(url)
    const credential = headers.get('authorization')
    if (credential === null) return this.#ask(Number(searchParams.get('cents')))
    const { challenge, payload } = JSON.parse(
      Buffer.from(credential.slice('Payment '.length), 'base64url').toString(),
    )
    if (!this.chain.submit(payload.id)) return this.#ask(Number(searchParams.get('cents')))
    const key = searchParams.get('key') ?? ''
    this.charges.set(key, (this.charges.get(key) ?? 0) + 1)
    const receipt = {
      status: 'success',
      method: 'tempo',
      challengeId: challenge.id,
      reference: `tx-${payload.id}`,
      timestamp: new Date().toISOString(),
    }
    return new Response('tea', { headers: { 'payment-receipt': encode(receipt) } })
  }

  #ask(cents: number): Response {
    const request = encode({ cents, payee: '0xaa', fee: FEE.bound })
    const message = `Payment id="c${++this.#asked}", realm="shop", method="tempo", intent="charge", request="${request}"`
    return new Response(null, { status: 402, headers: { 'www-authenticate': message } })
  }

  /** The real cost of a payment, with fees. */
  took({ attempts }: Payment): bigint {
    return attempts.reduce((sum, { evidence: { refs } }) => sum + this.chain.cost(refs[0] ?? ''), 0n)
  }
}

function encode(value: object): string {
  return encodeBase64url(new TextEncoder().encode(JSON.stringify(value)))
}

const PLAN: CallPlan = {
  agent: 'ann',
  tasks: [],
  vendor: VENDORS[0],
  path: '/',
  cents: 0,
  fee: FEE,
  serves: 'pays',
  message: 'no',
}

function open(path: string, shop: Shop): Purser {
  return createPurser({
    agent: 'ann',
    wallets: [modelWallet(shop.chain, 0, PLAN, async () => undefined)],
    policy: policyOf(LIMITS),
    ledger: sqliteLedger({ path, clock }),
    fetch: shop.fetch,
    patience: 5_000,
  })
}

/** Runs work inside nested tasks. */
async function buy(purser: Purser, { tasks, vendor, cents, key }: Omit<Call, 'at'>): Promise<void> {
  const [task, ...inner] = tasks
  if (task !== undefined) return purser.run({ task }, () => buy(purser, { tasks: inner, vendor, cents, key }))
  const url = `${vendor}/tea?${new URLSearchParams({ cents: String(cents), key })}`
  const response = await purser.fetch(url, { payment: { idempotencyKey: key } })
  await response.text()
}

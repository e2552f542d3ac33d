import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir, uptime } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import type { Clock } from '../../src/entry/ledger.js'
import { createPurser, type Payment, type Purser } from '../../src/index.js'
import { sqliteLedger } from '../../src/ledger/sqlite/index.js'
import { bitcoin, lightning } from '../../src/wallet/lightning/index.js'
import { Node } from '../lightning/network.js'
import { type Shop, startShop } from '../lightning/shop.js'
import { cuts, type Fate, kills } from './deaths.js'
import { bundlePayer } from './job.js'
import type { LightningJob } from './lightning-payer.js'
import { losePower } from './power.js'

// A payer that is killed at every step of a payment over Lightning. The node it pays by goes on without it.

/** At a hundred thousand dollars a bitcoin, a millisatoshi counts this much. */
const UNITS_PER_MSAT = 1_000n

/** When the lease of the dead process is over; after a power cut, when its invoice is: then the node's word is final. */
const LATER = { kill: 60_000, 'power cut': 1_500_000 } as const

let folder: string
let payer: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'purser-lightning-'))
  payer = await bundlePayer('lightning-payer')
})
afterAll(async () => {
  await rm(folder, { recursive: true, force: true })
  await rm(payer, { force: true })
})

interface World {
  readonly shop: Shop
  readonly node: Node
  readonly job: Omit<LightningJob, 'killAt'>
  /** The next process, when so much time has passed. */
  successor(later: number): Purser
}

async function world(name: string): Promise<World> {
  const shop = await startShop()
  const node = new Node(shop.payee)
  const nodeServer = await serveNode(node)
  onTestFinished(() => Promise.all([shop.close(), nodeServer.close()]).then(() => undefined))
  const path = join(folder, `${name}.db`)
  const coin = bitcoin('regtest')
  return {
    shop,
    node,
    job: { shop: shop.origin, node: nodeServer.origin, ledger: path },
    successor(later) {
      const clock: Clock = {
        now: () => Date.now() + later,
        monotonic: () => performance.now() + later,
        booted: () => uptime() * 1000 + later,
      }
      node.clock = clock.now
      const purser = createPurser({
        agent: 'crash',
        wallets: [
          lightning({
            node: 'alice',
            network: 'regtest',
            payInvoice: node.pay,
            lookUpPayment: node.lookUp,
            now: clock.now,
          }),
        ],
        policy: {
          perPayment: '1',
          budgets: [{ limit: '5', per: 'day' }],
          vendors: [{ origin: shop.origin }],
          networks: ['bip122:0f9188f13cb7b2c71f2a335e3a4fc328'],
        },
        currencies: [coin],
        rates: { [coin.id]: '100000' },
        ledger: sqliteLedger({ path, clock }),
        clock,
      })
      onTestFinished(() => purser.close())
      return purser
    },
  }
}

/** A node in a process of its own, as far as the payer can tell. */
async function serveNode(node: Node): Promise<{ readonly origin: string; close(): Promise<void> }> {
  const text = (value: unknown): string =>
    JSON.stringify(value, (_, each: unknown) => (typeof each === 'bigint' ? each.toString() : each))
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const { amountMsat = '0', maxFeeMsat = '0', ...rest } = JSON.parse(Buffer.concat(chunks).toString())
    const payment = {
      ...rest,
      amountMsat: BigInt(amountMsat),
      maxFeeMsat: BigInt(maxFeeMsat),
      signal: new AbortController().signal,
    }
    const outcome = request.url === '/pay' ? await node.pay(payment) : await node.lookUp(payment.paymentHash)
    response.end(text(outcome))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  return {
    origin: `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/** What the payer printed before its end. */
function run(job: LightningJob): Promise<string> {
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
  return (await payments(purser)).reduce((sum, { units }) => sum + units, 0n) / UNITS_PER_MSAT
}

test('dead at every step, of a kill or a power cut, it has always written down what it paid, and its successor finds what became of it', {
  timeout: 300_000,
}, async () => {
  const whole = await world('whole')
  const [, steps = ''] = /^(\d+) steps: a cup of tea$/.exec(await run({ ...whole.job, killAt: 0 })) ?? []
  expect(Number(steps)).toBeGreaterThan(10)

  const fates: readonly Fate[] = [...kills(Number(steps)), ...cuts(Number(steps))]
  for (const { death, killAt } of fates) {
    const { node, shop, job, successor } = await world(`${death} at ${killAt}`)
    const printed = await run({ ...job, killAt })
    if (death === 'power cut') losePower(job.ledger)
    if (killAt <= Number(steps)) expect(printed).toMatch(/^(before|after) /)
    const where = `${death} ${printed}`
    const next = successor(LATER[death])
    // At once, before anything was looked up.
    expect(await counted(next), where).toBeGreaterThanOrEqual(node.spentMsat)
    await next.recover({ reconcile: true })
    const open = (await payments(next)).filter(({ state }) => state === 'committed')
    // Only what the node never heard of stays open: it could still be asked until the invoice expires.
    if (node.asked.length > 0 || death === 'power cut') {
      expect(open, where).toEqual([])
      expect(await counted(next), where).toBe(node.spentMsat)
    }
    // The same purchase is not paid again, whatever became of it.
    await next.fetch(`${shop.origin}/tea`, { payment: { idempotencyKey: 'one cup' } })
    expect(node.asked.length, where).toBeLessThanOrEqual(1)
    expect(node.spentMsat, where).toBeLessThanOrEqual(101_500n)
  }
})

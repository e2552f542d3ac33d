import { describe, expect, onTestFinished, test } from 'vitest'
import type { Clock } from '../../src/entry/ledger.js'
import { memoryLedger } from '../../src/entry/ledger-memory.js'
import {
  createPurser,
  isPaymentError,
  type Ledger,
  type Payment,
  type PaymentError,
  type PolicyDocument,
  type Purser,
} from '../../src/index.js'
import { bitcoin, type LightningOptions, lightning } from '../../src/wallet/lightning/index.js'
import { Node } from '../lightning/network.js'
import { type Shop, type ShopOptions, startShop } from '../lightning/shop.js'

const COIN = bitcoin('regtest')
const NETWORK = 'bip122:0f9188f13cb7b2c71f2a335e3a4fc328'

interface World {
  readonly shop: Shop
  readonly node: Node
  readonly ledger: Ledger
  readonly purser: Purser
  /** Another process: the same ledger and node, and nothing of what this one remembers. */
  another(options?: Setup): Purser
  payments(): Promise<Payment[]>
  /** Time goes by. */
  pass(ms: number): void
}

interface Setup {
  readonly shop?: ShopOptions
  readonly policy?: PolicyDocument
  readonly wallet?: Partial<LightningOptions>
  /** Dollars for one bitcoin; none where it is empty. */
  readonly rate?: string
}

async function world(setup: Setup = {}): Promise<World> {
  const shop = await startShop(setup.shop)
  const node = new Node(shop.payee)
  let passed = 0
  const clock: Clock = { now: () => Date.now() + passed, monotonic: () => performance.now() + passed }
  const ledger = memoryLedger({ clock })
  const another = (more: Setup = {}): Purser => {
    const { wallet, rate = '100000', policy } = { ...setup, ...more }
    const purser = createPurser({
      wallets: [
        lightning({
          node: 'alice',
          payInvoice: node.pay,
          lookUpPayment: node.lookUp,
          network: 'regtest',
          now: clock.now,
          ...wallet,
        }),
      ],
      policy: {
        perPayment: '1 USD',
        maxFee: '0.05 USD',
        budgets: [{ limit: '5 USD', per: 'day' }],
        vendors: [{ origin: shop.origin }],
        networks: [NETWORK],
        ...policy,
      },
      currencies: [COIN],
      rates: rate === '' ? {} : { [COIN.id]: rate },
      ledger,
      clock,
      // Nothing here waits for money that cannot come.
      patience: 1_000,
    })
    onTestFinished(() => purser.close())
    return purser
  }
  onTestFinished(() => shop.close())
  const payments = async (): Promise<Payment[]> => {
    const found: Payment[] = []
    for await (const payment of ledger.find({ order: 'oldest' })) found.push(payment)
    return found
  }
  const pass = (ms: number): void => {
    passed += ms
  }
  return { shop, node, ledger, another, purser: another(), payments, pass }
}

async function failure(promise: Promise<unknown>): Promise<PaymentError> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (!isPaymentError(error)) throw new Error(`no PaymentError: ${error}`)
  return error
}

/** Thousandths of a satoshi that the ledger counts, at a hundred thousand dollars a bitcoin. */
async function counted(purser: Purser): Promise<bigint> {
  const [budget] = await purser.budgets()
  if (budget === undefined) throw new Error('no budget')
  // A millisatoshi is worth a millionth of a dollar then, and units have nine decimals.
  return (budget.spent + budget.held) / 1_000n
}

describe('a shop that sells for Lightning', () => {
  test('is paid, once, and the tea comes', async () => {
    const { shop, node, purser } = await world()
    const response = await purser.fetch(`${shop.origin}/tea`)
    expect(await response.text()).toBe('a cup of tea')
    const payment = purser.paymentFor(response)
    expect(payment).toMatchObject({ state: 'settled', proof: 'receipt', delivered: true })
    expect(node.spentMsat).toBe(101_500n)
    expect(node.asked).toHaveLength(1)
    expect(shop.delivered()).toBe(1)
  })

  test('its preimages are in no ledger', async () => {
    const { shop, purser, payments } = await world()
    await purser.fetch(`${shop.origin}/tea`)
    const [preimage = ''] = shop.shown
    expect(preimage).toMatch(/^[0-9a-f]{64}$/)
    const text = JSON.stringify(await payments(), (_, value: unknown) =>
      typeof value === 'bigint' ? value.toString() : value,
    )
    expect(text).not.toContain(preimage)
  })

  test('a budget in dollars counts the price and the fee that was taken, to the millisatoshi', async () => {
    const { shop, node, purser } = await world()
    await purser.fetch(`${shop.origin}/tea`)
    // The fee counts at its bound until it was read.
    expect(await counted(purser)).toBe(111_000n)
    await purser.recover({ reconcile: true })
    expect(await counted(purser)).toBe(101_500n)
    expect(node.spentMsat).toBe(101_500n)
  })

  test('without a rate, bitcoin is worth nothing that could be counted', async () => {
    const { shop, node, purser } = await world({ rate: '' })
    const response = await purser.fetch(`${shop.origin}/tea`)
    expect(response.status).toBe(402)
    expect(await response.json()).toMatchObject({ reasons: [{ rule: 'currency' }] })
    expect(node.asked).toEqual([])
  })

  test('what the policy does not allow is not paid', async () => {
    const dear = await world({ policy: { perPayment: '0.05 USD' } })
    expect((await dear.purser.fetch(`${dear.shop.origin}/tea`)).status).toBe(402)
    const fee = await world({ policy: { maxFee: '0.001 USD' } })
    expect((await fee.purser.fetch(`${fee.shop.origin}/tea`)).status).toBe(402)
    expect([...dear.node.asked, ...fee.node.asked]).toEqual([])
    await expect(world({ policy: { networks: ['tempo'] } })).rejects.toMatchObject({ code: 'invalid_policy' })
  })

  test.each<[string, ShopOptions]>([
    ['an invoice over more', { invoice: { sats: 101 } }],
    ['an invoice over nothing in particular', { invoice: { amountless: true } }],
    ['an invoice on another network', { invoice: { network: 'mainnet' } }],
    ['another hash', { request: (request) => ({ ...request, methodDetails: hashed(request) }) }],
    ['an invoice that is over', { invoice: { timestamp: 1_700_000_000 } }],
  ])('%s is not paid', async (_, options) => {
    const { shop, node, purser, payments } = await world({ shop: options })
    const response = await purser.fetch(`${shop.origin}/tea`)
    expect(response.status).toBe(402)
    expect(node.asked).toEqual([])
    expect((await payments()).filter(({ state }) => state !== 'denied')).toEqual([])
  })

  test('parallel calls never pass the budget by one unit', async () => {
    // 100 satoshis are ten cents; up to 11 satoshis of fee come to 11 thousandths of a dollar.
    const { shop, node, purser } = await world({ policy: { budgets: [{ limit: '0.5 USD', per: 'day' }] } })
    const replies = await Promise.all(Array.from({ length: 12 }, () => purser.fetch(`${shop.origin}/tea`)))
    const paid = replies.filter(({ status }) => status === 200).length
    expect(paid).toBe(4)
    expect(node.spentMsat).toBe(4n * 101_500n)
    // Fees that were read make room for no more than what is left.
    await purser.recover({ reconcile: true })
    expect(await counted(purser)).toBe(4n * 101_500n)
    expect((await purser.fetch(`${shop.origin}/tea`)).status).toBe(402)
  })
})

function hashed(request: Record<string, unknown>): object {
  return { ...Object(request['methodDetails']), paymentHash: '11'.repeat(32) }
}

describe('when it does not go well', () => {
  test('no route: nothing has left, and nothing counts', async () => {
    const { shop, node, purser, payments } = await world()
    node.behaviour = { kind: 'fails', why: 'no_route' }
    const error = await failure(purser.fetch(`${shop.origin}/tea`))
    expect(error).toMatchObject({ funds: 'untouched' })
    expect(await payments()).toMatchObject([{ state: 'released', reason: /no route/ }])
    expect(await counted(purser)).toBe(0n)
    // The next call gets a new invoice.
    node.behaviour = { kind: 'pays' }
    expect((await purser.fetch(`${shop.origin}/tea`)).status).toBe(200)
  })

  test('a node that gives a wrong preimage leaves a doubt', async () => {
    const { shop, node, purser, payments } = await world()
    node.behaviour = { kind: 'lies' }
    expect(await failure(purser.fetch(`${shop.origin}/tea`))).toMatchObject({ funds: 'unknown' })
    expect(shop.shown).toEqual([])
    expect(await payments()).toMatchObject([{ state: 'committed' }])
    expect(await counted(purser)).toBe(111_000n)
  })

  test('a node that hangs is waited for no longer than was said', async () => {
    const { shop, node, purser } = await world({ wallet: { timeoutMs: 1_000 } })
    node.behaviour = { kind: 'holds' }
    expect(await failure(purser.fetch(`${shop.origin}/tea`))).toMatchObject({ funds: 'unknown' })
    const [payment] = node.asked
    node.release(payment?.paymentHash ?? '', 'fails')
    expect(await purser.recover({ reconcile: true })).toMatchObject({ released: 1, open: 0 })
    expect(await counted(purser)).toBe(0n)
  })

  test('a lost reply: the same preimage is shown again, and paid for once', async () => {
    const { shop, node, purser } = await world({ shop: { answers: 'breaks_once' } })
    const response = await purser.fetch(`${shop.origin}/tea`)
    expect(await response.text()).toBe('a cup of tea')
    expect(shop.shown).toHaveLength(2)
    expect(new Set(shop.shown).size).toBe(1)
    expect(node.asked).toHaveLength(1)
  })

  test('a shop that asks again is not paid again', async () => {
    const { shop, node, purser, payments } = await world({ shop: { answers: 'asks_again' } })
    const anomalies: string[] = []
    purser.on('anomaly', ({ kind }) => anomalies.push(kind))
    const error = await failure(purser.fetch(`${shop.origin}/tea`))
    expect(error).toMatchObject({ code: 'paid_not_delivered', funds: 'settled' })
    expect(node.asked).toHaveLength(1)
    expect(await payments()).toMatchObject([{ state: 'settled', delivered: false }])
    expect(anomalies).toContain('settled_without_delivery')
  })

  test('a shop that fails after it was paid has been paid', async () => {
    const { shop, node, purser, payments } = await world({ shop: { answers: 'fails' } })
    expect((await purser.fetch(`${shop.origin}/tea`)).status).toBe(500)
    expect(await payments()).toMatchObject([{ state: 'settled', proof: 'chain', delivered: false }])
    expect(node.asked).toHaveLength(1)
    expect(await counted(purser)).toBe(101_500n)
  })

  test.each(['no_receipt', 'wrong_receipt'] as const)(
    '%s: the preimage itself is the proof',
    async (answers) => {
      const { shop, purser, payments } = await world({ shop: { answers } })
      const anomalies: string[] = []
      purser.on('anomaly', ({ kind }) => anomalies.push(kind))
      expect((await purser.fetch(`${shop.origin}/tea`)).status).toBe(200)
      await purser.recover({ reconcile: true })
      expect(await payments()).toMatchObject([{ state: 'settled', proof: 'chain', delivered: true }])
      expect(anomalies).toHaveLength(1)
    },
  )

  test('a shop that offers one invoice twice is paid for it once', async () => {
    let first: Record<string, unknown> | undefined
    const { shop, node, purser } = await world({
      shop: {
        request: (request) => {
          first ??= request
          return first
        },
      },
    })
    expect((await purser.fetch(`${shop.origin}/tea`)).status).toBe(200)
    const second = await purser.fetch(`${shop.origin}/tea`)
    expect(second.status).toBe(402)
    expect(await second.json()).toMatchObject({ funds: 'untouched' })
    expect(node.asked).toHaveLength(1)
  })
})

describe('after a process died', () => {
  /** A call of a process that ends while its node pays: what is left of it are its ledger and the node. */
  async function orphaned(on: World, kind: Node['behaviour']): Promise<string> {
    on.node.behaviour = kind
    // Nobody ever hears of this call again.
    void on.purser.fetch(`${on.shop.origin}/tea`).catch(() => undefined)
    await expect.poll(() => on.node.asked.length).toBe(1)
    // Longer than a process that lives leaves its lease alone.
    on.pass(60_000)
    const [payment] = on.node.asked
    return payment?.paymentHash ?? ''
  }

  test('another finds by the invoice what was paid, and what it cost', async () => {
    const on = await world()
    const hash = await orphaned(on, { kind: 'holds' })
    const next = on.another()
    expect(await next.recover()).toMatchObject({ settled: 0, open: 1 })
    on.node.arrive(hash, 'pays')
    expect(await next.recover({ reconcile: true })).toMatchObject({ settled: 1, open: 0 })
    expect(await on.payments()).toMatchObject([{ state: 'settled', reference: hash, delivered: false }])
    expect(await counted(next)).toBe(101_500n)
    expect(on.node.spentMsat).toBe(101_500n)
  })

  test('another finds that it failed, and gives the budget back', async () => {
    const on = await world()
    const hash = await orphaned(on, { kind: 'holds' })
    on.node.arrive(hash, 'fails')
    const next = on.another()
    expect(await next.recover()).toMatchObject({ released: 1, open: 0 })
    expect(await counted(next)).toBe(0n)
  })

  test('a node that cannot be asked leaves it counting', async () => {
    const on = await world()
    const hash = await orphaned(on, { kind: 'holds' })
    on.node.arrive(hash, 'fails')
    on.node.up = false
    const next = on.another()
    expect(await next.recover()).toMatchObject({ released: 0, open: 1 })
    expect(await counted(next)).toBe(111_000n)
  })

  test('the same call does not pay again while it is in doubt', async () => {
    const on = await world()
    await orphaned(on, { kind: 'holds' })
    const response = await on.another().fetch(`${on.shop.origin}/tea`)
    expect(response.status).toBe(402)
    expect(await response.json()).toMatchObject({ code: 'payment_in_doubt' })
    expect(on.node.asked).toHaveLength(1)
  })
})

import { describe, expect, test } from 'vitest'
import { isPaymentError } from '../../../src/errors/index.js'
import type { Evidence, Verdict } from '../../../src/ledger/index.js'
import { currencyTable } from '../../../src/money/index.js'
import type { Challenge, Json } from '../../../src/protocol/index.js'
import type { Wallet } from '../../../src/wallet/index.js'
import { bitcoin, type LightningOptions, lightning } from '../../../src/wallet/lightning/index.js'
import { type InvoiceOptions, type Issued, Node, Payee } from '../../lightning/network.js'
import {
  authorize,
  CHANNELS,
  challenge,
  complete,
  context,
  payable,
  prepare,
  unpayable,
} from '../tempo/harness.js'

interface Bench {
  readonly payee: Payee
  readonly node: Node
  readonly wallet: Wallet
  /** Another process with the same node. */
  neighbour(options?: Partial<LightningOptions>): Wallet
}

function bench(options: Partial<LightningOptions> = {}): Bench {
  const payee = new Payee()
  const node = new Node(payee)
  const make = (more: Partial<LightningOptions> = {}): Wallet =>
    lightning({
      node: 'alice',
      payInvoice: node.pay,
      lookUpPayment: node.lookUp,
      network: 'regtest',
      ...options,
      ...more,
    })
  return { payee, node, wallet: make(), neighbour: make }
}

interface Offered extends Issued {
  readonly offer: Challenge
}

function offered(
  payee: Payee,
  options: InvoiceOptions = {},
  request: Record<string, Json> = {},
  details: Record<string, Json> = {},
): Offered {
  const issued = payee.issue(options)
  const offer = challenge(
    {
      amount: '100',
      currency: 'sat',
      methodDetails: { invoice: issued.invoice, ...details },
      ...request,
    },
    { kind: 'lightning/charge', expires: Date.now() + 300_000 },
  )
  return { ...issued, offer }
}

/** As a ledger gives it back. */
function stored(evidence: Evidence): Evidence {
  return JSON.parse(JSON.stringify(evidence))
}

async function rejected(promise: Promise<unknown>): Promise<{ code: string; funds: string; text: string }> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (!isPaymentError(error)) throw new Error(`no PaymentError: ${error}`)
  return { code: error.code, funds: error.funds, text: `${error.message} ${error.cause ?? ''}` }
}

describe('quote', () => {
  test('reads the invoice', async () => {
    const { payee, wallet } = bench()
    const { offer } = offered(payee, { sats: 100, expiry: 60 })
    const { terms, goodUntil } = payable(await wallet.quote(offer, context()))
    const currency = bitcoin('regtest')
    expect(terms).toEqual({
      purpose: 'pay',
      kind: 'lightning/charge',
      network: 'bip122:0f9188f13cb7b2c71f2a335e3a4fc328',
      most: { value: 100_000n, currency },
      exact: true,
      payees: [{ id: payee.id, amount: { value: 100_000n, currency } }],
      // 10 satoshis and one per cent; usually one satoshi and a thousandth.
      fee: { bound: { value: 11_000n, currency }, usual: { value: 1_100n, currency } },
    })
    // The invoice ends before the challenge does.
    expect(goodUntil).toBeLessThanOrEqual(Date.now() + 60_000)
  })

  test('uses the currency of the user, with its rate', async () => {
    const { payee, wallet } = bench()
    const rated = { ...bitcoin('regtest'), rate: { unit: 'iso4217:USD', most: '100000' } }
    const { offer } = offered(payee)
    const { terms } = payable(await wallet.quote(offer, context({ currencies: currencyTable([rated]) })))
    expect(terms.most.currency).toEqual(rated)
    const coarse = { ...rated, decimals: 8 }
    expect(unpayable(await wallet.quote(offer, context({ currencies: currencyTable([coarse]) }))).code).toBe(
      'unknown_currency',
    )
  })

  test.each<[string, InvoiceOptions, Record<string, Json>, Record<string, Json>, RegExp]>([
    ['no amount', { amountless: true }, {}, {}, /names no amount/],
    ['another amount', { sats: 101 }, {}, {}, /another amount/],
    ['a part of a satoshi more', { msat: 100_001n }, {}, {}, /another amount/],
    ['an amount that is a number', {}, { amount: 100 }, {}, /not a number of satoshis/],
    ['an amount of nothing', {}, { amount: '0' }, {}, /not a number of satoshis/],
    ['an amount with a sign', {}, { amount: '-100' }, {}, /not a number of satoshis/],
    ['another currency', {}, { currency: 'BTC' }, {}, /not in satoshis/],
    ['another hash', {}, {}, { paymentHash: '11'.repeat(32) }, /another payment hash/],
    ['a hash in capitals', {}, {}, { paymentHash: 'AA' }, /another payment hash/],
    ['another network in the request', {}, {}, { network: 'mainnet' }, /another network/],
    ['a network nobody knows', {}, {}, { network: 'litecoin' }, /another network/],
    ['another recipient', {}, { recipient: `02${'11'.repeat(32)}` }, {}, /another node/],
    ['no invoice', {}, { methodDetails: {} }, {}, /no invoice/],
    ['no details', {}, { methodDetails: null }, {}, /no invoice/],
    ['an invoice on another network', { network: 'signet' }, {}, {}, /pays on regtest/],
    ['an invoice that has expired', { timestamp: 1_700_000_000 }, {}, {}, /has expired/],
    ['an invoice that is about to', { expiry: 5 }, {}, {}, /too little time/],
  ])('does not pay %s', async (_, options, request, details, message) => {
    const { payee, wallet } = bench()
    const { offer } = offered(payee, options, request, details)
    expect(unpayable(await wallet.quote(offer, context())).unpayable).toMatch(message)
  })

  test('accepts fields that repeat the invoice', async () => {
    const { payee, wallet } = bench()
    const issued = payee.issue({})
    const { invoice, hash } = issued
    const request = { amount: '100', currency: 'sat', recipient: payee.id }
    const methodDetails = { invoice: invoice.toUpperCase(), paymentHash: hash, network: 'regtest' }
    const offer = challenge({ ...request, methodDetails }, { kind: 'lightning/charge' })
    payable(await wallet.quote(offer, context()))
  })

  test('respects the expiry of the challenge too', async () => {
    const { payee, wallet } = bench()
    const { offer } = offered(payee)
    const over = { ...offer, expires: Date.now() - 1 }
    expect(unpayable(await wallet.quote(over, context())).unpayable).toMatch(/has expired/)
    const never = { ...offer, expires: Number.NaN }
    expect(unpayable(await wallet.quote(never, context())).unpayable).toMatch(/too little time/)
  })

  test('an earlier payment that may still go through excludes every other', async () => {
    const { payee, wallet } = bench()
    const first = await prepare(wallet, offered(payee).offer)
    const quote = await wallet.quote(offered(payee).offer, context({ earlierEvidence: first.evidence }))
    expect(unpayable(quote)).toMatchObject({ code: 'payment_in_doubt' })
    expect(unpayable(quote).earlierExpiresAt).toBeUndefined()
  })
})

describe('paying', () => {
  test('returns the preimage and the evidence', async () => {
    const { payee, node, wallet } = bench()
    const { offer, hash, preimage, invoice } = offered(payee)
    const prepared = await prepare(wallet, offer)
    expect(node.asked).toEqual([])
    expect(prepared.evidence).toMatchObject({ kind: 'lightning/charge', refs: [offer.id, hash] })
    const completed = await complete(prepared)
    expect(completed.credential.payload).toEqual({ preimage })
    expect(node.asked).toMatchObject([
      { invoice, paymentHash: hash, amountMsat: 100_000n, maxFeeMsat: 11_000n },
    ])
    expect(node.spentMsat).toBe(101_500n)
    expect(JSON.stringify([prepared.evidence, completed.evidence])).not.toContain(preimage)
    // Anybody who has the evidence knows that it was paid, and what the way there cost.
    const settled = {
      state: 'settled',
      reference: hash,
      fee: { value: 1_500n, currency: bitcoin('regtest') },
    }
    const { evidence = prepared.evidence } = completed
    const elsewhere = lightning({ node: 'alice', payInvoice: node.pay, network: 'regtest' })
    expect(await elsewhere.inspect(stored(evidence))).toEqual(settled)
    expect(wallet.matchesReceipt?.(evidence, hash.toUpperCase())).toBe(true)
    expect(wallet.matchesReceipt?.(evidence, offer.id)).toBe(false)
    expect(wallet.matchesReceipt?.(evidence, preimage)).toBe(false)
  })

  test('needs an authorization, and each is valid once', async () => {
    const { payee, node, wallet } = bench()
    const quote = payable(await wallet.quote(offered(payee).offer, context()))
    const options = { now: Date.now(), channels: CHANNELS }
    await expect(Reflect.apply(wallet.prepare, wallet, [{ quote }, options])).rejects.toThrow(TypeError)
    const authorization = authorize(quote)
    const prepared = await wallet.prepare(authorization, options)
    await expect(wallet.prepare(authorization, options)).rejects.toThrow(TypeError)
    await complete(prepared)
    await expect(complete(prepared)).rejects.toThrow(TypeError)
    expect(node.asked).toHaveLength(1)
  })

  test('a discarded payment is never made, and its invoice may be offered again', async () => {
    const { payee, node, wallet } = bench()
    const { offer } = offered(payee)
    const prepared = await prepare(wallet, offer)
    await prepared.discard()
    await expect(complete(prepared)).rejects.toThrow(TypeError)
    expect(node.asked).toEqual([])
    await complete(await prepare(wallet, offer))
    expect(node.asked).toHaveLength(1)
  })

  test('pays only the judged invoice', async () => {
    const { payee, node, wallet } = bench()
    const quote = payable(await wallet.quote(offered(payee).offer, context()))
    const other = { ...quote, challenge: offered(payee, { sats: 200 }, { amount: '200' }).offer }
    const swapped = wallet.prepare(authorize(other), { now: Date.now(), channels: CHANNELS })
    expect(await rejected(swapped)).toMatchObject({ code: 'wallet_failed', funds: 'untouched' })
    expect(node.asked).toEqual([])
  })

  test('one invoice is tried once, for all offers', async () => {
    const { payee, node, wallet, neighbour } = bench()
    const { offer } = offered(payee)
    const first = await prepare(wallet, offer)
    expect(await rejected(prepare(wallet, { ...offer, id: 'another' }))).toMatchObject({ funds: 'untouched' })
    await complete(first)
    expect(await rejected(prepare(wallet, offer))).toMatchObject({ funds: 'untouched' })
    // Another process has not seen it, but asks the node.
    expect(await rejected(prepare(neighbour(), offer))).toMatchObject({ funds: 'untouched' })
    expect(node.asked).toHaveLength(1)
  })

  test('a node that does not answer is not asked to pay', async () => {
    const { payee, node, wallet } = bench()
    node.up = false
    expect(await rejected(prepare(wallet, offered(payee).offer))).toMatchObject({
      code: 'wallet_unavailable',
      funds: 'untouched',
    })
  })

  test('a silent node is waited for only until the time limit', async () => {
    const silent = () => new Promise<never>(() => undefined)
    const { payee, node, wallet } = bench({ lookUpPayment: silent, timeoutMs: 1_000 })
    expect(await rejected(prepare(wallet, offered(payee).offer))).toMatchObject({
      code: 'wallet_unavailable',
    })
    expect(node.asked).toEqual([])
  })

  test('a caller who has left pays nothing', async () => {
    const { payee, node, wallet } = bench()
    await expect(prepare(wallet, offered(payee).offer, { signal: AbortSignal.abort() })).rejects.toThrow(
      /abort/i,
    )
    expect(node.asked).toEqual([])
  })

  test('a route that costs more than allowed is not used', async () => {
    const { payee, node, wallet } = bench({ maxFee: { sats: 1n, partsPerMillion: 0n } })
    const prepared = await prepare(wallet, offered(payee).offer)
    expect(await rejected(complete(prepared))).toMatchObject({ funds: 'untouched' })
    expect(node.spentMsat).toBe(0n)
    expect(await wallet.inspect(prepared.evidence)).toMatchObject({ state: 'void', reason: /no route/ })
  })

  test('after its time the node is not asked at all', async () => {
    let now = Date.now()
    const { payee, node, wallet } = bench({ now: () => now })
    const prepared = await prepare(wallet, offered(payee).offer)
    now += 61_000
    expect(await rejected(complete(prepared))).toMatchObject({ funds: 'untouched' })
    expect(node.asked).toEqual([])
    expect(await wallet.inspect(prepared.evidence)).toMatchObject({ state: 'void' })
  })
})

describe('the result of a payment', () => {
  /** A payment that ended as the node behaves, and its evidence. */
  async function tried(
    on: Bench,
    kind: Node['behaviour'],
  ): Promise<Offered & { evidence: Evidence; text: string }> {
    on.node.behaviour = kind
    const made = offered(on.payee)
    const prepared = await prepare(on.wallet, made.offer)
    const { text } = await rejected(complete(prepared))
    return { ...made, evidence: stored(prepared.evidence), text }
  }

  test('a final failure is void at once', async () => {
    const on = bench()
    const { evidence } = await tried(on, { kind: 'fails', why: 'no_balance' })
    expect(await on.wallet.inspect(evidence)).toMatchObject({ state: 'void', reason: /too little balance/ })
    expect(await on.neighbour().inspect(evidence)).toMatchObject({ state: 'void' })
    // Without a node to look at, another process cannot tell.
    const blind = lightning({ node: 'alice', payInvoice: on.node.pay, network: 'regtest' })
    expect(await blind.inspect(evidence)).toMatchObject({ state: 'unknown' })
  })

  test('a wrong preimage leaves the payment in doubt', async () => {
    const on = bench()
    const { evidence, hash } = await tried(on, { kind: 'lies' })
    expect(await on.wallet.inspect(evidence)).toMatchObject({ state: 'pending' })
    on.node.arrive(hash, 'pays')
    expect(await on.wallet.inspect(evidence)).toMatchObject({ state: 'settled', reference: hash })
  })

  test('a node that returns a wrong preimage proves nothing', async () => {
    const on = bench()
    const { evidence } = await tried(on, { kind: 'says_pending' })
    const lying = on.neighbour({ lookUpPayment: async () => ({ state: 'paid', preimage: '00'.repeat(32) }) })
    expect(await lying.inspect(evidence)).toMatchObject({ state: 'unknown' })
    const rambling = on.neighbour({ lookUpPayment: () => Promise.resolve(JSON.parse('{"state":"lost"}')) })
    expect(await rambling.inspect(evidence)).toMatchObject({ state: 'unknown' })
  })

  test('an answer that was lost after the payment is found', async () => {
    const on = bench()
    const { evidence, hash, text, preimage } = await tried(on, { kind: 'pays_and_breaks' })
    const settled = { state: 'settled', reference: hash, fee: { value: 1_500n } }
    expect(await on.wallet.inspect(evidence)).toMatchObject(settled)
    expect(await on.neighbour().inspect(evidence)).toMatchObject(settled)
    // The node's own words had the preimage in them.
    expect(text).not.toContain(preimage)
  })

  test('an invoice unknown to the node is void once it has expired by the clock of the node', async () => {
    let now = Date.now()
    const on = bench({ now: () => now })
    let there = now
    on.node.clock = () => there
    const { evidence } = await tried(on, { kind: 'breaks' })
    const seen: Verdict = await on.wallet.inspect(evidence)
    expect(seen).toMatchObject({ state: 'pending' })
    // Our clock is a day ahead.
    now += 86_400_000
    expect(await on.wallet.inspect(evidence)).toMatchObject({ state: 'pending', recheckAt: now + 30_000 })
    there += 1_199_000
    expect(await on.wallet.inspect(evidence)).toMatchObject({ state: 'pending' })
    there += 2_000
    expect(await on.wallet.inspect(evidence)).toMatchObject({ state: 'void', reason: /never tried/ })
  })

  test('an invoice unknown to a node without a clock is never void by the local clock', async () => {
    let now = Date.now()
    const on = bench({ now: () => now })
    on.node.clock = undefined
    const { evidence } = await tried(on, { kind: 'breaks' })
    expect(await on.wallet.inspect(evidence)).toMatchObject({ state: 'pending' })
    now += 30 * 86_400_000
    expect(await on.wallet.inspect(evidence)).toMatchObject({ state: 'unknown' })
  })

  test('a pending payment never becomes void by time', async () => {
    let now = Date.now()
    const on = bench({ now: () => now })
    const { evidence, hash } = await tried(on, { kind: 'says_pending' })
    now += 30 * 86_400_000
    expect(await on.wallet.inspect(evidence)).toMatchObject({ state: 'pending', recheckAt: now + 30_000 })
    on.node.arrive(hash, 'fails')
    expect(await on.wallet.inspect(evidence)).toMatchObject({ state: 'void' })
  })

  test('a caller who leaves does not wait, and a later answer is remembered', async () => {
    const on = bench({ lookUpPayment: async () => ({ state: 'absent' }) })
    on.node.behaviour = { kind: 'holds' }
    const leaving = new AbortController()
    const { offer, hash } = offered(on.payee)
    const prepared = await prepare(on.wallet, offer, { signal: leaving.signal })
    const ended = rejected(complete(prepared))
    leaving.abort()
    expect(await ended).toMatchObject({ funds: 'unknown' })
    expect(on.node.asked[0]?.signal.aborted).toBe(true)
    on.node.release(hash, 'pays')
    await new Promise((resolve) => setImmediate(resolve))
    expect(await on.wallet.inspect(stored(prepared.evidence))).toMatchObject({
      state: 'settled',
      fee: { value: 1_500n },
    })
  })

  test('an attempt of another payment proves nothing about this one', async () => {
    // No look-up: nothing keeps a second process from trying the same invoice.
    const on = bench()
    const blind = (): Wallet => lightning({ node: 'alice', payInvoice: on.node.pay, network: 'regtest' })
    const { offer } = offered(on.payee)
    on.node.behaviour = { kind: 'says_pending' }
    const first = await prepare(blind(), offer)
    expect(await rejected(complete(first))).toMatchObject({ funds: 'unknown' })
    const later = lightning({
      node: 'alice',
      payInvoice: async () => ({ state: 'failed' }),
      network: 'regtest',
    })
    const second = await prepare(later, offer)
    await rejected(complete(second))
    expect(await later.inspect(stored(second.evidence))).toMatchObject({ state: 'void' })
    expect(await later.inspect(stored(first.evidence))).toMatchObject({ state: 'unknown' })
  })

  test('evidence of something else proves nothing', async () => {
    const { wallet } = bench()
    for (const detail of [null, 7, 'x', [], {}, { hash: 'x' }, { hash: '00'.repeat(32), expires: 'soon' }]) {
      const evidence: Evidence = { wallet: wallet.id, kind: 'lightning/charge', refs: [], detail }
      expect(await wallet.inspect(evidence)).toMatchObject({ state: 'unknown' })
    }
  })
})

describe('options', () => {
  const pay = new Node(new Payee()).pay
  test.each<[string, unknown]>([
    ['nothing', undefined],
    ['no name', { payInvoice: pay }],
    ['a name that is none', { node: 'al ice', payInvoice: pay }],
    ['no way to pay', { node: 'alice' }],
    ['a look-up that is none', { node: 'alice', payInvoice: pay, lookUpPayment: true }],
    ['a network that is none', { node: 'alice', payInvoice: pay, network: 'bitcoin' }],
    ['a fee that is a number', { node: 'alice', payInvoice: pay, maxFee: { sats: 10 } }],
    ['a fee below zero', { node: 'alice', payInvoice: pay, maxFee: { partsPerMillion: -1n } }],
    ['a wait without end', { node: 'alice', payInvoice: pay, timeoutMs: Number.POSITIVE_INFINITY }],
  ])('%s is refused', (_, options) => {
    expect(() => Reflect.apply(lightning, undefined, [options])).toThrow(TypeError)
  })

  test('the name of the node is the identity of the wallet', () => {
    const wallet = lightning({ node: 'alice', payInvoice: pay })
    expect(wallet.id).toBe('lightning:alice')
    expect(Object.isFrozen(wallet)).toBe(true)
  })
})

import { privateKeyToAccount } from 'viem/accounts'
import { describe, expect, it } from 'vitest'
import { memoryLedger } from '../../src/entry/ledger-memory.js'
import { currencyTable } from '../../src/money/index.js'
import type { Challenge, JsonObject } from '../../src/protocol/index.js'
import { RESERVE } from '../../src/session/challenge.js'
import { evidenceOf } from '../../src/session/evidence.js'
import { type SessionOptions, tempoSession } from '../../src/session/index.js'
import { recordOf } from '../../src/session/record.js'
import type { Quote, QuoteContext } from '../../src/wallet/index.js'
import { alphaUSD, KEYS, LOCAL_CURRENCIES } from '../chain/chain.js'
import { ESCROW, open, PAYEE, TOKEN, v2 } from './parts.js'

const account = privateKeyToAccount(KEYS[0])
const NOW = 1_000_000
/** Nobody answers there: what a quote needs in steady state, it has. */
const rpc = { 31337: 'http://127.0.0.1:9' }

function offer(more: JsonObject = {}, details: JsonObject = {}): Challenge {
  return {
    kind: 'tempo/session',
    id: 'id',
    realm: 'api.example',
    expires: NOW + 60_000,
    echo: { envelope: 'mpp', params: {}, header: 'authorization' },
    request: {
      amount: '10000',
      currency: TOKEN,
      recipient: PAYEE,
      ...more,
      methodDetails: { chainId: 31337, escrowContract: RESERVE, sessionProtocol: 'v2', ...details },
    },
  }
}

function setUp(options: Partial<SessionOptions> = {}, context: Partial<QuoteContext> = {}) {
  const wallet = tempoSession({ account, rpc, ...options })
  const channels = memoryLedger()
  const whole: QuoteContext = {
    resource: {
      transport: 'http',
      vendor: 'https://api.example',
      operation: 'GET /v1',
      address: 'https://api.example/v1?q=secret',
      method: 'GET',
      path: '/v1',
    },
    bounds: { maxValidityMs: 60_000, maxLock: 5_000_000_000n, unit: 'iso4217:USD' },
    now: NOW,
    ledger: 'ledger',
    currencies: currencyTable(LOCAL_CURRENCIES),
    channels,
    ...context,
  }
  const quote = (challenge: Challenge, more: Partial<QuoteContext> = {}) =>
    wallet.quote(challenge, { ...whole, ...more })
  const quoted = async (challenge: Challenge, more?: Partial<QuoteContext>): Promise<Quote> => {
    const found = await quote(challenge, more)
    return 'unpayable' in found ? expect.fail(found.unpayable) : found
  }
  const slot = [
    wallet.id,
    'eip155:31337',
    'v2',
    RESERVE,
    'https://api.example',
    PAYEE,
    TOKEN,
    v2.operator,
  ].join(' ')
  const put = (deposit: bigint) =>
    channels.putChannel(recordOf({ ...open, wallet: wallet.id, slot, lane: `${slot}#0`, deposit }, 0))
  return { wallet, quote, quoted, slot, put }
}

describe('an offer without a channel', () => {
  it('costs its price, a deposit and the fee of opening', async () => {
    const { quoted, slot } = setUp()
    const { terms, lane, goodUntil } = await quoted(offer())
    expect(terms).toMatchObject({
      purpose: 'pay',
      kind: 'tempo/session',
      network: 'eip155:31337',
      most: { value: 10_000n },
      exact: true,
      payees: [{ id: PAYEE, amount: { value: 10_000n } }],
      locks: { value: 1_000_000n },
      fee: { bound: { value: 39_311n } },
    })
    expect(terms.escrow).toBeUndefined()
    expect(lane).toEqual({ names: [`${slot}#0`], otherwise: 'wait', at: 0n })
    expect(goodUntil).toBe(NOW + 15_000)
  })

  it.each<[string, Partial<SessionOptions>, JsonObject, bigint, bigint]>([
    ['by default', {}, {}, 5_000_000_000n, 1_000_000n],
    ['by our option', { deposit: '0.25' }, {}, 5_000_000_000n, 250_000n],
    ['within what policy allows', { deposit: '9' }, {}, 300_000_000n, 300_000n],
    ['lowered by the server', { deposit: '0.25' }, { suggestedDeposit: '80000' }, 5_000_000_000n, 80_000n],
    [
      'never raised by it',
      { deposit: '0.25' },
      { suggestedDeposit: '90000000000' },
      5_000_000_000n,
      250_000n,
    ],
    ['at least the price', { deposit: '0' }, { suggestedDeposit: '1' }, 5_000_000_000n, 10_000n],
    ['for policy to refuse', {}, {}, 0n, 10_000n],
  ])('locks up a deposit %s', async (_, options, more, maxLock, expected) => {
    const { quoted } = setUp(options)
    const bounds = { maxValidityMs: 60_000, maxLock, unit: 'iso4217:USD' }
    expect((await quoted(offer(more), { bounds })).terms.locks?.value).toBe(expected)
  })

  it('costs no fee if the server pays', async () => {
    const { quoted } = setUp()
    expect((await quoted(offer({}, { feePayer: true }))).terms.fee).toBeUndefined()
  })

  it('names an escrow that is not the network’s own, if the owner named it', async () => {
    const { quote, quoted } = setUp({ escrows: [ESCROW.toUpperCase().replace('0X', '0x')] })
    expect((await quoted(offer({}, { escrowContract: ESCROW }))).terms.escrow).toBe(ESCROW)
    expect(await quote(offer({}, { escrowContract: PAYEE }))).toHaveProperty('unpayable')
    expect(await setUp().quote(offer({}, { escrowContract: ESCROW }))).toHaveProperty('unpayable')
  })

  it.each<[string, Partial<SessionOptions>, JsonObject, JsonObject, string]>([
    ['in another protocol', { protocol: 'v1' }, {}, {}, 'wallet_failed'],
    ['on a chain that is not allowed', { chains: [4217] }, {}, {}, 'wrong_chain'],
    ['on a chain without a node', {}, {}, { chainId: 999 }, 'wrong_chain'],
    ['in a currency that is not known', {}, { currency: PAYEE }, {}, 'unknown_currency'],
  ])('is not paid %s', async (_, options, more, details, code) => {
    expect(await setUp(options).quote(offer(more, details))).toMatchObject({ code })
  })

  it('is not paid after its expiry, or with a fee above the limit of the policy', async () => {
    const { quote } = setUp()
    expect(await quote({ ...offer(), expires: NOW })).toHaveProperty('unpayable')
    expect(await quote({ ...offer(), expires: NOW + 2_000 })).toHaveProperty('unpayable')
    const bounds = { maxValidityMs: 60_000, maxLock: 10n ** 10n, maxFee: 1_000_000n, unit: 'iso4217:USD' }
    expect(await quote(offer(), { bounds })).toMatchObject({ code: 'refused' })
  })
})

describe('an offer with a channel', () => {
  it('costs only its price, asks no node, and continues the signed total', async () => {
    const { quoted, put, slot } = setUp()
    await put(50_000n)
    const { terms, lane } = await quoted(offer())
    expect(terms).not.toHaveProperty('locks')
    expect(terms).not.toHaveProperty('fee')
    expect(lane).toEqual({ names: [`${slot}#0`], otherwise: 'wait', at: 0n })
  })

  it.each([
    ['no more than the price', '9999999', 10_000n],
    ['what is missing', '4000', 4_000n],
  ])('that names the missing amount is paid %s', async (_, requiredCumulative, expected) => {
    const { quoted, put } = setUp()
    await put(50_000n)
    expect((await quoted(offer(), { meterClaims: { requiredCumulative } })).terms.most.value).toBe(expected)
  })

  it('is not paid if the signed total covers it', async () => {
    const { quote, put } = setUp()
    await put(50_000n)
    expect(await quote(offer(), { meterClaims: { requiredCumulative: '0' } })).toHaveProperty('unpayable')
  })

  it('tops up the missing amount, with the fee of the top-up', async () => {
    const { quoted, put } = setUp({ topUp: '0.03' })
    await put(5_000n)
    const { terms } = await quoted(offer())
    expect(terms).toMatchObject({ most: { value: 10_000n }, locks: { value: 30_000n } })
    expect(terms.fee?.bound.value).toBe(25_311n)
  })

  it('belongs to one payee: another one gets another channel', async () => {
    const { quoted, put } = setUp()
    await put(50_000n)
    expect((await quoted(offer({ recipient: ESCROW }))).terms.locks).toBeDefined()
  })

  it('is answered once more with the same total, and never with a higher one', async () => {
    const { quote, quoted, put, slot, wallet } = setUp()
    await put(50_000n)
    const lane = `${slot}#0`
    const detail = { form: 'voucher', lane, slot, identity: v2, currency: alphaUSD, openedAt: 0 } as const
    const after = evidenceOf(wallet.id, 'first', { ...detail, total: 30_000n, price: 10_000n })
    const again = await quoted(offer(), { earlierEvidence: after })
    expect(again.replaces).toEqual({ name: lane, value: 30_000n })
    expect(again.lane).toEqual({ names: [lane], otherwise: 'wait', at: 30_000n })
    expect(again.terms.most.value).toBe(10_000n)
    expect(await quote(offer({ amount: '10001' }), { earlierEvidence: after })).toMatchObject({
      code: 'payment_in_doubt',
    })
    expect(await quote(offer({ recipient: ESCROW }), { earlierEvidence: after })).toMatchObject({
      code: 'payment_in_doubt',
    })
    const beyond = evidenceOf(wallet.id, 'first', { ...detail, total: 60_000n, price: 10_000n })
    expect(await quote(offer(), { earlierEvidence: beyond })).toMatchObject({ code: 'payment_in_doubt' })
  })
})

describe('operations of the owner', () => {
  it('cost a fee if the payer pays it, and buy nothing', async () => {
    const { wallet, slot } = setUp()
    const channels = memoryLedger()
    const stored = { ...open, wallet: wallet.id, slot, lane: `${slot}#0`, challenge: offer() }
    await channels.putChannel(recordOf(stored, 0))
    const [record] = await channels.channels({})
    if (record === undefined) return expect.fail('no record')
    const context: QuoteContext = {
      resource: {
        transport: 'http',
        vendor: 'https://api.example',
        operation: 'POST /v1',
        address: 'https://api.example/v1',
        method: 'POST',
        path: '/v1',
      },
      bounds: { maxValidityMs: 60_000, maxLock: 10n ** 10n, unit: 'iso4217:USD' },
      now: NOW + 3_600_000,
      ledger: 'ledger',
      currencies: currencyTable(LOCAL_CURRENCIES),
      channels,
    }
    const terms = async (act: Parameters<typeof wallet.quoteOperation>[0]) => {
      const quote = await wallet.quoteOperation(act, record, context)
      return 'unpayable' in quote ? expect.fail(quote.unpayable) : quote.terms
    }
    const free = { purpose: 'fund', most: { value: 0n }, payees: [{ id: PAYEE, amount: { value: 0n } }] }
    expect(await terms({ kind: 'close' })).toMatchObject(free)
    expect(await terms({ kind: 'close' })).not.toHaveProperty('fee')
    expect(await terms({ kind: 'topUp', amount: 7n })).toMatchObject({ ...free, locks: { value: 7n } })
    for (const kind of ['requestClose', 'withdraw'] as const) {
      expect(await terms({ kind })).toMatchObject({ ...free, fee: { bound: { value: 17_311n } } })
      expect(await terms({ kind })).not.toHaveProperty('locks')
    }
    const stranger = tempoSession({ account: privateKeyToAccount(KEYS[1]), rpc })
    expect(await stranger.quoteOperation({ kind: 'close' }, record, context)).toHaveProperty('unpayable')
  })
})

import { privateKeyToAccount } from 'viem/accounts'
import { describe, expect, test } from 'vitest'
import { CURRENCIES, currencyTable, formatAmount, token } from '../../../src/money/index.js'
import type { JsonObject } from '../../../src/protocol/index.js'
import { type TempoOptions, tempo } from '../../../src/wallet/tempo/index.js'
import {
  ACCOUNTS,
  addressOf,
  alphaUSD,
  CHAIN_ID,
  KEYS,
  LOCAL_CURRENCIES,
  NETWORK,
} from '../../chain/chain.js'
import { BOUNDS, challenge, context, LEDGER, payable, unpayable } from './harness.js'

const account = privateKeyToAccount(KEYS[0])
const payee = ACCOUNTS.payee.address
/** Quotes need no node but for the first balance; here there is none, and so no balance is known. */
const offline: typeof fetch = () => Promise.reject(new TypeError('offline'))
const make = (more: Partial<TempoOptions> = {}) =>
  tempo({ account, rpc: { [CHAIN_ID]: 'http://127.0.0.1:9' }, fetch: offline, ...more })

const base = { amount: '10000', currency: addressOf(alphaUSD), recipient: payee }
const details = (more: JsonObject = {}): JsonObject => ({ methodDetails: { chainId: CHAIN_ID, ...more } })
const ask = (request: JsonObject, options?: Partial<TempoOptions>, more?: Parameters<typeof context>[0]) =>
  make(options).quote(challenge({ ...base, ...details(), ...request }), context(more))

describe('terms', () => {
  test('are the normal form of the charge', async () => {
    const { terms, lane, wallet } = payable(await ask({}))
    expect(wallet).toBe(`tempo:${account.address.toLowerCase()}`)
    expect(terms).toMatchObject({ purpose: 'pay', kind: 'tempo/charge', network: NETWORK, exact: true })
    expect(formatAmount(terms.most)).toBe('0.01 AlphaUSD')
    expect(terms.payees.map(({ id }) => id)).toEqual([payee.toLowerCase()])
    expect(terms.fee && formatAmount(terms.fee.bound)).toBe('0.0206 AlphaUSD')
    expect(terms.fee && formatAmount(terms.fee.usual)).toBe('0.000874 AlphaUSD')
    expect(lane?.otherwise).toBe('go')
    expect(lane?.names).toHaveLength(4)
    for (const name of lane?.names ?? []) expect(name).toContain(LEDGER)
  })

  test('contain no text of the server', async () => {
    const [one, two] = [await ask({ description: 'tea', externalId: 'a' }), await ask({ externalId: 'b' })]
    expect(payable(one).terms).toEqual(payable(two).terms)
  })

  test('list splits after the primary payee, who gets the rest', async () => {
    const splits = [
      { amount: '1000', recipient: ACCOUNTS.split.address },
      { amount: '500', recipient: ACCOUNTS.spare.address, memo: `0x${'AB'.repeat(32)}` },
    ]
    const { terms } = payable(await ask(details({ splits })))
    expect(terms.payees.map(({ amount }) => amount.value)).toEqual([8_500n, 1_000n, 500n])
    expect(terms.most.value).toBe(10_000n)
  })

  test('have no fee and no lane if a sponsor pays', async () => {
    const quote = payable(await ask(details({ feePayer: true })))
    expect(quote.terms.fee).toBeUndefined()
    expect(quote.lane).toBeUndefined()
  })

  test('limit the fee by the expiring nonce only if there are no lanes', async () => {
    const quote = payable(await ask({}, { lanes: 0 }))
    expect(quote.lane).toBeUndefined()
    expect(quote.terms.fee && formatAmount(quote.terms.fee.bound)).toBe('0.0158 AlphaUSD')
  })

  test('round the fee up to whole parts of its token', async () => {
    const { terms } = payable(
      await ask({}, { lanes: 0, gas: { expiring: 60_001n }, maxFeePerGas: 20_000_000_001n }),
    )
    expect(terms.fee?.bound.value).toBe(1_201n)
  })

  test('a token that is not a dollar pays its fee in pathUSD', async () => {
    const euro = token(NETWORK, '0x20c0000000000000000000000000000000000009', { symbol: 'EUR', decimals: 6 })
    const currencies = currencyTable([...LOCAL_CURRENCIES, euro])
    const { terms } = payable(await ask({ currency: addressOf(euro) }, {}, { currencies }))
    expect(terms.fee?.bound.currency.symbol).toBe('pathUSD')
  })

  test('decimals come from Purser’s table, not from the server', async () => {
    const { terms } = payable(await ask({ decimals: 2, ...details({ decimals: 2 }) }))
    expect(terms.most.currency.decimals).toBe(6)
  })
})

describe('a malformed charge says what is wrong', () => {
  const splits = (...list: unknown[]) => details({ splits: JSON.parse(JSON.stringify(list)) })
  const to = ACCOUNTS.split.address
  test.each<[string, JsonObject, RegExp]>([
    ['amount missing', { amount: null }, /amount/],
    ['amount as a number', { amount: 10_000 }, /amount/],
    ['amount with an exponent', { amount: '1e4' }, /amount/],
    ['amount in hexadecimal', { amount: '0x2710' }, /amount/],
    ['amount with a sign', { amount: '+1' }, /amount/],
    ['a negative amount', { amount: '-1' }, /amount/],
    ['amount with a fraction', { amount: '1.0' }, /amount/],
    ['amount with a space', { amount: ' 1' }, /amount/],
    ['amount with a leading zero', { amount: '010' }, /amount/],
    ['amount in other digits', { amount: '١٢' }, /amount/],
    ['amount beyond a word', { amount: (2n ** 256n).toString() }, /amount/],
    ['currency missing', { currency: null }, /currency/],
    ['currency as a symbol', { currency: 'USD' }, /currency/],
    ['recipient missing', { recipient: null }, /recipient/],
    ['recipient too short', { recipient: '0x1234' }, /recipient/],
    ['recipient zero', { recipient: `0x${'0'.repeat(40)}` }, /recipient/],
    ['methodDetails a list', { methodDetails: [] }, /methodDetails/],
    ['chainId a text', details({ chainId: '31337' }), /chainId/],
    ['chainId zero', details({ chainId: 0 }), /chainId/],
    ['chainId a fraction', details({ chainId: 1.5 }), /chainId/],
    ['feePayer a text', details({ feePayer: 'true' }), /feePayer/],
    ['supportedModes empty', details({ supportedModes: [] }), /supportedModes/],
    ['supportedModes unknown', details({ supportedModes: ['carrier pigeon'] }), /supportedModes/],
    ['splits empty', splits(), /splits/],
    ['splits no list', details({ splits: {} }), /splits/],
    ['a split of nothing', splits({ amount: '0', recipient: to }), /split/],
    ['a split without recipient', splits({ amount: '1' }), /split/],
    ['a split with a short memo', splits({ amount: '1', recipient: to, memo: '0x12' }), /split/],
    ['splits of all there is', splits({ amount: '10000', recipient: to }), /leave nothing/],
    [
      'splits of more than there is',
      splits(...Array(2).fill({ amount: '9000', recipient: to })),
      /leave nothing/,
    ],
    ['too many splits', splits(...Array(11).fill({ amount: '1', recipient: to })), /more than 10/],
  ])('%s', async (_, request, message) => {
    expect(unpayable(await ask(request)).unpayable).toMatch(message)
  })

  test('methodDetails.memo is ignored, as servers ignore it', async () => {
    payable(await ask(details({ memo: 'anything' })))
  })
})

describe('what this wallet does not pay', () => {
  const local = { chainId: CHAIN_ID }
  test.each<[string, JsonObject, Partial<TempoOptions>, string, RegExp]>([
    ['a chain without a node', details({ chainId: 5 }), {}, 'wrong_chain', /no node for eip155:5/],
    [
      'a chain off the list',
      details(local),
      { chains: [4217] },
      'wrong_chain',
      /does not pay on eip155:31337/,
    ],
    [
      'a proof on a chain off the list',
      { amount: '0', ...details(local) },
      { chains: [4217] },
      'wrong_chain',
      /does not pay on/,
    ],
    [
      'an unknown token',
      { currency: `0x20c0${'9'.repeat(36)}` },
      {},
      'unknown_currency',
      /not a known currency/,
    ],
    [
      'push for a sponsor',
      details({ feePayer: true, supportedModes: ['push'] }),
      {},
      'wallet_failed',
      /exclude each other/,
    ],
    [
      'pull for a push wallet',
      details({ supportedModes: ['pull'] }),
      { mode: 'push' },
      'wallet_failed',
      /does not take push/,
    ],
  ])('%s', async (_, request, options, code, message) => {
    const refused = unpayable(await ask(request, options))
    expect([refused.code, refused.unpayable]).toEqual([code, expect.stringMatching(message)])
  })

  test('a challenge that names no chain means the test network, by the specification', async () => {
    const currency = addressOf(CURRENCIES.testAlphaUSD)
    const quote = await make().quote(challenge({ ...base, currency }), context())
    expect(payable(quote).terms.network).toBe('eip155:42431')
  })

  test('a proof needs no node', async () => {
    const currencies = currencyTable([token('eip155:5', base.currency, { symbol: 'X', decimals: 6 })])
    expect(
      payable(await ask({ amount: '0', ...details({ chainId: 5 }) }, {}, { currencies })).terms.purpose,
    ).toBe('prove')
  })

  test('a fee that may pass the bound of the policy', async () => {
    const refused = unpayable(await ask({}, {}, { bounds: { ...BOUNDS, maxFee: 20_599_999n } }))
    expect(refused).toMatchObject({ code: 'refused' })
    expect(refused.unpayable).toMatch(/may cost up to 0.0206 AlphaUSD, and at most 0.020599999 USD/)
    payable(await ask({}, {}, { bounds: { ...BOUNDS, maxFee: 20_600_000n } }))
  })
})

describe('a proof of identity', () => {
  const request = { ...base, ...details(), amount: '0' }
  const proof = (realm: string) => make().quote(challenge(request, { realm }), context())

  test.each(['127.0.0.1', '127.0.0.1:8443', 'http://127.0.0.1/v1', 'Tea Shop'])(
    'is signed for the requested site: %s',
    async (realm) => {
      expect(payable(await proof(realm)).terms.purpose).toBe('prove')
    },
  )

  test.each([
    'bank.example',
    '127.0.0.1.evil.example',
    'https://bank.example',
    'localhost',
    '10.0.0.1',
    'a:b',
  ])('is not signed for another site: %s', async (realm) => {
    expect(unpayable(await proof(realm)).unpayable).toMatch(/for another site/)
  })

  test('alone depends on the realm: a payment goes to its payees', async () => {
    const quote = await make().quote(
      challenge({ ...base, ...details() }, { realm: 'bank.example' }),
      context(),
    )
    expect(payable(quote).terms.purpose).toBe('pay')
  })
})

describe('time', () => {
  const now = 1_800_000_000_000
  const at = (expires: number | undefined, more = {}) =>
    make().quote(
      challenge({ ...base, ...details() }, expires === undefined ? {} : { expires }),
      context({ now, ...more }),
    )

  test.each([
    ['expired', now - 1, /has expired/],
    ['about to expire', now + 4_000, /too little time/],
    ['unreadable', Number.NaN, /cannot be read/],
  ])('an offer that is %s is not quoted', async (_, expires, message) => {
    expect(unpayable(await at(expires)).unpayable).toMatch(message)
  })

  test('a payment is valid for fifteen seconds, for any request of the server', async () => {
    expect(payable(await at(now + 86_400_000)).goodUntil).toBe(now + 15_000)
    expect(payable(await at(Number.POSITIVE_INFINITY)).goodUntil).toBe(now + 15_000)
  })

  test('less if the offer or the policy ends sooner', async () => {
    expect(payable(await at(now + 9_000)).goodUntil).toBe(now + 9_000)
    const bounds = { ...BOUNDS, maxValidityMs: 7_000 }
    expect(payable(await at(now + 60_000, { bounds })).goodUntil).toBe(now + 7_000)
  })
})

describe('options', () => {
  test.each<[string, object]>([
    ['no account', { account: undefined }],
    ['an address only', { account: { address: account.address, type: 'json-rpc' } }],
    ['an account that cannot sign hashes', { account: { ...account, sign: undefined } }],
    ['a node that is no URL', { rpc: { 4217: 'rpc.example' } }],
    ['a node over another protocol', { rpc: { 4217: 'ws://rpc.example' } }],
    ['no node in a list', { rpc: { 4217: [] } }],
    ['a chain id of zero', { chains: [0] }],
    ['a mode of another kind', { mode: 'pull-push' }],
    ['lanes below zero', { lanes: -1 }],
    ['lanes in parts', { lanes: 1.5 }],
    ['a price as a number', { maxFeePerGas: 20 }],
    ['gas of nothing', { gas: { expiring: 0n } }],
    ['a validity the chain would refuse', { validityMs: 30_000 }],
    ['a fee token that is no address', { feeToken: { 4217: 'pathUSD' } }],
    ['a currency without decimals', { currencies: [{ id: 'eip155:1/erc20:0x1', symbol: 'X' }] }],
  ])('%s: TypeError', (_, options) => {
    expect(() => Reflect.apply(make, undefined, [options])).toThrow(TypeError)
  })

  test('none at all: TypeError', () => {
    expect(() => Reflect.apply(tempo, undefined, [])).toThrow(TypeError)
  })

  test('a wallet shows nothing of its key', () => {
    const wallet = make()
    expect(JSON.stringify(wallet)).not.toContain(KEYS[0].slice(2))
    expect(Object.isFrozen(wallet)).toBe(true)
  })
})

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Currency, currencyTable, formatAmount, token } from '../../../src/money/index.js'
import { type TempoOptions, tempo } from '../../../src/wallet/tempo/index.js'
import {
  ACCOUNTS,
  addressOf,
  alphaUSD,
  betaUSD,
  CHAIN_ID,
  type Chain,
  LOCAL_CURRENCIES,
  NETWORK,
  pathUSD,
  startChain,
} from '../../chain/chain.js'
import { type PaidApi, PRICE, startPaidApi } from '../../chain/server.js'
import { BOUNDS, challenge, context, pay, payable, unpayable } from './harness.js'

let chain: Chain
let api: PaidApi

beforeAll(async () => {
  chain = await startChain()
  api = await startPaidApi({ chain })
})
afterAll(async () => {
  await api?.close()
  await chain?.stop()
})

type Purse = readonly (readonly [currency: Currency, value: bigint])[]

/** A wallet on a new account that holds exactly this, and the calls that it makes to its node. */
async function walletWith(purse: Purse, more: Partial<TempoOptions> = {}) {
  const account = await chain.account()
  for (const [currency, value] of purse) await chain.fund(account.address, currency, value)
  const calls: string[] = []
  const watched: typeof fetch = (input, init) => {
    calls.push(JSON.parse(String(init?.body)).method)
    return fetch(input, init)
  }
  const wallet = tempo({ account, rpc: { [CHAIN_ID]: chain.url }, fetch: watched, ...more })
  const held = (currency: Currency) => chain.balanceOf(currency, account.address)
  return { wallet, held, calls }
}

const offer = () =>
  challenge({
    amount: PRICE.toString(),
    currency: addressOf(alphaUSD),
    recipient: ACCOUNTS.payee.address,
    methodDetails: { chainId: CHAIN_ID },
  })

const ENOUGH = 100_000n

describe('the fee of a payment', () => {
  test.each<[string, Purse, Currency]>([
    [
      'its own token, if it covers both',
      [
        [alphaUSD, PRICE + ENOUGH],
        [betaUSD, ENOUGH],
      ],
      alphaUSD,
    ],
    [
      'another dollar, if its own covers the price alone',
      [
        [alphaUSD, PRICE],
        [pathUSD, ENOUGH],
      ],
      pathUSD,
    ],
    [
      'another dollar, if its own covers a part of the fee',
      [
        [alphaUSD, PRICE + 20_599n],
        [betaUSD, 20_600n],
      ],
      betaUSD,
    ],
    [
      'the dollar that covers the bound, and not one that holds less',
      [
        [alphaUSD, PRICE],
        [pathUSD, 20_599n],
        [betaUSD, 20_600n],
      ],
      betaUSD,
    ],
  ])('is paid with %s', async (_, purse, payer) => {
    const { wallet, held } = await walletWith(purse)
    const before = new Map(await Promise.all(LOCAL_CURRENCIES.map(async (c) => [c, await held(c)] as const)))
    const { response, quote, evidence } = await pay(wallet, api.url('/paid'))
    expect(response.status).toBe(200)
    expect(quote.terms.fee?.bound.currency.id).toBe(payer.id)
    const verdict = await wallet.inspect(evidence)
    if (verdict.state !== 'settled' || verdict.fee === undefined) throw new Error('the fee was not read')
    expect(verdict.fee.currency.id).toBe(payer.id)
    expect(verdict.fee.value).toBeGreaterThan(0n)
    expect(verdict.fee.value).toBeLessThanOrEqual(quote.terms.fee?.bound.value ?? 0n)
    for (const currency of LOCAL_CURRENCIES) {
      const price = currency === alphaUSD ? PRICE : 0n
      const fee = currency === payer ? verdict.fee.value : 0n
      expect([currency.symbol, (before.get(currency) ?? 0n) - (await held(currency))]).toEqual([
        currency.symbol,
        price + fee,
      ])
    }
  })

  test('asks no node again while the same token pays it', async () => {
    const { wallet, calls } = await walletWith([
      [alphaUSD, 3n * PRICE],
      [betaUSD, ENOUGH],
    ])
    // The first price leaves too little of its own token for price and fee bound: from then on the other one pays.
    await pay(wallet, api.url('/paid'))
    await pay(wallet, api.url('/paid'))
    const before = calls.length
    const { quote } = await pay(wallet, api.url('/paid'))
    expect(quote.terms.fee?.bound.currency.symbol).toBe('BetaUSD')
    expect(calls.slice(before)).toEqual([])
  })

  test('is subtracted from the balance of its token, so that the next fee does not rely on spent money', async () => {
    const { wallet } = await walletWith([
      [alphaUSD, 3n * PRICE],
      [pathUSD, 20_600n],
      [betaUSD, ENOUGH],
    ])
    const payers: (string | undefined)[] = []
    for (let count = 0; count < 2; count++) {
      const { response, quote } = await pay(wallet, api.url('/paid'))
      expect(response.status).toBe(200)
      payers.push(quote.terms.fee?.bound.currency.symbol)
    }
    expect(payers).toEqual(['pathUSD', 'BetaUSD'])
  })
})

describe('a token pays no fee', () => {
  const purse: Purse = [
    [alphaUSD, PRICE],
    [betaUSD, ENOUGH],
  ]
  const bad = async (bounds: Partial<typeof BOUNDS>, more?: Partial<TempoOptions>) => {
    const { wallet } = await walletWith(purse, more)
    return unpayable(await wallet.quote(offer(), context({ bounds: { ...BOUNDS, ...bounds } })))
  }

  test('if a list of policy does not name it', async () => {
    const refused = await bad({ currencies: [['USD'], [alphaUSD.id]] })
    expect(refused.code).toBe('insufficient_funds')
    expect(refused.unpayable).not.toContain('BetaUSD')
    const { wallet } = await walletWith(purse)
    const bounds = { ...BOUNDS, currencies: [['USD'], [alphaUSD.id, betaUSD.id]] }
    const { terms } = payable(await wallet.quote(offer(), context({ bounds })))
    expect(terms.fee?.bound.currency.id).toBe(betaUSD.id)
  })

  test('if it does not count in the unit of the policy', async () => {
    expect((await bad({ unit: 'iso4217:EUR' })).code).toBe('insufficient_funds')
  })

  test('if its fee may pass the bound of the policy', async () => {
    // Two decimals: what the fee comes to is rounded up to three cents.
    const coarse = token(NETWORK, addressOf(betaUSD), {
      symbol: 'CoarseUSD',
      decimals: 2,
      peg: 'iso4217:USD',
    })
    const currencies = currencyTable([pathUSD, alphaUSD, coarse])
    const { wallet } = await walletWith(purse)
    const bounds = { ...BOUNDS, maxFee: 25_000_000n }
    const refused = unpayable(await wallet.quote(offer(), context({ bounds, currencies })))
    expect([refused.code, refused.unpayable]).toEqual([
      'insufficient_funds',
      expect.not.stringContaining('CoarseUSD'),
    ])
    payable(await wallet.quote(offer(), context({ currencies })))
  })

  test('if `feeToken` of the wallet names another', async () => {
    const refused = await bad({}, { feeToken: { [CHAIN_ID]: addressOf(pathUSD) } })
    expect(refused.code).toBe('insufficient_funds')
    expect(refused.unpayable).toMatch(/holds 0 pathUSD.*`feeToken` of the wallet can name another token/)
  })
})

describe('a refusal says', () => {
  test('what the account holds of every dollar that may pay the fee', async () => {
    const { wallet } = await walletWith([
      [alphaUSD, PRICE],
      [pathUSD, 20_599n],
    ])
    const refused = unpayable(await wallet.quote(offer(), context()))
    expect([refused.code, refused.unpayable]).toEqual([
      'insufficient_funds',
      'The account holds 0.01 AlphaUSD, and this payment needs 0.01 AlphaUSD and up to 0.0206 AlphaUSD for its fee. ' +
        'No other dollar that may pay the fee covers it: the account holds 0.020599 pathUSD, 0 BetaUSD',
    ])
  })

  test('nothing of other dollars if the price itself is missing', async () => {
    const { wallet } = await walletWith([
      [alphaUSD, PRICE - 1n],
      [pathUSD, ENOUGH],
    ])
    const refused = unpayable(await wallet.quote(offer(), context()))
    expect(refused.unpayable).toBe(
      'The account holds 0.009999 AlphaUSD, and this payment needs 0.01 AlphaUSD and up to 0.0206 AlphaUSD for its fee',
    )
  })

  test('no more once the account has another dollar', async () => {
    const account = await chain.account()
    await chain.fund(account.address, alphaUSD, PRICE)
    const wallet = tempo({ account, rpc: { [CHAIN_ID]: chain.url } })
    unpayable(await wallet.quote(offer(), context()))
    await chain.fund(account.address, betaUSD, ENOUGH)
    const { terms } = payable(await wallet.quote(offer(), context()))
    expect(terms.fee && formatAmount(terms.fee.bound)).toBe('0.0206 BetaUSD')
  })
})

import { findDefaultAsset } from '@x402/evm'
import { encodeAbiParameters, getAddress, keccak256, numberToHex, stringToBytes } from 'viem'
import { usdc } from 'viem/tokens'
import { describe, expect, test } from 'vitest'
import { currencyTable, formatAmount } from '../../../src/money/index.js'
import type { JsonObject } from '../../../src/protocol/index.js'
import { type EvmOptions, evm } from '../../../src/wallet/evm/index.js'
import { BUILT_IN, BUILT_IN_DOMAINS } from '../../../src/wallet/evm/tokens.js'
import {
  type Answers,
  account,
  attempt,
  BASE,
  BOUNDS,
  context,
  dollar,
  entry,
  make,
  mpp,
  NOW,
  PAYEE,
  payable,
  sign,
  USDC,
  unpayable,
  x402,
} from './harness.js'

const ask = (more: JsonObject = {}, options?: Partial<EvmOptions>, answers?: Answers) =>
  make(options, answers).quote(x402(entry(more)), context())

describe('options', () => {
  const ok = { account }
  test.each<[string, unknown]>([
    ['no account', {}],
    ['an account without an address', { account: { type: 'local', sign: account.sign } }],
    ['an account that cannot sign', { account: { type: 'local', address: account.address } }],
    ['an account of a node', { account: { address: account.address, type: 'json-rpc' } }],
    ['an address that is no node', { ...ok, rpc: { 1: 'ws://127.0.0.1' } }],
    ['an empty list of nodes', { ...ok, rpc: { 1: [] } }],
    ['a chain that is none', { ...ok, chains: [0] }],
    ['an unknown way', { ...ok, ways: ['cheque'] }],
    ['no way at all', { ...ok, ways: [] }],
    ['a life that is too short', { ...ok, validityMs: 7_999 }],
    ['gas that is no bigint', { ...ok, gas: { limit: 21_000 } }],
    ['a domain of no currency', { ...ok, domains: { USDC: { name: 'USDC', version: '2' } } }],
    ['a domain without a version', { ...ok, domains: { [`${BASE}/erc20:${USDC}`]: { name: 'USDC' } } }],
  ])('refuse %s', (_, options) => {
    expect(() => Reflect.apply(evm, undefined, [options])).toThrow(TypeError)
  })
})

describe('the table of tokens', () => {
  test('agrees with what others publish', () => {
    for (const { id } of BUILT_IN) {
      const [network = '', address = ''] = id.split('/erc20:')
      const theirs = findDefaultAsset(address, `eip155:${network.slice(7)}`)
      const circle = Object.entries(usdc.addresses).find(([chain]) => `eip155:${chain}` === network)?.[1]
      const domain = BUILT_IN_DOMAINS.get(id)
      if (domain !== undefined) expect({ id, ...theirs }).toMatchObject(domain)
      expect(theirs?.asset.toLowerCase() ?? circle?.toLowerCase(), id).toBe(address)
      expect(theirs?.decimals ?? usdc.decimals).toBe(6)
    }
  })
})

describe('terms', () => {
  test('are in normal form for an x402 offer', async () => {
    const { terms, wallet, goodUntil, lane, replaces: excludes } = payable(await ask())
    expect(wallet).toBe(`evm:${account.address.toLowerCase()}`)
    expect(terms).toMatchObject({ purpose: 'pay', kind: 'x402/exact', network: BASE, exact: true })
    expect(formatAmount(terms.most)).toBe('0.01 USDC')
    expect(terms.payees).toEqual([{ id: PAYEE.toLowerCase(), amount: terms.most }])
    expect(terms.fee).toBeUndefined()
    expect(lane).toBeUndefined()
    expect(excludes).toBeUndefined()
    expect(goodUntil).toBe(NOW + 60_000)
  })

  test('of a price that is known afterwards have its maximum', async () => {
    const extra = { facilitatorAddress: account.address }
    const { terms } = payable(await ask({ scheme: 'upto', extra }))
    expect(terms).toMatchObject({ kind: 'x402/upto', exact: false })
    expect(terms.most.value).toBe(10_000n)
  })

  test('of version 1 read its own spelling', async () => {
    const accepted = { ...entry({ network: 'base' }), maxAmountRequired: '20000', amount: null }
    const { terms } = payable(await make().quote(x402(accepted, {}, 1), context()))
    expect(terms).toMatchObject({ network: BASE })
    expect(terms.most.value).toBe(20_000n)
  })

  test('contain no text of the server', async () => {
    const one = payable(
      await ask({ description: 'tea', extra: { name: 'USD Coin', version: '2', note: 'x' } }),
    )
    expect(one.terms).toEqual(payable(await ask()).terms)
  })
})

describe('an offer is not payable', () => {
  const upto = (extra: JsonObject) => ({ scheme: 'upto', extra })
  test.each<[string, JsonObject, string?]>([
    ['in a lookalike token', { asset: '0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02914' }, 'unknown_currency'],
    ['on an unknown network', { network: 'eip155:31337' }, 'wrong_chain'],
    ['on no EVM chain', { network: 'solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp' }],
    ['of nothing', { amount: '0' }],
    ['of a fraction', { amount: '0.01' }],
    ['of a number', { amount: 10_000 }],
    ['in hexadecimal', { amount: '0x10' }],
    ['beyond a word', { amount: `${2n ** 256n}` }],
    ['to nobody', { payTo: `0x${'0'.repeat(40)}` }],
    ['to a name', { payTo: 'vitalik.eth' }],
    ['in no time', { maxTimeoutSeconds: 7 }],
    ['without a time', { maxTimeoutSeconds: null }],
    ['under another name', { extra: { name: 'USDC', version: '2' } }],
    ['under another version', { extra: { name: 'USD Coin', version: '1' } }],
    ['by an unknown transfer', { extra: { assetTransferMethod: 'erc7710' } }],
    ['by an unknown flow', { extra: { paymentFlow: 'escrow' } }],
    ['up to a price by EIP-3009', upto({ assetTransferMethod: 'eip3009', facilitatorAddress: PAYEE })],
    ['up to a price by nobody', upto({})],
    ['with an extra that is none', { extra: [] }],
  ])('%s', async (_, more, code) => {
    const { code: said = 'wallet_failed' } = unpayable(await ask(more, { chains: [8453] }))
    if (code !== undefined) expect(said).toBe(code)
  })

  test('on a chain that the wallet was not made for', async () => {
    expect(unpayable(await ask({}, { chains: [1] })).code).toBe('wrong_chain')
  })

  test('in a way that the wallet was not made for', async () => {
    unpayable(await ask({}, { ways: ['permit2'] }))
  })

  test('for more than the account holds', async () => {
    const balance = { '0x70a08231': numberToHex(9_999n, { size: 32 }) }
    const refusal = unpayable(await ask({}, {}, balance))
    expect(refusal.code).toBe('insufficient_funds')
    expect(refusal.unpayable).toBe('The account holds 0.009999 USDC, and this payment needs 0.01 USDC')
    payable(await ask({ amount: '9999' }, {}, balance))
  })

  test('for more than Permit2 may take', async () => {
    const allowance = { '0xdd62ed3e': numberToHex(1n, { size: 32 }) }
    const permit = { extra: { assetTransferMethod: 'permit2' } }
    const refusal = unpayable(await ask(permit, {}, allowance))
    expect(refusal.code).toBe('insufficient_funds')
    expect(refusal.unpayable).toContain('approvePermit2')
    payable(await ask(permit, {}, { '0xdd62ed3e': numberToHex(10_000n, { size: 32 }) }))
  })
})

describe('validity', () => {
  const until = async (more: JsonObject, options?: Partial<EvmOptions>, maxValidityMs = 600_000) =>
    payable(await make(options).quote(x402(entry(more)), context({ bounds: { ...BOUNDS, maxValidityMs } })))
      .goodUntil

  test('is the earliest of the need of the server, the limit of the policy, and the option of the user', async () => {
    expect(await until({ maxTimeoutSeconds: 31_536_000 })).toBe(NOW + 600_000)
    expect(await until({ maxTimeoutSeconds: 31_536_000 }, { validityMs: 30_000 })).toBe(NOW + 30_000)
    expect(await until({ maxTimeoutSeconds: 300 }, {}, 45_000)).toBe(NOW + 45_000)
  })

  test('of an MPP charge ends with its challenge', async () => {
    const details = { methodDetails: { chainId: 8453, credentialTypes: ['authorization'] } }
    const ask = (expires: number) => make().quote(mpp(details, { expires }), context())
    expect(payable(await ask(NOW + 20_000)).goodUntil).toBe(NOW + 20_000)
    expect(unpayable(await ask(NOW - 1)).unpayable).toContain('expired')
    unpayable(await ask(NOW + 7_000))
    unpayable(await ask(Number.NaN))
  })
})

describe('the signing domain of a token', () => {
  const network = 'eip155:31337'
  const address = '0x5fbdb2315678afecb367f032d93f642f64180aa3'
  const mine = dollar(network, address)
  const options = { rpc: { 31337: 'http://127.0.0.1:9' }, currencies: [mine] }
  const word = `0x${'0'.repeat(64)}`
  const text = (value: string) => encodeAbiParameters([{ type: 'string' }], [value])
  const described = (name: string, chain = 31337n) =>
    encodeAbiParameters(
      ['bytes1', 'string', 'string', 'uint256', 'address', 'bytes32', 'uint256[]'].map((type) => ({ type })),
      ['0x0f', name, '2', chain, getAddress(address), word, []],
    )
  const separator = (name: string) => {
    const type = 'EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)'
    const hash = (value: string) => keccak256(stringToBytes(value))
    return keccak256(
      encodeAbiParameters(
        ['bytes32', 'bytes32', 'bytes32', 'uint256', 'address'].map((each) => ({ type: each })),
        [hash(type), hash(name), hash('2'), 31337n, getAddress(address)],
      ),
    )
  }
  const offer = (extra: JsonObject = {}) => x402(entry({ network, asset: address, extra }))
  const quote = (answers: Answers, extra?: JsonObject, more: Partial<EvmOptions> = {}) =>
    attempt(make({ ...options, ...more }, { '0xe94a0102': word, ...answers }).quote(offer(extra), context()))

  test('is read from its own description', async () => {
    payable(await quote({ '0x84b0196e': described('Test Dollar') }, { name: 'Test Dollar', version: '2' }))
    unpayable(await quote({ '0x84b0196e': described('Test Dollar') }, { name: 'USD Coin', version: '2' }))
  })

  test('or from its name and version, if its separator is made of them', async () => {
    const answers = { '0x06fdde03': text('Test Dollar'), '0x54fd4d50': text('2') }
    payable(await quote({ ...answers, '0x3644e515': separator('Test Dollar') }))
    unpayable(await quote({ ...answers, '0x3644e515': separator('Other Dollar') }))
  })

  test('is not taken from a description of another chain', async () => {
    unpayable(
      await quote({ '0x84b0196e': described('Test Dollar', 1n) }, { name: 'Test Dollar', version: '2' }),
    )
  })

  test('comes from the option of the user if it is set', async () => {
    const domains = { [mine.id]: { name: 'Mine', version: '7' } }
    payable(await quote({}, { name: 'Mine', version: '7' }, { domains }))
    unpayable(await quote({ '0x84b0196e': described('Test Dollar') }, { name: 'Test Dollar' }, { domains }))
  })

  test('never comes from the server alone', async () => {
    const refusal = await quote({}, { name: 'Test Dollar', version: '2' })
    expect(unpayable(refusal).unpayable).toBeDefined()
  })

  test('is read again after a node did not answer', async () => {
    let up = false
    const wallet = evm({
      account,
      ...options,
      fetch: async (_url, init) => {
        if (!up) throw new TypeError('offline')
        const { params } = JSON.parse(String(init?.body))
        const answers: Record<string, string> = { '0xe94a0102': word, '0x84b0196e': described('D') }
        return Response.json({
          jsonrpc: '2.0',
          id: 1,
          result: answers[String(params[0]?.data).slice(0, 10)] ?? word,
        })
      },
    })
    await expect(wallet.quote(offer(), context())).rejects.toMatchObject({ code: 'wallet_failed' })
    up = true
    await wallet.quote(offer(), context())
  })

  test('is absent for a token without signed transfers', async () => {
    unpayable(await quote({ '0xe94a0102': '0x', '0x84b0196e': described('Test Dollar') }))
  })
})

describe('MPP charges', () => {
  const ask = (details: JsonObject, options?: Partial<EvmOptions>, answers?: Answers) =>
    make(options, answers).quote(mpp({ methodDetails: { chainId: 8453, ...details } }), context())
  const prices = {
    eth_getBlockByNumber: { number: '0x1', hash: '0x01', timestamp: '0x1', baseFeePerGas: '0x3b9aca00' },
    eth_maxPriorityFeePerGas: '0x5f5e100',
  }

  test('are paid in the first way of the server’s list that the wallet supports', async () => {
    expect(payable(await ask({ credentialTypes: ['permit2', 'authorization'] })).terms.fee).toBeUndefined()
    const paid = payable(await ask({ credentialTypes: ['transaction', 'authorization'] }, {}, prices))
    expect(paid.terms.fee).toBeDefined()
    expect(paid.lane).toEqual({ names: [`evm:8453:${account.address.toLowerCase()}`], otherwise: 'wait' })
    const own = payable(
      await ask({ credentialTypes: ['transaction', 'authorization'] }, { ways: ['authorization'] }),
    )
    expect(own.terms.fee).toBeUndefined()
  })

  test('without a list are paid by a transaction, whose gas is in the chain’s coin', async () => {
    const { terms } = payable(await ask({}, {}, prices))
    // 120,000 gas at twice a base fee of one gwei and a tip, rounded up, and what a rollup takes for data.
    expect(terms.fee?.bound.value).toBe(120_000n * 2_147_483_648n + 10n ** 13n)
    expect(terms.fee?.bound.currency).toMatchObject({ id: 'eip155:8453/slip44:60', symbol: 'ETH' })
    expect(unpayable(await ask({})).code).toBe('wallet_unavailable')
    const poor = { ...prices, eth_getBalance: '0x1' }
    expect(unpayable(await ask({}, {}, poor)).code).toBe('insufficient_funds')
  })

  test.each<[string, JsonObject]>([
    ['splits', { credentialTypes: ['authorization'], splits: [] }],
    ['no way that is known', { credentialTypes: ['permit2'] }],
    ['ways that are no list', { credentialTypes: 'authorization' }],
    ['other decimals than the token has', { credentialTypes: ['authorization'], decimals: 18 }],
    ['decimals that are no number', { credentialTypes: ['authorization'], decimals: '6' }],
    ['no chain', { chainId: null }],
  ])('with %s are not paid', async (_, details) => {
    unpayable(await ask(details, {}, prices))
  })

  test('of the usdc method need its own form', async () => {
    const usdc = (methodDetails: JsonObject) =>
      make().quote(mpp({ methodDetails }, { kind: 'usdc/charge' }), context())
    const profile = { chainId: 8453, decimals: 6 }
    payable(await usdc({ type: 'evm', evm: profile }))
    payable(await usdc({ type: 'evm', evm: { ...profile, credentialTypes: ['authorization'] } }))
    unpayable(await usdc({ type: 'evm', evm: { ...profile, decimals: 18 } }))
    unpayable(await usdc({ type: 'evm', evm: { ...profile, credentialTypes: ['transaction'] } }))
    unpayable(await usdc({ type: 'evm', evm: profile, solana: {} }))
    unpayable(await usdc({ type: 'solana', solana: {} }))
    unpayable(await usdc(profile))
  })
})

describe('after an earlier credential', () => {
  const later = (wallet = make()) => wallet

  test('an x402 payment uses its nonce', async () => {
    const wallet = later()
    const { evidence } = await sign(wallet, x402(entry()), { payment: 'p1' })
    const quote = payable(
      await wallet.quote(x402(entry({ payTo: PAYEE })), context({ earlierEvidence: evidence })),
    )
    expect(quote.replaces?.value).toBe(BigInt(String(evidence.refs[1])))
  })

  test('of another token, chain or wallet, it waits until that one expires', async () => {
    const wallet = later()
    const { evidence } = await sign(wallet, x402(entry()))
    const end = NOW + 60_000 + 3_000
    const other = x402(
      entry({ network: 'eip155:42220', asset: '0xcebA9300f2b948710d2653dD7B07f33A8B32118C', extra: {} }),
    )
    expect(unpayable(await wallet.quote(other, context({ earlierEvidence: evidence })))).toMatchObject({
      code: 'payment_in_doubt',
      earlierExpiresAt: end,
    })
    const charge = mpp({ methodDetails: { chainId: 8453, credentialTypes: ['authorization'] } })
    expect(
      unpayable(await wallet.quote(charge, context({ earlierEvidence: evidence }))).earlierExpiresAt,
    ).toBe(end)
  })

  test('an MPP charge takes its place only with the same challenge', async () => {
    const wallet = later()
    const charge = mpp({ methodDetails: { chainId: 8453, credentialTypes: ['authorization'] } })
    const { evidence } = await sign(wallet, charge)
    expect(payable(await wallet.quote(charge, context({ earlierEvidence: evidence }))).replaces).toBeDefined()
    const rotated = { ...charge, id: 'another' }
    expect(
      unpayable(await wallet.quote(rotated, context({ earlierEvidence: evidence }))).earlierExpiresAt,
    ).toBeDefined()
  })

  test('with unreadable evidence it names no expiry', async () => {
    const evidence = { wallet: 'evm:0x', kind: 'x402/exact', refs: [], detail: { form: 'letter' } } as const
    const refusal = unpayable(await make().quote(x402(entry()), context({ earlierEvidence: evidence })))
    expect(refusal.earlierExpiresAt).toBeUndefined()
  })
})

test('a currency known to Purser wins over the table', async () => {
  const currencies = currencyTable([dollar(BASE, USDC, { symbol: 'mine' })])
  const { terms } = payable(await make().quote(x402(entry()), context({ currencies })))
  expect(terms.most.currency.symbol).toBe('mine')
})

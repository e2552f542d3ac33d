import { decodeFunctionData, encodeFunctionResult, type Hex } from 'viem'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { Abis, Account } from 'viem/tempo'
import { describe, expect, test } from 'vitest'
import type { JsonObject } from '../../../src/protocol/index.js'
import { type TempoOptions, tempo, tempoKeys } from '../../../src/wallet/tempo/index.js'
import { signFor } from '../../../src/wallet/tempo/options.js'
import { ACCOUNTS, addressOf, alphaUSD, CHAIN_ID, LOCAL_CURRENCIES, pathUSD } from '../../chain/chain.js'
import { challenge, context, payable, unpayable } from './harness.js'

const root = ACCOUNTS.payer.address
const secret = generatePrivateKey()
const key = privateKeyToAccount(secret)
const payee = ACCOUNTS.payee.address
const abi = Abis.accountKeychain
const [MEMO, PLAIN] = ['0x95777d59', '0xa9059cbb'] as const
const NOW = 1_800_000_000_000
const RULES = [MEMO, PLAIN].map((selector) => ({ selector, recipients: [payee] }))

/** What the keychain of a pretended node says. */
interface Said {
  readonly state?: 'authorized' | 'revoked' | 'unknown'
  readonly expiry?: number
  readonly limited?: boolean
  readonly remaining?: bigint
  readonly periodEnd?: number
  readonly scopes?: readonly {
    readonly target: Hex
    readonly selectorRules: readonly { readonly selector: Hex; readonly recipients: readonly Hex[] }[]
  }[]
}

/** A node that knows a balance of a million, and one key. */
function nodeThat(say: () => Said): typeof fetch {
  return async (_, init) => {
    const { id, method, params } = JSON.parse(String(init?.body))
    if (method === 'eth_chainId')
      return Response.json({ jsonrpc: '2.0', id, result: `0x${CHAIN_ID.toString(16)}` })
    const [{ data }] = params
    if (data.startsWith('0x70a08231'))
      return Response.json({ jsonrpc: '2.0', id, result: `0x${'f4240'.padStart(64, '0')}` })
    return Response.json({ jsonrpc: '2.0', id, result: answer(say(), data) })
  }
}

function answer(said: Said, data: Hex): Hex {
  const { state = 'authorized', expiry = NOW / 1000 + 3_600, limited = true } = said
  const { functionName } = decodeFunctionData({ abi, data })
  switch (functionName) {
    case 'getKey':
      return encodeFunctionResult({
        abi,
        functionName,
        result: {
          signatureType: 0,
          keyId: state === 'authorized' ? key.address : `0x${'0'.repeat(40)}`,
          expiry: BigInt(expiry),
          enforceLimits: limited,
          isRevoked: state === 'revoked',
        },
      })
    case 'getRemainingLimitWithPeriod':
      return encodeFunctionResult({
        abi,
        functionName,
        result: [said.remaining ?? 1_000_000n, BigInt(said.periodEnd ?? 0)],
      })
    case 'getAllowedCalls': {
      const scopes = said.scopes ?? [{ target: addressOf(alphaUSD), selectorRules: RULES }]
      const result = [
        scopes.length > 0,
        scopes.map((scope) => ({
          ...scope,
          selectorRules: scope.selectorRules.map((rule) => ({ ...rule, recipients: [...rule.recipients] })),
        })),
      ] as const
      return encodeFunctionResult({ abi, functionName, result })
    }
    default:
      throw new TypeError(functionName)
  }
}

const offer = (more: JsonObject = {}) =>
  challenge(
    {
      amount: '10000',
      currency: addressOf(alphaUSD),
      recipient: payee,
      methodDetails: { chainId: CHAIN_ID, ...more },
    },
    { expires: NOW + 60_000 },
  )

function walletWith(fetch: typeof globalThis.fetch, more: Partial<TempoOptions> = {}) {
  return tempo({ account: root, accessKey: key, rpc: { [CHAIN_ID]: 'http://127.0.0.1:9' }, fetch, ...more })
}

const quoted = (said: Said, more: JsonObject = {}, now = NOW) =>
  walletWith(nodeThat(() => said)).quote(offer(more), context({ now }))

describe('a signature for an account', () => {
  test('equals that of the chain’s own tools', async () => {
    for (let count = 0; count < 8; count++) {
      const hash: Hex = `0x${count.toString(16).padStart(64, '5')}`
      const theirs = await Account.fromSecp256k1(secret, { access: root }).sign({ hash })
      const lower: Hex = `0x${root.slice(2).toLowerCase()}`
      expect(await signFor(lower, hash, (inner) => key.sign({ hash: inner }))).toBe(theirs.toLowerCase())
    }
  })

  test('names the account, so that it is valid for no other', async () => {
    const hash: Hex = `0x${'5'.repeat(64)}`
    const sign = (inner: Hex) => key.sign({ hash: inner })
    const [one, two] = await Promise.all([
      signFor(`0x${'a'.repeat(40)}`, hash, sign),
      signFor(`0x${'b'.repeat(40)}`, hash, sign),
    ])
    expect(one.slice(44)).not.toBe(two.slice(44))
  })
})

describe('options', () => {
  test.each<[string, object, RegExp]>([
    ['an address that nobody signs for', { account: root }, /with an address also an accessKey/],
    ['a key without its account', { accessKey: key }, /must be the address of the account/],
    [
      'an account that is no address',
      { account: '0x1', accessKey: key },
      /must be the address of the account/,
    ],
    [
      'a key that is the account',
      { account: root, accessKey: ACCOUNTS.payer },
      /must not be the key of the account/,
    ],
    [
      'a key that cannot sign',
      { account: root, accessKey: { address: key.address, type: 'local' } },
      /can sign hashes/,
    ],
    [
      'a key of another account',
      { account: payee, accessKey: Account.fromSecp256k1(secret, { access: root }) },
      /belongs to another account/,
    ],
  ])('%s is a mistake', (_, options, message) => {
    expect(() => Reflect.apply(tempo, undefined, [options])).toThrow(TypeError)
    expect(() => Reflect.apply(tempo, undefined, [options])).toThrow(message)
  })

  test('an account of viem/tempo names the owner of its key', () => {
    const account = Account.fromSecp256k1(secret, { access: root })
    expect(tempo({ account }).id).toBe(`tempo:${root.toLowerCase()}`)
    expect(tempo({ account: root, accessKey: account }).id).toBe(tempo({ account }).id)
  })

  test('keys are managed by the account itself, on a chain with a node', () => {
    const account = Account.fromSecp256k1(secret, { access: root })
    expect(() => tempoKeys({ account })).toThrow(/an access key cannot manage keys/)
    expect(() => tempoKeys({ account: root, chain: 7 })).toThrow(/no node for chain 7/)
    expect(() => tempoKeys({ account: '0x12' })).toThrow(TypeError)
    expect(tempoKeys({ account: root }).network).toBe('eip155:4217')
  })
})

describe('an offer that the chain would not let the key pay is skipped', () => {
  test.each<[string, Said, string]>([
    ['a revoked key', { state: 'revoked' }, 'The access key was revoked'],
    [
      'a key that was never authorized',
      { state: 'unknown' },
      'The access key is not authorized on this chain',
    ],
    ['an expired key', { expiry: NOW / 1000 }, 'The access key has expired'],
    [
      'another payee',
      { scopes: [{ target: addressOf(alphaUSD), selectorRules: [{ selector: MEMO, recipients: [root] }] }] },
      `The access key may not pay ${payee.toLowerCase()} in this token`,
    ],
    [
      'another token',
      { scopes: [{ target: root, selectorRules: RULES }] },
      `The access key may not pay ${payee.toLowerCase()} in this token`,
    ],
    [
      'another call',
      {
        scopes: [{ target: addressOf(alphaUSD), selectorRules: [{ selector: PLAIN, recipients: [payee] }] }],
      },
      `The access key may not pay ${payee.toLowerCase()} in this token`,
    ],
  ])('%s', async (_, said, message) => {
    expect(unpayable(await quoted(said))).toEqual({ unpayable: message, code: 'wallet_failed' })
  })

  test('a limit that does not cover price and fee', async () => {
    const bound = 20_600n
    const payer = async (remaining: bigint) => payable(await quoted({ remaining })).terms.fee?.bound.currency
    expect(await payer(10_000n + bound)).toEqual(alphaUSD)
    // The limit is one for each token, and that of another dollar covers the fee.
    expect(await payer(9_999n + bound)).toEqual(pathUSD)
    expect(unpayable(await quoted({ remaining: bound - 1n }))).toEqual({
      unpayable:
        'The access key may spend 0.020599 AlphaUSD more, and this payment takes up to 0.0306 AlphaUSD of it',
      code: 'insufficient_funds',
    })
    const periodEnd = NOW / 1000 + 60
    expect(unpayable(await quoted({ remaining: 0n, periodEnd })).unpayable).toMatch(
      /; its limit resets at 2027-01-15T08:01:00.000Z$/,
    )
  })

  test('and no time is told that no calendar has', async () => {
    const { unpayable: message } = unpayable(await quoted({ remaining: 0n, periodEnd: 2 ** 60 }))
    expect(message).toMatch(/takes up to 0\.0306 AlphaUSD of it$/)
  })

  test('a split to somebody else', async () => {
    const splits = [{ amount: '1', recipient: root }]
    expect(unpayable(await quoted({}, { splits })).unpayable).toContain(`may not pay ${root.toLowerCase()}`)
    const selectorRules = [{ selector: MEMO, recipients: [payee, root] }]
    const memoOnly: Said = { scopes: [{ target: addressOf(alphaUSD), selectorRules }] }
    expect(unpayable(await quoted(memoOnly, { splits })).unpayable).toContain(
      `may not pay ${root.toLowerCase()}`,
    )
    const withMemo = [{ amount: '1', recipient: root, memo: `0x${'1'.repeat(64)}` }]
    payable(await quoted(memoOnly, { splits: withMemo }))
  })
})

describe('an offer is quoted', () => {
  test.each<[string, Said]>([
    ['by a key without limits', { limited: false, remaining: 0n }],
    ['by a key that may call anything', { scopes: [] }],
    [
      'to anyone, where the key may pay anyone',
      { scopes: [{ target: addressOf(alphaUSD), selectorRules: [] }] },
    ],
    ['when the period of a used limit is over', { remaining: 0n, periodEnd: NOW / 1000 }],
  ])('%s', async (_, said) => {
    payable(await quoted(said))
  })

  test('if no node answers: the server’s own node will check', async () => {
    const offline: typeof fetch = () => Promise.reject(new TypeError('offline'))
    payable(await walletWith(offline).quote(offer(), context({ now: NOW })))
    const odd: typeof fetch = async () => Response.json({ jsonrpc: '2.0', id: 1, result: '0x' })
    payable(await walletWith(odd).quote(offer(), context({ now: NOW })))
  })

  test('as soon as the limit was raised, although it was too low a moment ago', async () => {
    let remaining = 0n
    const wallet = walletWith(nodeThat(() => ({ remaining })))
    unpayable(await wallet.quote(offer(), context({ now: NOW })))
    remaining = 1_000_000n
    payable(await wallet.quote(offer(), context({ now: NOW + 1 })))
  })
})

test('a key without an end is listed without one, and says what it may do', async () => {
  const keys = tempoKeys({
    account: root,
    chain: CHAIN_ID,
    rpc: { [CHAIN_ID]: 'http://127.0.0.1:9' },
    currencies: LOCAL_CURRENCIES,
    fetch: nodeThat(() => ({ expiry: 2 ** 63, limited: false, scopes: [] })),
  })
  expect(await keys.inspect(key)).toEqual({
    key: key.address.toLowerCase(),
    state: 'authorized',
    type: 'secp256k1',
    limits: 'none',
    recipients: 'anyone',
  })
})

describe('a node that lies about allowances', () => {
  test('is not trusted if it reports none', async () => {
    const odd: typeof fetch = async () => Response.json({ jsonrpc: '2.0', id: 1, result: '0x' })
    const keys = tempoKeys({
      account: root,
      chain: CHAIN_ID,
      rpc: { [CHAIN_ID]: 'http://127.0.0.1:9' },
      currencies: LOCAL_CURRENCIES,
      fetch: odd,
    })
    await expect(keys.allowances()).rejects.toMatchObject({ code: 'wallet_unavailable' })
    await expect(keys.inspect(key)).rejects.toMatchObject({ code: 'wallet_unavailable' })
    await expect(keys.list()).rejects.toMatchObject({ code: 'wallet_unavailable' })
  })
})

import { authorizationTypes, x402ExactPermit2ProxyAddress, x402UptoPermit2ProxyAddress } from '@x402/evm'
import {
  type Hex,
  keccak256,
  parseTransaction,
  recoverTransactionAddress,
  recoverTypedDataAddress,
  sha256,
  stringToBytes,
} from 'viem'
import { describe, expect, test } from 'vitest'
import type { JsonObject } from '../../../src/protocol/index.js'
import { readDetail } from '../../../src/wallet/evm/evidence.js'
import { evm } from '../../../src/wallet/evm/index.js'
import { EXACT_PROXY, UPTO_PROXY } from '../../../src/wallet/evm/typed.js'
import {
  account,
  at,
  BASE,
  context,
  entry,
  make,
  mpp,
  NOW,
  PAYEE,
  payable,
  prepareQuoted,
  sign,
  USDC,
  x402,
} from './harness.js'

const hex = (value: unknown): Hex => `0x${String(value).slice(2)}`
const sender = account.address.toLowerCase()

/** Who signed an EIP-3009 authorization, as the contract would compute it. */
function signerOf(authorization: JsonObject, signature: unknown): Promise<string> {
  const text = (name: string) => String(authorization[name])
  return recoverTypedDataAddress({
    domain: { name: 'USD Coin', version: '2', chainId: 8453, verifyingContract: USDC },
    types: authorizationTypes,
    primaryType: 'TransferWithAuthorization',
    message: {
      from: hex(text('from')),
      to: hex(text('to')),
      value: BigInt(text('value')),
      validAfter: BigInt(text('validAfter')),
      validBefore: BigInt(text('validBefore')),
      nonce: hex(text('nonce')),
    },
    signature: hex(signature),
  })
}

function objectAt(object: JsonObject, name: string): JsonObject {
  const value = object[name]
  if (typeof value !== 'object' || value === null) throw new Error(`no ${name}`)
  return JSON.parse(JSON.stringify(value))
}

describe('an x402 authorization', () => {
  test('has the judged terms and the bounded time, and is signed by the account', async () => {
    const { credential, evidence, goodUntil } = await sign(make(), x402(entry()))
    const authorization = objectAt(credential.payload, 'authorization')
    expect(authorization).toMatchObject({
      from: account.address,
      to: PAYEE,
      value: '10000',
      validAfter: '0',
      validBefore: String(NOW / 1000 + 60),
    })
    expect(await signerOf(authorization, credential.payload['signature'])).toBe(account.address)
    expect(goodUntil).toBe(NOW + 60_000)
    expect(evidence.refs[1]).toBe(authorization['nonce'])
    expect(credential.source).toBeUndefined()
    expect(credential.extensions).toBeUndefined()
    // Evidence proves a payment, and cannot make one.
    expect(JSON.stringify(evidence)).not.toContain(String(credential.payload['signature']).slice(2, 66))
  })

  test('has a nonce per payment: the same for a retry, another for another payment', async () => {
    const wallet = make()
    const nonce = async (payment: string, more: JsonObject = {}) =>
      at((await sign(wallet, x402(entry(more)), { payment })).credential.payload, 'authorization', 'nonce')
    const first = await nonce('p1')
    expect(first).toMatch(/^0x[0-9a-f]{64}$/)
    expect(await nonce('p1')).toBe(first)
    expect(await nonce('p1', { amount: '9000' })).toBe(first)
    expect(await nonce('p2')).not.toBe(first)
  })

  test('that follows another uses its nonce, for any payment', async () => {
    const wallet = make()
    const { evidence } = await sign(wallet, x402(entry()), { payment: 'p1' })
    const { credential } = await sign(wallet, x402(entry()), { payment: 'p2', after: evidence })
    expect(at(credential.payload, 'authorization', 'nonce')).toBe(evidence.refs[1])
  })

  test('of version 1 is the same', async () => {
    const accepted = { ...entry({ network: 'base' }), maxAmountRequired: '10000' }
    const { credential } = await sign(make(), x402(accepted, {}, 1))
    const authorization = objectAt(credential.payload, 'authorization')
    expect(await signerOf(authorization, credential.payload['signature'])).toBe(account.address)
  })

  test('of a signer that says 0 or 1 says 27 or 28', async () => {
    const wallet = evm({
      account: {
        ...account,
        sign: async (parameters) => {
          const signature = await account.sign(parameters)
          return `0x${signature.slice(2, 130)}${signature.endsWith('1b') ? '00' : '01'}`
        },
      },
      fetch: () => Promise.reject(new TypeError('offline')),
    })
    const { credential } = await sign(wallet, x402(entry()))
    expect(String(credential.payload['signature'])).toMatch(/1[bc]$/)
  })
})

describe('extensions', () => {
  const identifier = { info: { required: true }, schema: { type: 'object' } }
  const offered = { 'payment-identifier': identifier, bazaar: { info: {} } }

  test('get the identifier of the payment, the same on a retry, and are otherwise unchanged', async () => {
    const id = async (payment: string) => {
      const { credential } = await sign(make(), x402(entry(), { extensions: offered }), { payment })
      const { extensions = {} } = credential
      expect(extensions).toMatchObject(offered)
      return String(at(extensions, 'payment-identifier', 'info', 'id'))
    }
    const first = await id('p1')
    expect(first).toMatch(/^pay_[0-9a-f]{32}$/)
    expect(await id('p1')).toBe(first)
    expect(await id('p2')).not.toBe(first)
  })

  test('without anything to add are returned unchanged', async () => {
    const { credential } = await sign(make(), x402(entry(), { extensions: { bazaar: { info: {} } } }))
    expect(credential.extensions).toBeUndefined()
  })

  test('that describe the route are bound into the nonce', async () => {
    const mppx = { info: { method: 'GET', opaque: 'e30' }, schema: {} }
    const resource = { url: 'https://api.example/paid' }
    const challenge = x402(entry(), { extensions: { mppx }, resource })
    const { credential, evidence } = await sign(make(), challenge)
    const { extensions = {} } = credential
    expect(String(at(extensions, 'mppx', 'info', 'nonce'))).toMatch(/^[0-9a-f]{64}$/)
    // Sorted keys and no white space: what canonical JSON makes of these.
    const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
    const accepted = Object.fromEntries(Object.entries(entry()).sort(([a], [b]) => (a < b ? -1 : 1)))
    const info = { method: 'GET', nonce: at(extensions, 'mppx', 'info', 'nonce'), opaque: 'e30' }
    const bound = [accepted, resource, { mppx: { info, schema: {} } }].map(part).join('|')
    expect(evidence.refs[1]).toBe(sha256(stringToBytes(bound)))
    const again = await make().quote(challenge, context({ earlierEvidence: evidence }))
    expect(again).toMatchObject({ code: 'payment_in_doubt', earlierExpiresAt: NOW + 63_000 })
  })

  test('that describe only the method leave the nonce to the wallet', async () => {
    const extensions = { mppx: { info: { method: 'GET' }, schema: {} } }
    const { credential, evidence } = await sign(make(), x402(entry(), { extensions }))
    expect(credential.extensions).toBeUndefined()
    payable(await make().quote(x402(entry(), { extensions }), context({ earlierEvidence: evidence })))
  })
})

describe('an MPP authorization', () => {
  const details = { methodDetails: { chainId: 8453, credentialTypes: ['authorization'] } }

  test('is bound to its challenge', async () => {
    const challenge = mpp(details, { id: 'aB3cDeF4gHiJkLmN' })
    const { credential } = await sign(make(), challenge)
    const { payload, source } = credential
    expect(payload).toMatchObject({
      type: 'authorization',
      from: account.address,
      to: PAYEE,
      value: '10000',
      validAfter: '0',
      nonce: keccak256(stringToBytes('aB3cDeF4gHiJkLmNapi.example')),
    })
    expect(source).toBe(`did:pkh:${BASE}:${account.address}`)
    expect(await signerOf(payload, payload['signature'])).toBe(account.address)
  })

  test('of the usdc method has the nonce of its specification’s example', async () => {
    const request = {
      amount: '1000000',
      currency: '0x3600000000000000000000000000000000000000',
      recipient: '0xc04193C50cD2E6a1C79593e46364496Fe5fcd9b6',
      description: 'Arc Testnet USDC charge',
      externalId: 'invoice-evm-001',
      methodDetails: {
        type: 'evm',
        evm: { chainId: 5042002, decimals: 6, credentialTypes: ['authorization'] },
      },
    }
    const id = 'eip155:5042002/erc20:0x3600000000000000000000000000000000000000'
    const wallet = make({
      rpc: { 5042002: 'http://127.0.0.1:9' },
      currencies: [{ id, symbol: 'USDC', decimals: 6, peg: 'iso4217:USD' }],
      domains: { [id]: { name: 'USDC', version: '2' } },
    })
    const challenge = {
      ...mpp({}),
      kind: 'usdc/charge',
      id: 'usdc_evm_direct_001',
      realm: 'api.example.com',
    } as const
    const { credential } = await sign(wallet, { ...challenge, request })
    expect(credential.payload['nonce']).toBe(
      '0x03e1d1aa38e2c56a0bb12e2d4562082c1c26496553f838064f3e6b4c3db9d2c2',
    )
  })
})

describe('a permit', () => {
  const permit2 = { extra: { assetTransferMethod: 'permit2' } }
  const upto = { scheme: 'upto', extra: { facilitatorAddress: PAYEE } }

  test('can be spent only by x402’s own contracts', () => {
    expect(EXACT_PROXY).toBe(x402ExactPermit2ProxyAddress.toLowerCase())
    expect(UPTO_PROXY).toBe(x402UptoPermit2ProxyAddress.toLowerCase())
  })

  test.each<[string, JsonObject, string]>([
    ['of an exact price', permit2, x402ExactPermit2ProxyAddress],
    ['up to a price', upto, x402UptoPermit2ProxyAddress],
  ])('%s pays the payee that was judged', async (_, more, spender) => {
    const { credential, evidence } = await sign(make(), x402(entry(more)))
    const permit = objectAt(credential.payload, 'permit2Authorization')
    expect(permit).toMatchObject({
      from: account.address,
      permitted: { token: USDC, amount: '10000' },
      spender,
      deadline: String(NOW / 1000 + 60),
      witness: { to: PAYEE, validAfter: '0' },
    })
    const facilitator = at(permit, 'witness', 'facilitator')
    const witness = [
      { name: 'to', type: 'address' },
      ...(facilitator === undefined ? [] : [{ name: 'facilitator', type: 'address' }]),
      { name: 'validAfter', type: 'uint256' },
    ]
    const types: Record<string, { name: string; type: string }[]> = {
      PermitWitnessTransferFrom: [
        { name: 'permitted', type: 'TokenPermissions' },
        { name: 'spender', type: 'address' },
        { name: 'nonce', type: 'uint256' },
        { name: 'deadline', type: 'uint256' },
        { name: 'witness', type: 'Witness' },
      ],
      TokenPermissions: [
        { name: 'token', type: 'address' },
        { name: 'amount', type: 'uint256' },
      ],
      Witness: witness,
    }
    const signer = await recoverTypedDataAddress({
      domain: {
        name: 'Permit2',
        chainId: 8453,
        verifyingContract: '0x000000000022D473030F116dDEE9F6B43aC78BA3',
      },
      types,
      primaryType: 'PermitWitnessTransferFrom',
      message: JSON.parse(JSON.stringify(permit)),
      signature: hex(credential.payload['signature']),
    })
    expect(signer).toBe(account.address)
    expect(BigInt(String(permit['nonce']))).toBe(BigInt(String(evidence.refs[1])))
  })

  test('that follows another uses its nonce', async () => {
    const wallet = make()
    const { evidence } = await sign(wallet, x402(entry(permit2)), { payment: 'p1' })
    const { credential } = await sign(wallet, x402(entry(permit2)), { payment: 'p2', after: evidence })
    expect(at(credential.payload, 'permit2Authorization', 'nonce')).toBe(
      BigInt(String(evidence.refs[1])).toString(),
    )
  })

  test('whose price is known afterwards is inspected at once', async () => {
    const { evidence } = await sign(make(), x402(entry(upto)))
    expect(evidence.recheckAt).toBe(NOW + 2_000)
  })
})

describe('a transaction', () => {
  const chain = {
    eth_getBlockByNumber: { number: '0x64', hash: '0x01', timestamp: '0x1', baseFeePerGas: '0x3b9aca00' },
    eth_maxPriorityFeePerGas: '0x5f5e100',
    eth_getTransactionCount: '0x7',
  }
  const details = { methodDetails: { chainId: 8453, credentialTypes: ['transaction'] } }
  const lane = { name: `evm:8453:${sender}`, value: 0n }

  test('is a plain transfer on the chain’s next nonce', async () => {
    const { credential, laneNext, quote, evidence } = await sign(make({}, chain), mpp(details), { lane })
    const raw = hex(credential.payload['signature'])
    const transaction = parseTransaction(raw)
    expect(transaction).toMatchObject({
      type: 'eip1559',
      chainId: 8453,
      nonce: 7,
      to: USDC.toLowerCase(),
      gas: 120_000n,
    })
    expect(transaction.value ?? 0n).toBe(0n)
    expect(transaction.data).toBe(
      `0xa9059cbb${PAYEE.slice(2).toLowerCase().padStart(64, '0')}${(10_000).toString(16).padStart(64, '0')}`,
    )
    expect(await recoverTransactionAddress({ serializedTransaction: `0x02${raw.slice(4)}` })).toBe(
      account.address,
    )
    expect(laneNext).toBe(8n)
    expect(evidence.refs[1]).toBe(keccak256(raw))
    const bound = quote.terms.fee?.bound.value ?? 0n
    expect(120_000n * (transaction.maxFeePerGas ?? 0n)).toBeLessThanOrEqual(bound)
  })

  test('needs the lane of its account', async () => {
    const wallet = make({}, chain)
    const quote = payable(await wallet.quote(mpp(details), context()))
    await expect(prepareQuoted(wallet, quote)).rejects.toMatchObject({ code: 'wallet_failed' })
    const other = { name: 'evm:1:0x', value: 0n }
    await expect(prepareQuoted(wallet, quote, { lane: other })).rejects.toMatchObject({
      code: 'wallet_failed',
    })
  })

  test('that follows another uses its nonce, and does not follow one that the wallet broadcast', async () => {
    const wallet = make({}, chain)
    const { evidence } = await sign(wallet, mpp(details), { lane })
    const behind = make({}, { ...chain, eth_getTransactionCount: '0x9' })
    const { credential, quote } = await sign(behind, mpp(details), { lane, after: evidence })
    expect(quote.replaces).toEqual({ name: lane.name, value: 7n })
    expect(parseTransaction(hex(credential.payload['signature'])).nonce).toBe(7)
    const detail = readDetail(evidence.detail)
    if (detail?.form !== 'transaction') throw new Error('another form')
    const broadcast = { ...evidence, detail: { ...detail, way: 'hash', coin: { ...detail.coin } } }
    const refusal = await wallet.quote(mpp(details), context({ earlierEvidence: broadcast }))
    expect(refusal).toMatchObject({ code: 'payment_in_doubt' })
    expect(refusal).not.toHaveProperty('earlierExpiresAt')
  })
})

describe('nothing is signed', () => {
  test('for terms other than the challenge’s', async () => {
    const wallet = make()
    const quote = payable(await wallet.quote(x402(entry()), context()))
    const other = x402(entry({ payTo: account.address }))
    const dearer = x402(entry({ amount: '10001' }))
    for (const challenge of [other, dearer])
      await expect(prepareQuoted(wallet, { ...quote, challenge })).rejects.toMatchObject({
        code: 'wallet_failed',
      })
  })

  test('on another wallet’s quote, or an expired one', async () => {
    const wallet = make()
    const quote = payable(await wallet.quote(x402(entry()), context()))
    await expect(prepareQuoted(wallet, { ...quote, wallet: 'evm:0x' })).rejects.toMatchObject({
      code: 'wallet_failed',
    })
    const charge = payable(
      await wallet.quote(
        mpp({ methodDetails: { chainId: 8453, credentialTypes: ['authorization'] } }),
        context(),
      ),
    )
    await expect(prepareQuoted(wallet, charge, { now: NOW + 55_000 })).rejects.toMatchObject({
      code: 'wallet_failed',
    })
  })

  test('with a nonce that excludes nothing', async () => {
    const wallet = make()
    const charge = mpp({ methodDetails: { chainId: 8453, credentialTypes: ['authorization'] } })
    const quote = payable(await wallet.quote(charge, context()))
    await expect(
      prepareQuoted(wallet, { ...quote, replaces: { name: 'x', value: 1n } }),
    ).rejects.toMatchObject({ code: 'wallet_failed' })
  })

  test('after a discard', async () => {
    const wallet = make()
    const prepared = await prepareQuoted(wallet, payable(await wallet.quote(x402(entry()), context())))
    await prepared.discard()
    await expect(prepared.complete(() => Promise.reject(new Error('never')))).rejects.toThrow(TypeError)
  })
})

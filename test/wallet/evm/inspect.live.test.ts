import { hashTypedData, keccak256, type LocalAccount } from 'viem'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Evidence } from '../../../src/ledger/index.js'
import type { Challenge, JsonObject } from '../../../src/protocol/index.js'
import { approvePermit2, type EvmOptions, evm } from '../../../src/wallet/evm/index.js'
import { asHex, CHAIN_ID, DOMAIN, type EvmChain, NETWORK, startEvmChain } from '../../evm/chain.js'
import { cancelCall, settleAuthorization, settlePermit } from '../../evm/settle.js'
import { attempt, context, entry, mpp, payable, sign, unpayable, x402 } from './harness.js'

let chain: EvmChain
let payer: LocalAccount
beforeAll(async () => {
  chain = await startEvmChain()
  payer = await chain.account(10_000_000n)
  const rpc = { [CHAIN_ID]: chain.url }
  await approvePermit2({ account: payer, rpc, token: chain.dollar.id, amount: 10n ** 18n })
})
afterAll(() => chain?.stop())

/** By the chain's clock, so that tests may move it. */
async function wallet(more: Partial<EvmOptions> = {}) {
  const now = (await chain.time()) * 1000
  const made = evm({
    account: payer,
    rpc: { [CHAIN_ID]: chain.url },
    currencies: [chain.dollar, chain.quiet],
    now: () => now,
    ...more,
  })
  return { made, now }
}

const offer = (more: JsonObject = {}) =>
  x402(entry({ network: NETWORK, asset: chain.dollarAddress, payTo: chain.payee, extra: {}, ...more }))
const permit = (more: JsonObject = {}) => offer({ extra: { assetTransferMethod: 'permit2' }, ...more })
const upto = () =>
  offer({ scheme: 'upto', extra: { facilitatorAddress: chain.facilitator.address }, amount: '50000' })

async function signed(challenge: Challenge, run: Parameters<typeof sign>[2] = {}) {
  const { made, now } = await wallet()
  return { ...(await sign(made, challenge, { now, ...run })), wallet: made }
}

/** Beyond the end of everything that lives for a minute, and until that is final. */
const outlive = () => chain.mine(6, 30)

describe('the signing domain of a token', () => {
  test('is read from the chain, described as a whole or in parts', async () => {
    const { made, now } = await wallet()
    for (const asset of [chain.dollarAddress, chain.quietAddress]) {
      const quote = (extra: JsonObject) => attempt(made.quote(offer({ asset, extra }), context({ now })))
      payable(await quote(DOMAIN))
      unpayable(await quote({ ...DOMAIN, name: 'USD Coin' }))
    }
  })
})

describe('an authorization', () => {
  test('that was settled is settled, at the amount on the chain', async () => {
    const before = await chain.balanceOf(chain.payee)
    const { credential, evidence, wallet: made } = await signed(offer())
    expect(await made.inspect(evidence)).toMatchObject({ state: 'pending' })
    const hash = await settleAuthorization(chain, credential)
    expect(await made.inspect(evidence)).toEqual({ state: 'settled', reference: hash })
    expect((await chain.balanceOf(chain.payee)) - before).toBe(10_000n)
  })

  test('of a dollar that says little is settled as well', async () => {
    const { credential, evidence, wallet: made } = await signed(offer({ asset: chain.quietAddress }))
    const hash = await settleAuthorization(chain, credential, chain.quietAddress)
    expect(await made.inspect(evidence)).toEqual({ state: 'settled', reference: hash })
  })

  test('that expired is void, once the block that proves it is final', async () => {
    const { evidence, credential, wallet: made } = await signed(offer())
    await chain.mine(1, 61)
    expect(await made.inspect(evidence)).toMatchObject({ state: 'pending' })
    await chain.mine(4)
    expect(await made.inspect(evidence)).toEqual({
      state: 'void',
      reason: 'It expired without being settled',
    })
    await expect(settleAuthorization(chain, credential)).rejects.toThrow()
  })

  test('settles once, whichever of two credentials it was: the other is void', async () => {
    const { made, now } = await wallet()
    const first = await sign(made, offer(), { now, payment: 'one' })
    const second = await sign(made, offer({ amount: '9000' }), { now, after: first.evidence, payment: 'one' })
    const hash = await settleAuthorization(chain, second.credential)
    await expect(settleAuthorization(chain, first.credential)).rejects.toThrow()
    expect(await made.inspect(second.evidence)).toEqual({ state: 'settled', reference: hash })
    expect(await made.inspect(first.evidence)).toMatchObject({ state: 'pending' })
    await chain.mine(4)
    expect(await made.inspect(first.evidence)).toEqual({
      state: 'void',
      reason: 'Another credential used its nonce',
    })
  })

  test('that was cancelled is void, and not settled', async () => {
    const { evidence, wallet: made } = await signed(offer())
    const nonce = asHex(String(evidence.refs[1]))
    const digest = hashTypedData({
      domain: { ...DOMAIN, chainId: CHAIN_ID, verifyingContract: chain.dollarAddress },
      types: {
        CancelAuthorization: [
          { name: 'authorizer', type: 'address' },
          { name: 'nonce', type: 'bytes32' },
        ],
      },
      primaryType: 'CancelAuthorization',
      message: { authorizer: payer.address, nonce },
    })
    const signature = (await payer.sign?.({ hash: digest })) ?? '0x'
    await chain.send(chain.facilitator, chain.dollarAddress, cancelCall(payer.address, nonce, signature))
    await chain.mine(4)
    expect(await made.inspect(evidence)).toEqual({ state: 'void', reason: 'It was cancelled' })
  })

  test('is searched on every node: one that does not answer proves nothing', async () => {
    const { evidence } = await signed(offer())
    const both = await wallet({ rpc: { [CHAIN_ID]: ['http://127.0.0.1:9', chain.url] } })
    expect(await both.made.inspect(evidence)).toMatchObject({ state: 'pending' })
    const none = await wallet({ rpc: { [CHAIN_ID]: 'http://127.0.0.1:9' } })
    expect(await none.made.inspect(evidence)).toMatchObject({ state: 'unknown' })
  })
})

describe('a permit', () => {
  test('that was settled is settled', async () => {
    const { credential, evidence, wallet: made } = await signed(permit())
    const hash = await settlePermit(chain, credential)
    expect(await made.inspect(evidence)).toMatchObject({
      state: 'settled',
      reference: hash,
      amount: { value: 10_000n },
    })
  })

  test('up to a price settles at the amount on the chain', async () => {
    const { credential, evidence, wallet: made } = await signed(upto())
    const hash = await settlePermit(chain, credential, 12_345n)
    expect(await made.inspect(evidence)).toMatchObject({
      state: 'settled',
      reference: hash,
      amount: { value: 12_345n, currency: { id: chain.dollar.id } },
    })
  })

  test('that expired is void, after its deadline and not at it', async () => {
    const { evidence, wallet: made } = await signed(permit())
    expect(await made.inspect(evidence)).toMatchObject({ state: 'pending' })
    await outlive()
    expect(await made.inspect(evidence)).toEqual({
      state: 'void',
      reason: 'It expired without being settled',
    })
  })

  test('settles once, whichever of two credentials it was', async () => {
    const { made, now } = await wallet()
    const first = await sign(made, permit(), { now, payment: 'two' })
    const second = await sign(made, permit({ amount: '9000' }), {
      now,
      after: first.evidence,
      payment: 'two',
    })
    await settlePermit(chain, second.credential)
    await expect(settlePermit(chain, first.credential)).rejects.toThrow()
    await chain.mine(4)
    expect(await made.inspect(second.evidence)).toMatchObject({ state: 'settled', amount: { value: 9_000n } })
    expect(await made.inspect(first.evidence)).toEqual({
      state: 'void',
      reason: 'Another credential used its nonce',
    })
  })

  test('needs the allowance of Permit2', async () => {
    const poor = await chain.account(1_000_000n)
    const { made, now } = await wallet({ account: poor })
    expect(unpayable(await made.quote(permit(), context({ now })))).toMatchObject({
      code: 'insufficient_funds',
    })
  })
})

describe('an approval', () => {
  const approve = (more: object) =>
    approvePermit2({
      account: payer,
      rpc: { [CHAIN_ID]: chain.url },
      token: chain.dollar.id,
      amount: 1n,
      ...more,
    })

  test('can be bounded and taken back, and bounds what is quoted', async () => {
    const own = await chain.account(1_000_000n)
    const quote = async () => {
      const { made, now } = await wallet({ account: own })
      return made.quote(permit(), context({ now }))
    }
    await approve({ account: own, amount: 10_000n })
    payable(await quote())
    await approve({ account: own, amount: 0n })
    unpayable(await quote())
  })

  test.each<[string, object]>([
    ['a token that is none', { token: 'USDC' }],
    ['a token on no EVM chain', { token: 'solana:1/token:1' }],
    ['an amount that is no bigint', { amount: 1 }],
    ['less than nothing', { amount: -1n }],
    ['no account', { account: undefined }],
  ])('of %s is refused', async (_, more) => {
    await expect(approve(more)).rejects.toThrow(TypeError)
  })

  test('on a chain without a node is refused', async () => {
    const token = chain.dollar.id.replace('31337', '99')
    await expect(approve({ token })).rejects.toMatchObject({ code: 'wrong_chain' })
  })
})

describe('a transaction', () => {
  const charge = (way: string) =>
    mpp(
      {
        currency: chain.dollarAddress,
        recipient: chain.payee,
        methodDetails: { chainId: CHAIN_ID, credentialTypes: [way] },
      },
      { expires: Number.POSITIVE_INFINITY },
    )
  const lane = (account: LocalAccount) => ({
    name: `evm:${CHAIN_ID}:${account.address.toLowerCase()}`,
    value: 0n,
  })

  test('that a server broadcasts is settled, and its fee is that of the chain', async () => {
    const own = await chain.account(1_000_000n)
    const { made, now } = await wallet({ account: own })
    const { credential, evidence } = await sign(made, charge('transaction'), { now, lane: lane(own) })
    expect(await made.inspect(evidence)).toMatchObject({ state: 'pending' })
    const before = await chain.coinOf(own.address)
    const raw = String(credential.payload['signature'])
    await chain.rpc('eth_sendRawTransaction', [raw])
    await chain.mine(1)
    const verdict = await made.inspect(evidence)
    expect(verdict).toMatchObject({ state: 'settled', reference: keccak256(asHex(raw)), lane: 1n })
    const fee = verdict.state === 'settled' ? verdict.fee : undefined
    expect(fee?.value).toBe(before - (await chain.coinOf(own.address)))
    expect(made.matchesReceipt?.(evidence, keccak256(asHex(raw)))).toBe(true)
    expect(made.matchesReceipt?.(evidence, '0x00')).toBe(false)
  })

  test('that the wallet broadcasts is in a block before its credential is sent', async () => {
    const own = await chain.account(1_000_000n)
    const { made, now } = await wallet({ account: own })
    const before = await chain.balanceOf(chain.payee)
    const { credential, evidence } = await sign(made, charge('hash'), { now, lane: lane(own) })
    expect(credential.payload).toEqual({ type: 'hash', hash: evidence.refs[1] })
    expect((await chain.balanceOf(chain.payee)) - before).toBe(10_000n)
    expect(await made.inspect(evidence)).toMatchObject({ state: 'settled' })
  })

  test('is void once another transaction used its nonce, and never before', async () => {
    const own = await chain.account(1_000_000n)
    const { made, now } = await wallet({ account: own })
    const { evidence, credential } = await sign(made, charge('transaction'), { now, lane: lane(own) })
    await outlive()
    expect(await made.inspect(evidence)).toMatchObject({ state: 'pending' })
    await chain.send(own, own.address, '0x')
    await chain.mine(4)
    expect(await made.inspect(evidence)).toEqual({
      state: 'void',
      reason: 'Another transaction used its nonce',
      lane: 1n,
    })
    await expect(chain.rpc('eth_sendRawTransaction', [credential.payload['signature']])).rejects.toThrow()
  })

  test('that failed is void and has cost its gas', async () => {
    const own = await chain.account(10_000n)
    const { made, now } = await wallet({ account: own })
    const { evidence, credential } = await sign(made, charge('transaction'), { now, lane: lane(own) })
    // The dollars are gone before it gets there.
    await chain.rpc('anvil_setStorageAt', [
      chain.dollarAddress,
      balanceSlot(own.address),
      `0x${'0'.repeat(64)}`,
    ])
    await chain.rpc('eth_sendRawTransaction', [credential.payload['signature']])
    await chain.mine(4)
    const verdict = await made.inspect(evidence)
    expect(verdict).toMatchObject({ state: 'void', lane: 1n })
    expect(verdict.state === 'void' && (verdict.fee?.value ?? 0n) > 0n).toBe(true)
  })
})

/** Where OpenZeppelin's token keeps a balance: its first mapping. */
function balanceSlot(address: string): `0x${string}` {
  return keccak256(`0x${address.slice(2).toLowerCase().padStart(64, '0')}${'0'.repeat(64)}`)
}

test('evidence that is damaged or not of this wallet proves nothing', async () => {
  const { made } = await wallet()
  const of = (detail: Evidence['detail']): Evidence => ({
    wallet: made.id,
    kind: 'x402/exact',
    refs: [],
    detail,
  })
  for (const detail of [
    null,
    {},
    { form: 'authorization', chainId: CHAIN_ID, sender: payer.address.toLowerCase() },
  ])
    expect(await made.inspect(of(detail))).toMatchObject({ state: 'unknown' })
  const { evidence } = await signed(offer())
  const elsewhere = typeof evidence.detail === 'object' && evidence.detail !== null ? evidence.detail : {}
  expect(await made.inspect(of({ ...elsewhere, chainId: 999 }))).toMatchObject({ state: 'unknown' })
})

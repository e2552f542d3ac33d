import { encodeAbiParameters, encodeFunctionData, hashTypedData, keccak256 } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { Abis } from 'viem/tempo'
import { describe, expect, it } from 'vitest'
import type { Json, JsonObject } from '../../src/protocol/index.js'
import { openCalls, requestCloseCalls, topUpCalls, withdrawCalls } from '../../src/session/calls.js'
import { isOwnEscrow, RESERVE, readSession, type Session } from '../../src/session/challenge.js'
import { evidenceOf, readDetail, type SessionDetail } from '../../src/session/evidence.js'
import { channelIdOf, readIdentity } from '../../src/session/identity.js'
import { tempoSession } from '../../src/session/index.js'
import { readRecord, recordOf } from '../../src/session/record.js'
import { bearsSignature, voucherHash } from '../../src/session/voucher.js'
import { toJson } from '../../src/wallet/evidence.js'
import { alphaUSD, KEYS } from '../chain/chain.js'
import { escrowAbi, reserveAbi } from './fixtures/contracts.js'
import { challenge, ESCROW, open, opening, PAYEE, PAYER, TOKEN, v1, v2 } from './parts.js'

const request = (more: JsonObject = {}, details: JsonObject = {}): JsonObject => ({
  amount: '10000',
  currency: TOKEN,
  recipient: PAYEE,
  ...more,
  methodDetails: { chainId: 31337, escrowContract: RESERVE, sessionProtocol: 'v2', ...details },
})
const read = (more?: JsonObject, details?: JsonObject) => readSession({ request: request(more, details) })
const session = (more?: JsonObject, details?: JsonObject): Session => {
  const found = read(more, details)
  return 'unpayable' in found ? expect.fail(found.unpayable) : found
}

describe('a session challenge', () => {
  it('is read', () => {
    expect(session({ suggestedDeposit: '50000' }, { feePayer: true })).toEqual({
      protocol: 'v2',
      chainId: 31337,
      escrow: RESERVE,
      token: TOKEN,
      payee: PAYEE,
      operator: `0x${'0'.repeat(40)}`,
      price: 10_000n,
      suggested: 50_000n,
      sponsored: true,
      snapshot: undefined,
    })
  })

  it('is of protocol v1 by default, on the main chain and its escrow', () => {
    const found = readSession({ request: { amount: '1', currency: TOKEN, recipient: PAYEE } })
    expect(found).toMatchObject({
      protocol: 'v1',
      chainId: 4217,
      escrow: '0x33b901018174ddabe4841042ab76ba85d4e24f25',
    })
    if ('unpayable' in found) expect.fail(found.unpayable)
    else expect(isOwnEscrow(found)).toBe(true)
  })

  it('uses the smallest step that the server accepts', () => {
    expect(session({}, { minVoucherDelta: '25000' }).price).toBe(25_000n)
    expect(session({}, { minVoucherDelta: '5000' }).price).toBe(10_000n)
  })

  it('distinguishes the network’s own escrow from others', () => {
    expect(isOwnEscrow(session())).toBe(true)
    expect(isOwnEscrow(session({}, { escrowContract: ESCROW }))).toBe(false)
    expect(isOwnEscrow(session({}, { sessionProtocol: 'v1', chainId: 42431, escrowContract: RESERVE }))).toBe(
      false,
    )
  })

  it.each<[string, JsonObject, JsonObject]>([
    ['an unknown protocol', {}, { sessionProtocol: 'v3' }],
    ['a protocol that is no text', {}, { sessionProtocol: 2 }],
    ['no escrow', {}, { sessionProtocol: 'v1', escrowContract: null }],
    ['an escrow that is no address', {}, { escrowContract: '0x12' }],
    ['the zero address as escrow', {}, { escrowContract: `0x${'0'.repeat(40)}` }],
    ['an operator that is no address', {}, { operator: 'me' }],
    ['a price of nothing', { amount: '0' }, {}],
    ['a price as a number', { amount: 5 }, {}],
    ['a fraction of a price', { amount: '0.5' }, {}],
    ['a negative price', { amount: '-5' }, {}],
    ['more than 96 bits', { amount: (2n ** 96n).toString() }, {}],
    ['a step that is no amount', {}, { minVoucherDelta: 'some' }],
    ['no token', { currency: 'USD' }, {}],
    ['no payee', { recipient: null }, {}],
    ['a chain of text', {}, { chainId: '31337' }],
    ['a fee payer of text', {}, { feePayer: 'yes' }],
  ])('is refused with %s', (_, more, details) => {
    expect(read(more, details)).toMatchObject({ code: 'wallet_failed' })
  })

  it('is refused with malformed details', () => {
    expect(readSession({ request: { ...request(), methodDetails: 'v2' } })).toHaveProperty('unpayable')
  })
})

const address = { type: 'address' } as const
const word = { type: 'bytes32' } as const

describe('a channel’s id', () => {
  it('of v1 is the hash of its identity', () => {
    const values = [v1.payer, v1.payee, v1.token, v1.salt, v1.signer, v1.escrow, 31337n] as const
    const types = [address, address, address, word, address, address, { type: 'uint256' }] as const
    expect(channelIdOf(v1)).toBe(keccak256(encodeAbiParameters(types, values)))
  })

  it('of v2 is the hash of its descriptor', () => {
    const { payer, payee, operator, token, salt, signer, openHash, escrow } = v2
    const types = [
      address,
      address,
      address,
      address,
      word,
      address,
      word,
      address,
      { type: 'uint256' },
    ] as const
    const values = [payer, payee, operator, token, salt, signer, openHash, escrow, 31337n] as const
    expect(channelIdOf(v2)).toBe(keccak256(encodeAbiParameters(types, values)))
  })

  it.each([v1, v2])('survives the ledger', (identity) => {
    expect(readIdentity(JSON.parse(JSON.stringify(toJson(identity))))).toEqual(identity)
    for (const name of Object.keys(identity))
      expect(readIdentity({ ...toJson(identity), [name]: 'x' })).toBeUndefined()
  })
})

describe('a voucher', () => {
  it.each([
    [v1, 'Tempo Stream Channel', 'uint128'],
    [v2, 'TIP20 Channel Reserve', 'uint96'],
  ] as const)('equals the EIP-712 hash', (identity, name, type) => {
    const channelId = channelIdOf(identity)
    for (const total of [0n, 1n, 10_000n, 2n ** 96n - 1n])
      expect(voucherHash(identity, total)).toBe(
        hashTypedData({
          domain: { name, version: '1', chainId: 31337, verifyingContract: identity.escrow },
          types: {
            Voucher: [
              { name: 'channelId', type: 'bytes32' },
              { name: 'cumulativeAmount', type },
            ],
          },
          primaryType: 'Voucher',
          message: { channelId, cumulativeAmount: total },
        }),
      )
  })

  it('bears the signature of one key', async () => {
    const account = privateKeyToAccount(KEYS[0])
    const signature = await account.sign({ hash: voucherHash(v2, 7n) })
    const key = `0x${account.address.slice(2).toLowerCase()}` as const
    expect(await bearsSignature(key, v2, { total: 7n, signature })).toBe(true)
    expect(await bearsSignature(key, v2, { total: 8n, signature })).toBe(false)
    expect(await bearsSignature(PAYEE, v2, { total: 7n, signature })).toBe(false)
    expect(await bearsSignature(key, v2, { total: 7n, signature: `0x${'00'.repeat(65)}` })).toBe(false)
    expect(await bearsSignature(key, v2, { total: 7n, signature: '0x01' })).toBe(false)
  })
})

describe('calls', () => {
  const { payee, token, salt, signer, operator } = v2
  const descriptor = {
    payer: PAYER,
    payee,
    operator,
    token,
    salt,
    authorizedSigner: signer,
    expiringNonceHash: v2.openHash,
  }
  const id = channelIdOf(v1)
  const v1Call = (functionName: 'requestClose' | 'withdraw') =>
    encodeFunctionData({ abi: escrowAbi, functionName, args: [id] })
  const v2Call = (functionName: 'requestClose' | 'withdraw') =>
    encodeFunctionData({ abi: reserveAbi, functionName, args: [descriptor] })
  const approve = (value: bigint) =>
    encodeFunctionData({ abi: Abis.tip20, functionName: 'approve', args: [ESCROW, value] })

  it('of v1 grant an allowance first', () => {
    const data = encodeFunctionData({
      abi: escrowAbi,
      functionName: 'open',
      args: [payee, token, 5n, salt, signer],
    })
    expect(openCalls(v1, 5n)).toEqual([
      { to: token, data: approve(5n) },
      { to: ESCROW, data },
    ])
    const more = encodeFunctionData({ abi: escrowAbi, functionName: 'topUp', args: [id, 6n] })
    expect(topUpCalls(v1, 6n)).toEqual([
      { to: token, data: approve(6n) },
      { to: ESCROW, data: more },
    ])
    expect(requestCloseCalls(v1)).toEqual([{ to: ESCROW, data: v1Call('requestClose') }])
    expect(withdrawCalls(v1)).toEqual([{ to: ESCROW, data: v1Call('withdraw') }])
  })

  it('of v2 go only to the reserve', () => {
    const args = [payee, operator, token, 5n, salt, signer] as const
    const data = encodeFunctionData({ abi: reserveAbi, functionName: 'open', args })
    expect(openCalls(v2, 5n)).toEqual([{ to: RESERVE, data }])
    const more = encodeFunctionData({ abi: reserveAbi, functionName: 'topUp', args: [descriptor, 6n] })
    expect(topUpCalls(v2, 6n)).toEqual([{ to: RESERVE, data: more }])
    expect(requestCloseCalls(v2)).toEqual([{ to: RESERVE, data: v2Call('requestClose') }])
    expect(withdrawCalls(v2)).toEqual([{ to: RESERVE, data: v2Call('withdraw') }])
  })
})

describe('the data in the ledger', () => {
  const detail: SessionDetail = {
    form: 'topUp',
    lane: open.lane,
    slot: open.slot,
    identity: v2,
    currency: alphaUSD,
    total: 30_000n,
    price: 10_000n,
    openedAt: 1_000,
    sending: { add: 5n, seen: v2.salt, validBefore: 2_000, hash: v2.openHash, feeCurrency: alphaUSD },
  }
  const through = (json: Json): Json => JSON.parse(JSON.stringify(json))

  it('of a credential is its evidence', () => {
    const evidence = evidenceOf('wallet', 'challenge', detail)
    expect(evidence.refs).toEqual(['challenge', channelIdOf(v2), v2.salt, v2.openHash, open.lane])
    expect(evidence.recheckAt).toBeGreaterThan(2_000_000)
    expect(readDetail(through(evidence.detail))).toEqual(detail)
    expect(evidenceOf('wallet', 'challenge', { ...detail, form: 'close' }).refs).not.toContain(open.lane)
  })

  it.each(['form', 'lane', 'slot', 'identity', 'currency', 'total', 'price', 'openedAt'])(
    'is no evidence without its %s',
    (name) => {
      const json = through(evidenceOf('wallet', 'challenge', detail).detail)
      if (typeof json !== 'object' || json === null || Array.isArray(json)) return expect.fail('no object')
      expect(readDetail({ ...json, [name]: null })).toBeUndefined()
      expect(readDetail(null)).toBeUndefined()
    },
  )

  it.each([
    opening,
    open,
    { ...open, pending: opening.pending },
    { ...open, state: 'closing' as const, since: 12 },
    { ...open, state: 'closing' as const },
    { ...open, state: 'closed' as const, captured: 7n },
    { ...open, state: 'closed' as const },
  ])('of a channel is its record: $state', (channel) => {
    const record = recordOf(channel, 3)
    const back = readRecord({ ...record, detail: through(record.detail) })
    expect(back).toEqual(channel)
    expect(readRecord({ ...record, detail: null })).toBeUndefined()
    expect(record).toMatchObject({ rev: 3, state: channel.state })
    expect(record.address).not.toContain('?')
    expect(JSON.stringify(challenge.echo)).toContain('request')
  })
})

describe('options', () => {
  const account = privateKeyToAccount(KEYS[0])

  it('name the wallet by its account and its voucher key', () => {
    const me = account.address.toLowerCase()
    expect(tempoSession({ account }).id).toBe(`tempo-session:${me}`)
    const hot = privateKeyToAccount(KEYS[1])
    expect(tempoSession({ account, authorizedSigner: hot }).id).toBe(
      `tempo-session:${me}:${hot.address.toLowerCase()}`,
    )
  })

  it('need a voucher key if the account is an access key', () => {
    const key = { ...account, accessKeyAddress: PAYEE }
    expect(() => tempoSession({ account: key })).toThrow(TypeError)
    expect(tempoSession({ account: key, authorizedSigner: privateKeyToAccount(KEYS[1]) }).kinds).toEqual([
      'tempo/session',
    ])
  })

  it.each([
    ['deposit', '1e3'],
    ['deposit', '-1'],
    ['topUp', '0x5'],
    ['topUp', ''],
    ['escrows', ['0x12']],
    ['protocol', 'v3'],
  ])('are refused: %s %s', (name, value) => {
    expect(() => tempoSession(Object.assign({ account }, { [name]: value }))).toThrow(TypeError)
  })
})

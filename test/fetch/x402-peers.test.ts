import { createSIWxMessage } from '@x402/extensions/sign-in-with-x'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { describe, expect, test } from 'vitest'
import type { Challenge, JsonObject } from '../../src/protocol/index.js'
import { type TestFace, type TestPayer, testFetch } from './kit.js'
import { dual, official, REFERENCE } from './x402-peers.js'

const account = privateKeyToAccount(generatePrivateKey())

const text = (value: unknown): string => String(value)

/** An EIP-3009 authorization for exactly what the entry asks. */
async function authorize({ request }: Challenge): Promise<JsonObject> {
  const extra = Object(request['extra'])
  const message = {
    from: account.address,
    to: hex(request['payTo']),
    value: text(request['amount']),
    validAfter: '0',
    validBefore: text(Math.floor(Date.now() / 1000) + 60),
    nonce: generatePrivateKey(),
  }
  const signature = await account.signTypedData({
    domain: {
      name: text(extra.name),
      version: text(extra.version),
      chainId: 84532,
      verifyingContract: hex(request['asset']),
    },
    types: {
      TransferWithAuthorization: [
        { name: 'from', type: 'address' },
        { name: 'to', type: 'address' },
        { name: 'value', type: 'uint256' },
        { name: 'validAfter', type: 'uint256' },
        { name: 'validBefore', type: 'uint256' },
        { name: 'nonce', type: 'bytes32' },
      ],
    },
    primaryType: 'TransferWithAuthorization',
    message: {
      ...message,
      value: BigInt(message.value),
      validAfter: BigInt(message.validAfter),
      validBefore: BigInt(message.validBefore),
    },
  })
  return { authorization: message, signature }
}

function hex(value: unknown): `0x${string}` {
  const digits = /^0x([0-9a-fA-F]+)$/.exec(text(value))?.[1]
  if (digits === undefined) throw new Error('not hexadecimal')
  return `0x${digits}`
}

async function signIn({ request }: Challenge): Promise<JsonObject> {
  const info = Object(request['info'])
  const proof = { chainId: 'eip155:84532', type: 'eip191' } as const
  const message = createSIWxMessage({ ...info, ...proof }, account.address)
  return { ...proof, address: account.address, signature: await account.signMessage({ message }) }
}

const by = (kind: string, more: TestPayer = {}) =>
  testFetch({ choose: (offers) => offers.find((offer) => offer.kind === kind), payload: authorize, ...more })

const last = (face: TestFace) => face.readings.at(-1)

describe('the reference server of x402', () => {
  test('is paid, settles, and its settlement is the receipt', async () => {
    await using peer = await official()
    const { fetch, face } = by('x402/exact')
    const reply = await fetch(`${peer.url}/tea`)
    expect([reply.status, await reply.text()]).toEqual([200, 'tea'])
    expect(peer.settlements).toHaveLength(1)
    expect(last(face)).toMatchObject({
      kind: 'response',
      ok: true,
      receipt: { success: true, method: 'x402', reference: REFERENCE, network: 'eip155:84532' },
    })
    expect(face.readings[0]).toMatchObject({ offers: [{ words: 'A cup of tea' }] })
  })

  test('asks again where it cannot verify, and says why', async () => {
    await using peer = await official()
    peer.fate = { verified: { isValid: false, invalidReason: 'insufficient_funds' } }
    const { fetch, face } = by('x402/exact')
    expect((await fetch(`${peer.url}/tea`)).status).toBe(402)
    expect(peer.settlements).toEqual([])
    expect(last(face)).toMatchObject({
      kind: 'payment-required',
      offers: [{ kind: 'x402/exact' }],
      problem: { type: 'x402:insufficient_funds' },
    })
  })

  test.each(['settlement_pending', 'invalid_transaction_state'])(
    'asks for nothing where it could not settle: %s',
    async (errorReason) => {
      await using peer = await official()
      peer.fate = { settled: { success: false, errorReason, transaction: REFERENCE } }
      const { fetch, face } = by('x402/exact')
      expect((await fetch(`${peer.url}/tea`)).status).toBe(402)
      expect(last(face)).toMatchObject({
        kind: 'payment-required',
        offers: [],
        problem: { type: `x402:${errorReason}` },
        receipt: { success: false, method: 'x402', network: 'eip155:84532' },
      })
    },
  )

  test('takes a sign-in from who paid before', async () => {
    await using peer = await official(account.address)
    const { fetch, face } = by('x402/sign-in', { payload: signIn })
    const reply = await fetch(`${peer.url}/signed`)
    expect([reply.status, await reply.text()]).toEqual([200, 'tea'])
    expect(peer.settlements).toEqual([])
    expect(face.readings[0]).toMatchObject({ offers: [{ kind: 'x402/exact' }, { kind: 'x402/sign-in' }] })
    expect(last(face)).toMatchObject({ kind: 'response', receipt: { success: true, method: 'x402' } })
  })

  test('takes none from anybody else, and asks again', async () => {
    await using peer = await official()
    const { fetch, face } = by('x402/sign-in', { payload: signIn })
    expect((await fetch(`${peer.url}/signed`)).status).toBe(402)
    expect(last(face)).toMatchObject({ offers: [{ kind: 'x402/exact' }, { kind: 'x402/sign-in' }] })
  })

  test('remembers who paid it, for the next sign-in', async () => {
    await using peer = await official()
    peer.fate = { settled: { payer: account.address } }
    expect((await by('x402/exact').fetch(`${peer.url}/signed`)).status).toBe(200)
    expect((await by('x402/sign-in', { payload: signIn }).fetch(`${peer.url}/signed`)).status).toBe(200)
    expect(peer.settlements).toHaveLength(1)
  })
})

describe('the reference server of MPP, which speaks x402 too', () => {
  test('offers both in one 402', async () => {
    await using peer = await dual()
    const { fetch, face } = by('none')
    await fetch(peer.url)
    expect(face.readings).toMatchObject([
      {
        offers: [
          { kind: 'evm/charge', realm: 'dual' },
          { kind: 'x402/exact', realm: new URL(peer.url).host },
        ],
      },
    ])
  })

  test('is paid by x402, and of its two receipts one counts', async () => {
    await using peer = await dual()
    const { fetch, face } = by('x402/exact')
    const reply = await fetch(peer.url, { headers: { authorization: 'Payment stale' } })
    expect([reply.status, await reply.text()]).toEqual([200, 'tea'])
    expect(reply.headers.get('payment-receipt')).not.toBeNull()
    expect(last(face)).toMatchObject({ receipt: { success: true, method: 'x402', reference: REFERENCE } })
  })

  test('says why it refuses', async () => {
    await using peer = await dual()
    peer.fate = { settled: { success: false, errorReason: 'insufficient_funds', transaction: '' } }
    const { fetch, face } = by('x402/exact')
    expect((await fetch(peer.url)).status).toBe(402)
    expect(last(face)).toMatchObject({
      kind: 'payment-required',
      offers: [{ kind: 'evm/charge' }, { kind: 'x402/exact' }],
      problem: { type: 'https://paymentauth.org/problems/verification-failed' },
    })
  })
})

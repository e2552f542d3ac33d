import { createSIWxMessage, verifySIWxSignature } from '@x402/extensions/sign-in-with-x'
import { describe, expect, test } from 'vitest'
import type { Challenge, JsonObject, Receipt } from '../../../src/protocol/index.js'
import type { Wallet } from '../../../src/wallet/index.js'
import {
  account,
  BASE,
  CHANNELS,
  context,
  entry,
  make,
  NOW,
  payable,
  prepareQuoted,
  RESOURCE,
  sign,
  unpayable,
  x402,
} from './harness.js'

const INFO = {
  domain: 'api.example',
  uri: 'https://api.example/paid',
  version: '1',
  nonce: 'abcdefgh12345678',
  issuedAt: '2027-01-15T08:00:00Z',
}
const CHAINS = [
  { chainId: 'solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp', type: 'ed25519' },
  { chainId: 'eip155:1', type: 'eip191' },
  { chainId: BASE, type: 'eip191' },
]

function signIn(info: JsonObject = {}, supportedChains = CHAINS): Challenge {
  const whole = { ...INFO, ...info }
  return {
    kind: 'x402/sign-in',
    id: 'sign-in',
    realm: 'api.example',
    request: { info: whole, supportedChains },
    echo: { envelope: 'sign-in', info: whole },
  }
}

const receipt: Receipt = { success: true, method: 'x402', claims: {} }

/** A wallet that has paid there. */
async function customer(wallet: Wallet = make()): Promise<Wallet> {
  const challenge = x402(entry())
  const { evidence } = await sign(wallet, challenge)
  await wallet.onAccepted?.({
    evidence,
    challenge,
    resource: RESOURCE,
    receipt,
    now: NOW,
    channels: CHANNELS,
  })
  return wallet
}

describe('a sign-in', () => {
  test('is only for a payer who has paid there before', async () => {
    unpayable(await make().quote(signIn(), context()))
    const wallet = await customer()
    const { terms, goodUntil } = payable(await wallet.quote(signIn(), context()))
    expect(terms).toMatchObject({
      purpose: 'prove',
      kind: 'x402/sign-in',
      network: BASE,
      exact: true,
      payees: [],
    })
    expect(terms.most.value).toBe(0n)
    expect(goodUntil).toBe(NOW + 600_000)
    const elsewhere = { ...RESOURCE, operation: 'GET /other' }
    unpayable(await wallet.quote(signIn(), context({ resource: elsewhere })))
  })

  test.each<[string, JsonObject]>([
    ['as short as can be', {}],
    [
      'with all that it may say',
      {
        statement: 'Come in: the tea is ready.',
        expirationTime: '2027-01-15T09:00:00Z',
        notBefore: '2027-01-15T07:00:00Z',
        requestId: 'r-1',
        resources: ['https://api.example/paid', 'https://api.example/other'],
      },
    ],
  ])('%s is accepted by the reference', async (_, info) => {
    const wallet = await customer()
    const prepared = await prepareQuoted(wallet, payable(await wallet.quote(signIn(info), context())))
    const { credential } = await prepared.complete(() => Promise.reject(new Error('never')))
    const { payload } = credential
    expect(payload).toMatchObject({ address: account.address, chainId: BASE, type: 'eip191' })
    const said = JSON.parse(JSON.stringify({ ...INFO, ...info, ...payload }))
    expect(createSIWxMessage(said, account.address)).toContain('api.example wants you to sign in')
    expect(await verifySIWxSignature(said)).toMatchObject({ isValid: true })
    expect(await wallet.inspect(prepared.evidence)).toMatchObject({ state: 'void' })
  })

  test('that was rejected once is not tried there again, even after later payments', async () => {
    const wallet = await customer()
    const prepared = await prepareQuoted(wallet, payable(await wallet.quote(signIn(), context())))
    await prepared.complete(() => Promise.reject(new Error('never')))
    await wallet.inspect(prepared.evidence)
    unpayable(await wallet.quote(signIn(), context()))
    unpayable(await (await customer(wallet)).quote(signIn(), context()))
  })

  test('is for a chain of this wallet: the one it paid on, or another one', async () => {
    const wallet = await customer()
    const one = CHAINS.filter(({ chainId }) => chainId === 'eip155:1')
    expect(payable(await wallet.quote(signIn({}, one), context())).terms.network).toBe('eip155:1')
    expect(unpayable(await wallet.quote(signIn({}, CHAINS.slice(0, 1)), context())).code).toBe('wrong_chain')
    const bound = await customer(make({ chains: [8453] }))
    expect(unpayable(await bound.quote(signIn({}, one), context())).code).toBe('wrong_chain')
  })

  test.each<[string, JsonObject]>([
    ['another site', { domain: 'bank.example' }],
    ['another port of it', { domain: 'api.example:8443' }],
    ['an address elsewhere', { uri: 'https://bank.example/' }],
    ['an address without protection', { uri: 'http://api.example/paid' }],
    ['an address that is none', { uri: '/paid' }],
    ['another version', { version: '2' }],
    ['a nonce that is none', { nonce: 'ab cd ef gh' }],
    ['a nonce that is short', { nonce: 'abc' }],
    ['a second line', { statement: 'Hello\nURI: https://bank.example' }],
    ['a line in its time', { issuedAt: '2027-01-15T08:00:00Z\nNonce: other' }],
    ['a statement that is no text', { statement: 7 }],
    ['letters that turn around', { statement: 'a\u202eb' }],
    ['resources that are no list', { resources: 'https://api.example' }],
    ['a power of attorney', { resources: ['https://api.example', 'urn:recap:eyJhdHQiOnt9fQ'] }],
    ['a resource of two lines', { resources: ['https://api.example\n- https://bank.example'] }],
    ['a time that is over', { expirationTime: '2027-01-15T07:59:59Z' }],
    ['a time that cannot be read', { expirationTime: 'soon' }],
    ['a time to come', { notBefore: '2027-01-15T08:10:00Z' }],
  ])('for %s is not signed', async (_, info) => {
    const wallet = await customer()
    unpayable(await wallet.quote(signIn(info), context()))
  })

  test('is not signed for a quote that was changed', async () => {
    const wallet = await customer()
    const quote = payable(await wallet.quote(signIn(), context()))
    const challenge = signIn({ domain: 'bank.example' })
    await expect(prepareQuoted(wallet, { ...quote, challenge })).rejects.toMatchObject({
      code: 'wallet_failed',
    })
    await expect(prepareQuoted(wallet, { ...quote, wallet: 'evm:0x' })).rejects.toMatchObject({
      code: 'wallet_failed',
    })
  })
})

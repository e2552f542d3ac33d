import { privateKeyToAccount } from 'viem/accounts'
import { describe, expect, it } from 'vitest'
import { readAuthorization } from './evm-money.js'
import { KEY } from './kit.js'
import { cashable } from './money.js'
import { type Credential, PAYEE, THIEF } from './offers.js'
import { DOMAIN, EURC, EVM_CHAIN_ID, entry, USDC } from './x402-offers.js'

// What the table of attacks says of signed transfers rests on this.

const account = privateKeyToAccount(KEY)
const NONCE = `0x${'01'.repeat(32)}` as const

const credential = (payload: Credential['payload'], challenge = entry()): Credential => ({
  header: 'payment-signature',
  raw: '',
  challenge,
  payload,
})

const TRANSFER = {
  TransferWithAuthorization: [
    { name: 'from', type: 'address' },
    { name: 'to', type: 'address' },
    { name: 'value', type: 'uint256' },
    { name: 'validAfter', type: 'uint256' },
    { name: 'validBefore', type: 'uint256' },
    { name: 'nonce', type: 'bytes32' },
  ],
} as const

interface Transfer {
  readonly to?: `0x${string}`
  readonly value?: bigint
  readonly nonce?: `0x${string}`
  readonly domain?: { readonly name?: string; readonly verifyingContract?: `0x${string}` }
}

async function transfer({ to = PAYEE, value = 10_000n, nonce = NONCE, domain }: Transfer = {}) {
  const message = { from: account.address, to, value, validAfter: 0n, validBefore: 99n, nonce }
  const own = { ...DOMAIN, chainId: EVM_CHAIN_ID, verifyingContract: USDC } as const
  const signature = await account.signTypedData({
    domain: { ...own, ...domain },
    types: TRANSFER,
    primaryType: 'TransferWithAuthorization',
    message,
  })
  const texts = { ...message, value: `${value}`, validAfter: '0', validBefore: '99' }
  return { authorization: texts, signature }
}

async function permit(spender: `0x${string}`) {
  const message = {
    permitted: { token: USDC, amount: 10_000n },
    spender,
    nonce: 7n,
    deadline: 99n,
    witness: { to: PAYEE, validAfter: 0n },
  } as const
  const signature = await account.signTypedData({
    domain: {
      name: 'Permit2',
      chainId: EVM_CHAIN_ID,
      verifyingContract: '0x000000000022D473030F116dDEE9F6B43aC78BA3',
    },
    types: {
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
      Witness: [
        { name: 'to', type: 'address' },
        { name: 'validAfter', type: 'uint256' },
      ],
    },
    primaryType: 'PermitWitnessTransferFrom',
    message,
  })
  const permit2Authorization = {
    ...message,
    from: account.address,
    permitted: { token: USDC, amount: '10000' },
    nonce: '7',
    deadline: '99',
    witness: { to: PAYEE, validAfter: '0' },
  }
  return { permit2Authorization, signature }
}

const PROXY = '0x402085c248EeA27D92E8b30b2C58ed07f9E20001'
const CLEAN = { amount: 10_000n, stolen: 0n, foreign: 0n, strange: 0, validBefore: 99 }

describe('a signed transfer', () => {
  it('counts for what it says', async () => {
    expect(await readAuthorization(credential(await transfer()))).toMatchObject([CLEAN])
  })

  it('counts for what it says where it came by MPP', async () => {
    const { authorization, signature } = await transfer()
    const request = { currency: USDC, methodDetails: { chainId: EVM_CHAIN_ID } }
    const challenge = { request: Buffer.from(JSON.stringify(request)).toString('base64url') }
    const payload = { type: 'authorization', ...authorization, signature }
    expect(await readAuthorization(credential(payload, challenge))).toMatchObject([CLEAN])
  })

  it('to a stranger is stolen', async () => {
    const read = await readAuthorization(credential(await transfer({ to: THIEF })))
    expect(read).toMatchObject([{ ...CLEAN, stolen: 10_000n }])
  })

  it('of another token is money all the same', async () => {
    const payload = await transfer({ domain: { name: 'EURC', verifyingContract: EURC } })
    const offer = entry({ asset: EURC, extra: { name: 'EURC', version: '2' } })
    expect(await readAuthorization(credential(payload, offer))).toMatchObject([
      { ...CLEAN, amount: 0n, foreign: 10_000n },
    ])
  })

  it('under a name that the token does not have is something strange', async () => {
    const payload = await transfer({ domain: { name: 'USD Coin' } })
    const offer = entry({ extra: { name: 'USD Coin', version: '2' } })
    expect(await readAuthorization(credential(payload, offer))).toMatchObject([
      { ...CLEAN, amount: 0n, strange: 1 },
    ])
  })

  it('excludes those with its nonce, and no other', async () => {
    const all = async (...nonces: readonly `0x${string}`[]) => {
      const values = [10_000n, 20_000n]
      const payloads = await Promise.all(
        nonces.map((nonce, index) => transfer({ nonce, value: values[index] ?? 0n })),
      )
      return (await Promise.all(payloads.map((each) => readAuthorization(credential(each))))).flat()
    }
    expect(cashable(await all(NONCE, NONCE))).toBe(20_000n)
    expect(cashable(await all(NONCE, `0x${'02'.repeat(32)}`))).toBe(30_000n)
  })
})

describe('a permit', () => {
  it('counts in full for whom its proxy pays', async () => {
    expect(await readAuthorization(credential(await permit(PROXY)))).toMatchObject([CLEAN])
  })

  it('that others may spend is stolen', async () => {
    expect(await readAuthorization(credential(await permit(THIEF)))).toMatchObject([
      { ...CLEAN, stolen: 10_000n, strange: 1 },
    ])
  })
})

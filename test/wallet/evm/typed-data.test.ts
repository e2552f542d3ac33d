import { hashMessage, hashTypedData } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { describe, expect, test } from 'vitest'
import { approvePermit2, type EvmTypedData, evm } from '../../../src/wallet/evm/index.js'
import { account, BASE, context, entry, make, mpp, payable, sign, USDC, unpayable, x402 } from './harness.js'

const { address } = account
const other = privateKeyToAccount(`0x${'42'.repeat(32)}`)

/** As a wallet behind EIP-1193 or a hosted signer is: it shows what it signs, and signs nothing else. */
function hosted(signs = account): { shown: EvmTypedData[]; account: Parameters<typeof evm>[0]['account'] } {
  const shown: EvmTypedData[] = []
  return {
    shown,
    account: {
      address,
      signTypedData: async (data) => {
        shown.push(data)
        return signs.sign({ hash: hashTypedData(data) })
      },
    },
  }
}

const permit2 = entry({ extra: { assetTransferMethod: 'permit2' } })

describe('an account that signs typed data only', () => {
  test.each([
    ['an authorization', entry(), 'TransferWithAuthorization'],
    ['a permit', permit2, 'PermitWitnessTransferFrom'],
  ])('pays by %s, and signs what an account with a key would sign', async (_, accepted, primaryType) => {
    const signer = hosted()
    const plain = await sign(make(), x402(accepted))
    const typed = await sign(
      evm({ account: signer.account, rpc: { 8453: 'http://127.0.0.1:1' } }),
      x402(accepted),
    )
    expect(signer.shown.map((data) => data.primaryType)).toEqual([primaryType])
    expect(Object.keys(typed.credential.payload)).toEqual(Object.keys(plain.credential.payload))
    expect(String(typed.credential.payload['signature'])).toMatch(/^0x[0-9a-f]{128}(?:1b|1c)$/)
  })

  test('pays nothing if the signature is by another key, or of other data', async () => {
    const stranger = evm({ account: hosted(other).account })
    await expect(sign(stranger, x402(entry()))).rejects.toMatchObject({
      code: 'wallet_failed',
      funds: 'held',
    })
    const changed = evm({
      account: {
        address,
        signTypedData: async (data) =>
          account.sign({ hash: hashTypedData({ ...data, message: { ...data.message, value: 10n ** 12n } }) }),
      },
    })
    await expect(sign(changed, x402(entry()))).rejects.toMatchObject({ code: 'wallet_failed' })
  })

  test('makes no transaction, and explains it', async () => {
    const wallet = evm({ account: hosted().account })
    const offer = mpp({ methodDetails: { chainId: 8453, credentialTypes: ['transaction'] } })
    const { unpayable: message } = unpayable(await wallet.quote(offer, context()))
    expect(message).toMatch(/takes transaction.*signs typed data only/)
    for (const ways of [['transaction'], ['authorization', 'hash']] as const)
      expect(() => evm({ account: hosted().account, ways })).toThrow(/signs typed data only/)
    await expect(
      approvePermit2({ account: hosted().account, token: `${BASE}/erc20:${USDC}`, amount: 1n }),
    ).rejects.toThrow(/sends a transaction/)
  })

  test('signs in only if it signs texts', async () => {
    const challenge = { ...x402(entry()), kind: 'x402/sign-in' as const }
    const { unpayable: message } = unpayable(
      await evm({ account: hosted().account }).quote(challenge, context()),
    )
    expect(message).toMatch(/signMessage/)
    const texts = {
      ...hosted().account,
      signMessage: async ({ message }: { message: string }) => account.sign({ hash: hashMessage(message) }),
    }
    const answer = unpayable(await evm({ account: texts }).quote(challenge, context()))
    expect(answer.unpayable).toMatch(/has paid nothing here before/)
  })

  test('is refused if it signs nothing at all', () => {
    const nothing: object = { address }
    // As JavaScript would call it.
    expect(() => evm(JSON.parse(JSON.stringify({ account: nothing })))).toThrow(
      /can sign hashes.*signTypedData/,
    )
  })

  test('is quoted like any other', async () => {
    const quote = payable(await evm({ account: hosted().account }).quote(x402(entry()), context()))
    expect(quote.terms).toEqual(payable(await make().quote(x402(entry()), context())).terms)
  })
})

import fc from 'fast-check'
import { encodeAbiParameters, encodeFunctionData, erc20Abi, hashTypedData, keccak256 } from 'viem'
import { Abis } from 'viem/tempo'
import { describe, expect, test } from 'vitest'
import { channelIdOf, type Identity } from '../../src/session/identity.js'
import { voucherHash } from '../../src/session/voucher.js'
import { encodeTransfer } from '../../src/wallet/chain/index.js'
import { transferDigest, transferData as typedTransfer } from '../../src/wallet/evm/typed.js'
import { transferData } from '../../src/wallet/tempo/envelope.js'

// The library takes 20 times as long as these encoders, which are part of every payment.

const hex = (bytes: number) =>
  fc
    .uint8Array({ minLength: bytes, maxLength: bytes })
    .map((b): `0x${string}` => `0x${Buffer.from(b).toString('hex')}`)
const address = hex(20)
const uint = (bits: number) => fc.bigInt(0n, 2n ** BigInt(bits) - 1n)
const chain = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER })
// viem leaves an empty version out of the domain.
const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 })

describe('the encodings of a payment equal those of viem', () => {
  test('a transfer, with a memo or without', () => {
    fc.assert(
      fc.property(address, uint(256), hex(32), (to, amount, memo) => {
        const plain = encodeFunctionData({ abi: erc20Abi, functionName: 'transfer', args: [to, amount] })
        expect(encodeTransfer(to, amount)).toBe(plain)
        expect(transferData(to, amount)).toBe(plain)
        const args = [to, amount, memo] as const
        expect(transferData(to, amount, memo)).toBe(
          encodeFunctionData({ abi: Abis.tip20, functionName: 'transferWithMemo', args }),
        )
      }),
    )
  })

  test('the digest of a transfer by authorization', () => {
    const transfers = fc.record({
      from: address,
      to: address,
      value: uint(256),
      validBefore: fc.nat(),
      nonce: hex(32),
    })
    const tokens = fc.record({
      chainId: chain,
      address,
      domain: fc.record({ name: text, version: text }),
    })
    fc.assert(
      fc.property(transfers, tokens, (transfer, token) => {
        expect(transferDigest(transfer, token)).toBe(hashTypedData(typedTransfer(transfer, token)))
      }),
    )
  })

  test('the id of a channel, and its vouchers', () => {
    const parties = {
      chainId: chain,
      escrow: address,
      payer: address,
      payee: address,
      token: address,
      salt: hex(32),
      signer: address,
    }
    const identities: fc.Arbitrary<Identity> = fc.oneof(
      fc.record({ protocol: fc.constant('v1' as const), ...parties }),
      fc.record({ protocol: fc.constant('v2' as const), ...parties, operator: address, openHash: hex(32) }),
    )
    fc.assert(
      fc.property(identities, uint(96), (identity, total) => {
        const { payer, payee, token, salt, signer, escrow, chainId } = identity
        const more = identity.protocol === 'v1' ? undefined : identity
        const fields = [
          ['address', payer],
          ['address', payee],
          ...(more === undefined ? [] : [['address', more.operator] as const]),
          ['address', token],
          ['bytes32', salt],
          ['address', signer],
          ...(more === undefined ? [] : [['bytes32', more.openHash] as const]),
          ['address', escrow],
          ['uint256', BigInt(chainId)],
        ] as const
        const words = fields.map(([type]) => ({ type: String(type) }))
        const values = fields.map(([, value]) => value)
        const id = keccak256(encodeAbiParameters(words, values))
        expect(channelIdOf(identity)).toBe(id)
        const name = more === undefined ? 'Tempo Stream Channel' : 'TIP20 Channel Reserve'
        const type: string = more === undefined ? 'uint128' : 'uint96'
        const types: Record<string, { name: string; type: string }[]> = {
          Voucher: [
            { name: 'channelId', type: 'bytes32' },
            { name: 'cumulativeAmount', type },
          ],
        }
        const digest = hashTypedData({
          domain: { name, version: '1', chainId, verifyingContract: escrow },
          types,
          primaryType: 'Voucher',
          message: { channelId: id, cumulativeAmount: total },
        })
        expect(voucherHash(identity, total)).toBe(digest)
      }),
    )
  })
})

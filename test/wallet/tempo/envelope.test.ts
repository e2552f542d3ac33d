import fc from 'fast-check'
import { keccak256, toHex } from 'viem'
import { Account, Actions, Transaction } from 'viem/tempo'
import { describe, expect, test } from 'vitest'
import {
  type Envelope,
  EXPIRING,
  encodeForSigning,
  serialize,
  transferData,
} from '../../../src/wallet/tempo/envelope.js'
import { laneNames, nonceKeyOf } from '../../../src/wallet/tempo/lanes.js'
import { memoMaker } from '../../../src/wallet/tempo/memo.js'
import { KEYS } from '../../chain/chain.js'

const account = Account.fromSecp256k1(KEYS[0])
const sender = account.address.toLowerCase() as `0x${string}`
const hex = (bytes: number) =>
  fc
    .uint8Array({ minLength: bytes, maxLength: bytes })
    .map((b): `0x${string}` => `0x${Buffer.from(b).toString('hex')}`)

const envelopes: fc.Arbitrary<Envelope> = fc.record(
  {
    chainId: fc.integer({ min: 1, max: 2 ** 31 }),
    maxPriorityFeePerGas: fc.bigInt(0n, 10n ** 9n),
    maxFeePerGas: fc.bigInt(10n ** 9n, 2n ** 80n),
    gas: fc.bigInt(1n, 2n ** 40n),
    calls: fc.array(fc.record({ to: hex(20), data: hex(100) }), { minLength: 1, maxLength: 4 }),
    nonceKey: fc.oneof(fc.bigInt(1n, 2n ** 192n - 1n), fc.constant(EXPIRING)),
    nonce: fc.bigInt(0n, 2n ** 40n),
    validBefore: fc.integer({ min: 1, max: 2 ** 32 }),
    feeToken: hex(20),
  },
  {
    requiredKeys: [
      'chainId',
      'maxPriorityFeePerGas',
      'maxFeePerGas',
      'gas',
      'calls',
      'nonceKey',
      'nonce',
      'validBefore',
    ],
  },
)

/** The same transaction as viem takes it. */
function foreign(tx: Envelope) {
  const { nonce, feeToken, ...rest } = tx
  return {
    ...rest,
    type: 'tempo' as const,
    calls: [...tx.calls],
    nonce: Number(nonce),
    ...(feeToken === undefined ? { feePayer: true as const } : { feeToken }),
  }
}

describe('the envelope', () => {
  test('equals viem’s encoding of the same transaction, unsigned and signed, sponsored or not', async () => {
    await fc.assert(
      fc.asyncProperty(envelopes, async (tx) => {
        const unsigned = encodeForSigning(tx)
        expect(unsigned).toBe(await Transaction.serialize(foreign(tx)))
        const signature = await account.sign({ hash: keccak256(unsigned) })
        const theirs: unknown = await Reflect.apply(account.signTransaction, account, [foreign(tx)])
        expect(serialize(tx, sender, signature)).toBe(theirs)
      }),
      { numRuns: 60 },
    )
  })

  test('a recovery id of 0 or 1 becomes 27 or 28, so that the hash equals the chain’s', async () => {
    const tx: Envelope = {
      chainId: 4217,
      maxPriorityFeePerGas: 0n,
      maxFeePerGas: 1n,
      gas: 1n,
      calls: [{ to: sender, data: '0x' }],
      nonceKey: 1n,
      nonce: 0n,
      validBefore: 1,
      feeToken: sender,
    }
    const signature = await account.sign({ hash: keccak256(encodeForSigning(tx)) })
    const low: `0x${string}` = `0x${signature.slice(2, 130)}${signature.endsWith('1b') ? '00' : '01'}`
    expect(low).not.toBe(signature)
    expect(serialize(tx, sender, low)).toBe(serialize(tx, sender, signature))
  })

  test('call data is that of TIP-20', () => {
    const memo = `0x${'ab'.repeat(32)}` as const
    const call = Actions.token.transfer.call({} as never, { amount: 5n, to: sender, token: sender, memo })
    expect(transferData(sender, 5n, memo)).toBe(call.data)
    const plain = Actions.token.transfer.call({} as never, { amount: 2n ** 128n, to: sender, token: sender })
    expect(transferData(sender, 2n ** 128n)).toBe(plain.data)
  })
})

describe('memos', () => {
  const random = (length: number) => new Uint8Array(length).fill(7)

  const start = (text: string, bytes: number) => keccak256(toHex(text)).slice(2, 2 + 2 * bytes)

  test('have the layout that servers check, with random bytes of the client', () => {
    const memo = memoMaker(random)('api.example', 'challenge-1')
    const parts = [start('mpp', 4), '01', start('api.example', 10), '07'.repeat(10), start('challenge-1', 7)]
    expect(memo).toBe(`0x${parts.join('')}`)
  })

  test('name the client only if a client id is set', () => {
    const memo = memoMaker(random, 'my-agent')('api.example', 'challenge-1')
    expect(memo.slice(32, 52)).toBe(start('my-agent', 10))
  })
})

describe('lanes', () => {
  test('are named by ledger, chain, account and index, and their keys fit the protocol', () => {
    const names = [
      ...laneNames('ledger-a', 4217, sender, 3),
      ...laneNames('ledger-b', 4217, sender, 3),
      ...laneNames('ledger-a', 42431, sender, 3),
    ]
    expect(new Set(names).size).toBe(9)
    const keys = names.map(nonceKeyOf)
    expect(new Set(keys).size).toBe(9)
    for (const key of keys) {
      expect(key).toBeGreaterThan(0n)
      expect(key).toBeLessThan(2n ** 192n)
    }
  })
})

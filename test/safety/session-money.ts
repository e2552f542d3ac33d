import { type Hex, recoverTypedDataAddress } from 'viem'
import { Transaction } from 'viem/tempo'
import { ESCROWS, type Signed } from './money.js'
import { CHAIN_ID, type Credential, PAYEE, THIEF, TOKEN } from './offers.js'

/**
 * What the holder of a voucher can make of it: the highest total of each channel, once. What opens a channel or adds to its
 * deposit pays nobody by itself; it is strange if it calls anything but the escrows and the token.
 */
export async function readVoucher({ payload, source }: Credential): Promise<Signed> {
  const { channelId, cumulativeAmount, signature, transaction, descriptor } = payload
  const payee = Object(descriptor).payee ?? PAYEE
  const amount = BigInt(String(cumulativeAmount ?? 0))
  const ours =
    signature === undefined ||
    (await isSigned(String(channelId) as Hex, amount, String(signature) as Hex, source))
  return {
    place: `channel ${String(channelId)}`,
    amount,
    stolen: String(payee).toLowerCase() === THIEF ? amount : 0n,
    foreign: 0n,
    strange: (ours ? 0 : 1) + strangeCalls(transaction),
    validBefore: 0,
  }
}

/** The signatures that a credential carries: of a voucher, and of the transaction that opens a channel. */
export function signaturesOf({ payload: { signature, transaction } }: Credential): readonly string[] {
  return [signature, transaction].filter((each) => typeof each === 'string')
}

/** By the order of the escrows. */
const DOMAINS = [
  ['TIP20 Channel Reserve', 'uint96'],
  ['Tempo Stream Channel', 'uint128'],
] as const

/** Is it a voucher for this channel and this total, of either version? */
async function isSigned(channelId: Hex, total: bigint, signature: Hex, source = ''): Promise<boolean> {
  const who = await Promise.all(
    DOMAINS.map(([name, type], index) =>
      recoverTypedDataAddress({
        domain: { name, version: '1', chainId: CHAIN_ID, verifyingContract: ESCROWS[index] as Hex },
        types: {
          Voucher: [
            { name: 'channelId', type: 'bytes32' },
            { name: 'cumulativeAmount', type },
          ],
        },
        primaryType: 'Voucher',
        message: { channelId, cumulativeAmount: total },
        signature,
      }),
    ),
  )
  return who.some((address) => source.toLowerCase().endsWith(address.toLowerCase()))
}

function strangeCalls(transaction: unknown): number {
  if (typeof transaction !== 'string') return 0
  const tx = Transaction.deserialize(transaction as Transaction.TransactionSerializedTempo)
  const calls = tx.calls ?? [{ to: tx.to }]
  return calls.filter(({ to }) => ![...ESCROWS, TOKEN].includes(String(to).toLowerCase())).length
}

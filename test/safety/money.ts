import { keccak256, slice } from 'viem'
import { Transaction } from 'viem/tempo'
import { ESCROW, THIEF, TOKEN } from './offers.js'
import { USDC } from './x402-offers.js'

/** What the holder of something signed can make of it. */
export interface Signed {
  /** Of those with the same one, the chain includes one at the most. */
  readonly place: string
  /** In the token's six decimals. */
  readonly amount: bigint
  /** The part that goes to somebody who has no business with it. */
  readonly stolen: bigint
  /** In any other token. */
  readonly foreign: bigint
  /** Calls that are no transfers. */
  readonly strange: number
  /** In seconds. */
  readonly validBefore: number
  /** What its fee is paid with, where the payer pays one. */
  readonly feeToken?: string
}

/** The nonce key of nonces that expire: every transaction has a place of its own (TIP-1009). */
const EXPIRING = 2n ** 256n - 1n
/** Of either chain. */
const DOLLARS: readonly string[] = [TOKEN, USDC]
const TRANSFERS = ['0xa9059cbb', '0x95777d59']
/** The channel reserve of sessions of version 2, and the escrow of version 1. */
export const ESCROWS: readonly string[] = ['0x4d50500000000000000000000000000000000000', ESCROW]
/** What asks an escrow for a deposit of one's own: `requestClose` and `withdraw`, in both versions. */
const CLOSES = ['0x6bf5fe6f', '0x8e19899e', '0x675402e5', '0x41e2c664']

type Hex = `0x${string}`
interface Call {
  readonly to?: Hex | undefined
  readonly data?: Hex | undefined
}

export function readSigned(raw: Hex): Signed {
  const tx = Transaction.deserialize(raw as Transaction.TransactionSerializedTempo)
  // A transaction of another kind than Tempo's is one call.
  const calls: readonly Call[] = tx.calls ?? [{ to: tx.to ?? undefined, data: tx.data }]
  const read = calls.filter((each) => !isClose(each)).map(readCall)
  const sum = (of: (transfer: Transfer) => bigint): bigint =>
    read.reduce((total, transfer) => total + (transfer === undefined ? 0n : of(transfer)), 0n)
  return {
    place: tx.nonceKey === EXPIRING ? keccak256(raw) : `${tx.nonceKey} ${tx.nonce}`,
    amount: sum(({ token, amount }) => (DOLLARS.includes(token) ? amount : 0n)),
    stolen: sum(({ token, to, amount }) => (DOLLARS.includes(token) && to === THIEF ? amount : 0n)),
    foreign: sum(({ token, amount }) => (DOLLARS.includes(token) ? 0n : amount)),
    strange: read.filter((transfer) => transfer === undefined).length,
    validBefore: tx.validBefore ?? Number.POSITIVE_INFINITY,
    ...(typeof tx.feeToken === 'string' && { feeToken: tx.feeToken.toLowerCase() }),
  }
}

interface Transfer {
  readonly token: string
  readonly to: string
  readonly amount: bigint
}

function isClose({ to = '0x', data = '0x' }: Call): boolean {
  return ESCROWS.includes(to.toLowerCase()) && CLOSES.includes(data.slice(0, 10))
}

function readCall({ to = '0x', data = '0x' }: Call): Transfer | undefined {
  if (!TRANSFERS.includes(data.slice(0, 10))) return undefined
  return { token: to.toLowerCase(), to: slice(data, 16, 36), amount: BigInt(slice(data, 36, 68)) }
}

/** Of every place the dearest: what can be cashed of all of them together. */
export function cashable(
  all: readonly Signed[],
  of: (signed: Signed) => bigint = ({ amount }) => amount,
): bigint {
  const places = new Map<string, bigint>()
  for (const signed of all) {
    const before = places.get(signed.place) ?? 0n
    places.set(signed.place, of(signed) > before ? of(signed) : before)
  }
  return [...places.values()].reduce((sum, each) => sum + each, 0n)
}

import { concatHex, keccak256 } from 'viem/utils'
import { encodeTransfer, type Hex, TRANSFER, withRecovery } from '../chain/index.js'

/** The fields of a Tempo transaction that its sender signs. */
export interface Envelope {
  readonly chainId: number
  readonly maxPriorityFeePerGas: bigint
  readonly maxFeePerGas: bigint
  readonly gas: bigint
  readonly calls: readonly { readonly to: Hex; readonly data: Hex }[]
  readonly nonceKey: bigint
  readonly nonce: bigint
  readonly validBefore: number
  /** Absent if another party pays the fee: the sender does not sign its token. */
  readonly feeToken?: Hex | undefined
}

/** The nonce key of expiring nonces (TIP-1009). */
export const EXPIRING = 2n ** 256n - 1n

const TYPE = '0x76'
/** The type of a sender-signed envelope that lacks its fee payer's signature. */
const AWAITS_FEE_PAYER = '0x78'
/** Stands in the fee payer's place while the sender signs, and means that another party will pay. */
const FEE_PAYER_MARK = '0x00'

/**
 * RLP in hexadecimal digits without `0x`. The byte strings of a transaction arrive as text and are hashed and sent as
 * text, so the digits are concatenated without a conversion to bytes.
 */
const prefixed = (offset: number, digits: string): string => {
  const length = digits.length / 2
  if (length < 56) return even(offset + length) + digits
  const size = even(length)
  return even(offset + 55 + size.length / 2) + size + digits
}

/** Encodes a byte string. One byte below 0x80 is its own encoding. */
const item = (digits: string): string =>
  digits.length === 2 && digits < '80' ? digits : prefixed(0x80, digits)

const list = (items: string): string => prefixed(0xc0, items)

const even = (value: bigint | number): string => {
  const digits = value.toString(16)
  return digits.length % 2 === 0 ? digits : `0${digits}`
}

/** Encodes an RLP integer: no leading zeros; zero is the empty string. */
const quantity = (value: bigint | number): string => item(value === 0 || value === 0n ? '' : even(value))

const bytes = (hex: Hex): string => item(hex.slice(2))

const NOTHING = item('')
const NO_LIST = list('')

function fields(tx: Envelope, feePayer: Hex): string {
  const calls = tx.calls.map(({ to, data }) => list(bytes(to) + NOTHING + bytes(data)))
  return [
    quantity(tx.chainId),
    quantity(tx.maxPriorityFeePerGas),
    quantity(tx.maxFeePerGas),
    quantity(tx.gas),
    list(calls.join('')),
    NO_LIST,
    quantity(tx.nonceKey),
    quantity(tx.nonce),
    quantity(tx.validBefore),
    NOTHING,
    bytes(tx.feeToken ?? '0x'),
    bytes(feePayer),
    NO_LIST,
  ].join('')
}

export function encodeForSigning(tx: Envelope): Hex {
  return `${TYPE}${list(fields(tx, tx.feeToken === undefined ? FEE_PAYER_MARK : '0x'))}`
}

/**
 * Serializes the signed transaction. A sponsored one names the sender in the fee payer's place; the server completes
 * it.
 *
 * @param signature - As returned by the account: 65 bytes of secp256k1, or a typed Tempo signature.
 */
export function serialize(tx: Envelope, sender: Hex, signature: Hex): Hex {
  const signed = bytes(withRecovery(signature))
  return tx.feeToken === undefined
    ? `${AWAITS_FEE_PAYER}${list(fields(tx, sender) + signed)}`
    : `${TYPE}${list(fields(tx, '0x') + signed)}`
}

/**
 * Returns the hash by which the nonce manager knows a transaction. It depends on no signature, so it is known before
 * signing, sponsored or not.
 */
export function seenHash(encodedForSigning: Hex, sender: Hex): Hex {
  return keccak256(concatHex([encodedForSigning, sender]))
}

/** The selector of `transferWithMemo(address,uint256,bytes32)` of TIP-20. */
const TRANSFER_WITH_MEMO: Hex = '0x95777d59'

export function transferData(to: Hex, amount: bigint, memo?: Hex): Hex {
  const data = encodeTransfer(to, amount)
  return memo === undefined ? data : `${TRANSFER_WITH_MEMO}${data.slice(TRANSFER.length)}${memo.slice(2)}`
}

/** Returns the selector of a transfer, for transactions and for the scopes of an access key. */
export function transferSelector(withMemo: boolean): Hex {
  return withMemo ? TRANSFER_WITH_MEMO : TRANSFER
}

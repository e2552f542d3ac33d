import { concatHex, keccak256, toRlp } from 'viem/utils'
import type { Hex } from './charge.js'

/** What the sender of a Tempo transaction signs over. */
export interface Envelope {
  readonly chainId: number
  readonly maxPriorityFeePerGas: bigint
  readonly maxFeePerGas: bigint
  readonly gas: bigint
  readonly calls: readonly { readonly to: Hex; readonly data: Hex }[]
  readonly nonceKey: bigint
  readonly nonce: bigint
  readonly validBefore: number
  /** Absent where somebody else pays the fee: the sender does not commit to their token. */
  readonly feeToken?: Hex
}

/** The nonce key of expiring nonces (TIP-1009). */
export const EXPIRING = 2n ** 256n - 1n

const TYPE = '0x76'
/** A sender-signed envelope that still lacks its fee payer's signature. */
const AWAITS_FEE_PAYER = '0x78'
/** In the fee payer's place while the sender signs: "somebody else will". */
const FEE_PAYER_MARK = '0x00'

type Rlp = Hex | readonly Rlp[]

/** An RLP integer: no leading zeros, and nothing at all for zero. */
function quantity(value: bigint | number): Hex {
  const digits = value.toString(16)
  if (digits === '0') return '0x'
  return digits.length % 2 === 0 ? `0x${digits}` : `0x0${digits}`
}

function fields(tx: Envelope, feePayer: Rlp): Rlp[] {
  return [
    quantity(tx.chainId),
    quantity(tx.maxPriorityFeePerGas),
    quantity(tx.maxFeePerGas),
    quantity(tx.gas),
    tx.calls.map(({ to, data }): Rlp => [to, '0x', data]),
    [],
    quantity(tx.nonceKey),
    quantity(tx.nonce),
    quantity(tx.validBefore),
    '0x',
    tx.feeToken ?? '0x',
    feePayer,
    [],
  ]
}

const encode = (prefix: Hex, list: Rlp[]): Hex => concatHex([prefix, toRlp(list)])

/** The bytes whose hash the sender signs. */
export function encodeForSigning(tx: Envelope): Hex {
  return encode(TYPE, fields(tx, tx.feeToken === undefined ? FEE_PAYER_MARK : '0x'))
}

/**
 * The signed transaction. Sponsored ones name the sender in the fee payer's place, and are completed by the server.
 *
 * @param signature As the account returned it: 65 bytes of secp256k1, or a typed Tempo signature.
 */
export function serialize(tx: Envelope, sender: Hex, signature: Hex): Hex {
  return tx.feeToken === undefined
    ? encode(AWAITS_FEE_PAYER, [...fields(tx, sender), canonical(signature)])
    : encode(TYPE, [...fields(tx, '0x'), canonical(signature)])
}

/** Nodes rewrite a recovery id of 0 or 1 to 27 or 28 before they hash, and our own hash must be theirs. */
function canonical(signature: Hex): Hex {
  if (signature.length !== 132) return signature
  const last = signature.slice(130)
  return last === '00' || last === '01' ? `${slice(signature)}${last === '00' ? '1b' : '1c'}` : signature
}

const slice = (signature: Hex): Hex => `0x${signature.slice(2, 130)}`

/**
 * The hash the nonce manager knows a transaction by: unlike its transaction hash it does not depend on any signature,
 * so it is known before signing, sponsored or not.
 */
export function seenHash(encodedForSigning: Hex, sender: Hex): Hex {
  return keccak256(concatHex([encodedForSigning, sender]))
}

/** `transferWithMemo(address,uint256,bytes32)` and `transfer(address,uint256)` of TIP-20. */
const TRANSFER_WITH_MEMO = '95777d59'
const TRANSFER = 'a9059cbb'

/** The call data of one transfer. */
export function transferData(to: Hex, amount: bigint, memo?: Hex): Hex {
  const words = word(to.slice(2)) + word(amount.toString(16))
  return memo === undefined ? `0x${TRANSFER}${words}` : `0x${TRANSFER_WITH_MEMO}${words}${memo.slice(2)}`
}

const word = (digits: string): string => digits.padStart(64, '0')

import { concatHex, keccak256, stringToBytes } from 'viem/utils'
import { type Hex, word } from '../chain/index.js'
import type { EvmTypedData } from './account.js'
import type { TokenDomain } from './tokens.js'

export interface TransferAuthorization {
  readonly from: Hex
  readonly to: Hex
  readonly value: bigint
  readonly validBefore: number
  readonly nonce: Hex
}

/** Returns the digest of EIP-3009's `TransferWithAuthorization`. Its `validAfter` is 0. */
export function transferDigest(
  { from, to, value, validBefore, nonce }: TransferAuthorization,
  token: SigningToken,
): Hex {
  const words = [from, to, value, 0n, BigInt(validBefore), nonce].map(word)
  const message = keccak256(concatHex([TRANSFER_TYPE, ...words]))
  return keccak256(concatHex(['0x1901', separatorOf(token), message]))
}

/** keccak256 of `TransferWithAuthorization(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce)`. */
const TRANSFER_TYPE: Hex = '0x7c7c6cdb67a18743f49ec6fa9b35f50d52ed05cbed4cc592e13b44501c1a2267'

/** Returns the same as typed data, for accounts that sign no hashes. */
export function transferData(
  { from, to, value, validBefore, nonce }: TransferAuthorization,
  { chainId, address, domain: { name, version } }: SigningToken,
): EvmTypedData {
  return {
    domain: { name, version, chainId, verifyingContract: address },
    primaryType: 'TransferWithAuthorization',
    types: TRANSFER,
    message: { from, to, value, validAfter: 0n, validBefore: BigInt(validBefore), nonce },
  }
}

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

export interface SigningToken {
  readonly chainId: number
  readonly address: Hex
  readonly domain: TokenDomain
}

/**
 * Returns a token's `DOMAIN_SEPARATOR`. It is the same for every payment in the token, and half the work of a digest.
 */
export function separatorOf({ chainId, address, domain }: SigningToken): Hex {
  const { name, version } = domain
  const key = JSON.stringify([chainId, address, name, version])
  const known = separators.get(key)
  if (known !== undefined) return known
  const said = [name, version].map((text) => keccak256(stringToBytes(text)))
  const separator = keccak256(concatHex([DOMAIN_TYPE, ...said, word(BigInt(chainId)), word(address)]))
  if (separators.size >= MOST_SEPARATORS) separators.clear()
  separators.set(key, separator)
  return separator
}

/** keccak256 of `EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)`. */
const DOMAIN_TYPE: Hex = '0x8b73c3c69bb8fe3d512ecc4cf759cc79239f7b179b0ffacaa9a75d522b39400f'
const separators = new Map<string, Hex>()
const MOST_SEPARATORS = 256

/** Permit2, at the same address on every chain. */
export const PERMIT2: Hex = '0x000000000022d473030f116ddee9f6b43ac78ba3'
/** The only spenders of x402 permits: contracts that pay only the recipient that the permit names. */
export const EXACT_PROXY: Hex = '0x402085c248eea27d92e8b30b2c58ed07f9e20001'
export const UPTO_PROXY: Hex = '0x4020a4f3b7b90cca423b9fabcc0ce57c6c240002'

export interface Permit {
  readonly token: Hex
  readonly amount: bigint
  readonly to: Hex
  readonly nonce: bigint
  readonly deadline: number
  /** The only party that may settle. Set if the price is known only afterwards. */
  readonly facilitator?: Hex | undefined
}

export function spenderOf({ facilitator }: Pick<Permit, 'facilitator'>): Hex {
  return facilitator === undefined ? EXACT_PROXY : UPTO_PROXY
}

/** Returns Permit2's `PermitWitnessTransferFrom` as typed data, with the witness of the x402 proxies. */
export function permitData(permit: Permit, chainId: number): EvmTypedData {
  const { token, amount, to, nonce, deadline, facilitator } = permit
  const witness = { to, ...(facilitator && { facilitator }), validAfter: 0n }
  const who = facilitator === undefined ? [] : [{ name: 'facilitator', type: 'address' }]
  return {
    domain: { name: 'Permit2', chainId, verifyingContract: PERMIT2 },
    primaryType: 'PermitWitnessTransferFrom',
    types: { ...PERMIT, Witness: [TO, ...who, VALID_AFTER] },
    message: {
      permitted: { token, amount },
      spender: spenderOf(permit),
      nonce,
      deadline: BigInt(deadline),
      witness,
    },
  }
}

const TO = { name: 'to', type: 'address' } as const
const VALID_AFTER = { name: 'validAfter', type: 'uint256' } as const
const PERMIT = {
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
} as const

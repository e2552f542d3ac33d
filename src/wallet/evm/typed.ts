import { hashTypedData } from 'viem/utils'
import type { Hex } from '../chain/index.js'
import type { TokenDomain } from './tokens.js'

/** What an EIP-3009 authorization says. */
export interface TransferAuthorization {
  readonly from: Hex
  readonly to: Hex
  readonly value: bigint
  readonly validBefore: number
  readonly nonce: Hex
}

/** The digest of EIP-3009's `TransferWithAuthorization`. It is valid from the start of time. */
export function transferDigest(
  message: TransferAuthorization,
  token: { readonly chainId: number; readonly address: Hex; readonly domain: TokenDomain },
): Hex {
  const { chainId, address, domain } = token
  return hashTypedData({
    domain: { name: domain.name, version: domain.version, chainId, verifyingContract: address },
    types: TRANSFER,
    primaryType: 'TransferWithAuthorization',
    message: { ...message, validAfter: 0n, validBefore: BigInt(message.validBefore) },
  })
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

/** Permit2, at the same address on every chain. */
export const PERMIT2: Hex = '0x000000000022d473030f116ddee9f6b43ac78ba3'
/** What may spend a permit of x402: contracts that pay whom the permit names, and nobody else. */
export const EXACT_PROXY: Hex = '0x402085c248eea27d92e8b30b2c58ed07f9e20001'
export const UPTO_PROXY: Hex = '0x4020a4f3b7b90cca423b9fabcc0ce57c6c240002'

/** What a permit for an x402 proxy says. */
export interface Permit {
  readonly token: Hex
  readonly amount: bigint
  readonly to: Hex
  readonly nonce: bigint
  readonly deadline: number
  /** Who alone may settle; only where the price is known afterwards. */
  readonly facilitator?: Hex
}

/** Who may spend it. */
export function spenderOf({ facilitator }: Pick<Permit, 'facilitator'>): Hex {
  return facilitator === undefined ? EXACT_PROXY : UPTO_PROXY
}

/** The digest of Permit2's `PermitWitnessTransferFrom`, with the witness of the x402 proxies. */
export function permitDigest(permit: Permit, chainId: number): Hex {
  const { token, amount, to, nonce, deadline, facilitator } = permit
  const message = {
    permitted: { token, amount },
    spender: spenderOf(permit),
    nonce,
    deadline: BigInt(deadline),
  }
  const domain = { name: 'Permit2', chainId, verifyingContract: PERMIT2 }
  const primaryType = 'PermitWitnessTransferFrom'
  return facilitator === undefined
    ? hashTypedData({
        domain,
        primaryType,
        types: { ...PERMIT, Witness: [TO, VALID_AFTER] },
        message: { ...message, witness: { to, validAfter: 0n } },
      })
    : hashTypedData({
        domain,
        primaryType,
        types: { ...PERMIT, Witness: [TO, { name: 'facilitator', type: 'address' }, VALID_AFTER] },
        message: { ...message, witness: { to, facilitator, validAfter: 0n } },
      })
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

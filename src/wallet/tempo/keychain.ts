import { decodeFunctionResult, encodeFunctionData, parseAbi } from 'viem/utils'
import { type Hex, lower, type Node, type ReadOptions, readContract } from '../chain/index.js'

/** The precompile that stores the access keys of every account. */
export const KEYCHAIN: Hex = '0xaaaaaaaa00000000000000000000000000000000'

/** `KeyAuthorized(address,address,uint8,uint64)`: account and key are indexed. */
export const KEY_AUTHORIZED = '0x7c46af0758d3eca5e8195833bff1e5153f6249fc0f2968a878fd28544315a03c'

const ABI = parseAbi([
  'struct Limit { address token; uint256 amount; uint64 period; }',
  'struct Rule { bytes4 selector; address[] recipients; }',
  'struct Scope { address target; Rule[] selectorRules; }',
  'struct Config { uint64 expiry; bool enforceLimits; Limit[] limits; bool allowAnyCalls; Scope[] allowedCalls; }',
  'struct Key { uint8 signatureType; address keyId; uint64 expiry; bool enforceLimits; bool isRevoked; }',
  'function authorizeKey(address keyId, uint8 signatureType, Config config)',
  'function revokeKey(address keyId)',
  'function getKey(address account, address keyId) view returns (Key)',
  'function getRemainingLimitWithPeriod(address account, address keyId, address token) view returns (uint256 remaining, uint64 periodEnd)',
  'function getAllowedCalls(address account, address keyId) view returns (bool isScoped, Scope[] scopes)',
])

/** The signature types of keys, by the number that the chain uses. */
export const KEY_TYPES = ['secp256k1', 'p256', 'webAuthn'] as const
export type KeyType = (typeof KEY_TYPES)[number]

/** The calls that a key may make on one contract, by selector. An empty list of recipients allows anyone. */
export interface CallScope {
  readonly target: Hex
  readonly selectors: readonly { readonly selector: Hex; readonly recipients: readonly Hex[] }[]
}

/** The data of a key's authorization. Limits and scopes are always present: without them a key may do anything. */
export interface KeyGrant {
  readonly key: Hex
  readonly type: KeyType
  /** In seconds. */
  readonly expiry: number
  /** Period in seconds; 0 if the limit never resets. */
  readonly limits: readonly { readonly token: Hex; readonly amount: bigint; readonly period: number }[]
  readonly scopes: readonly CallScope[]
}

/** Encodes the call that authorizes a key. Only the account's own key may make it. */
export function authorizeCall({ key, type, expiry, limits, scopes }: KeyGrant): Hex {
  const config = {
    expiry: BigInt(expiry),
    enforceLimits: true,
    limits: limits.map(({ token, amount, period }) => ({ token, amount, period: BigInt(period) })),
    allowAnyCalls: false,
    allowedCalls: scopes.map(({ target, selectors }) => ({
      target,
      selectorRules: selectors.map(({ selector, recipients }) => ({ selector, recipients: [...recipients] })),
    })),
  }
  const args = [key, KEY_TYPES.indexOf(type), config] as const
  return encodeFunctionData({ abi: ABI, functionName: 'authorizeKey', args })
}

/** Encodes the call that revokes a key for good: it can never be authorized again. */
export function revokeCall(key: Hex): Hex {
  return encodeFunctionData({ abi: ABI, functionName: 'revokeKey', args: [key] })
}

/** A key as the chain records it. */
export interface KeyRecord {
  readonly state: 'authorized' | 'revoked' | 'unknown'
  readonly type: KeyType
  /** In seconds. */
  readonly expiry: number
  /** A key without limits may spend everything. */
  readonly limited: boolean
}

/** @throws PaymentError `wallet_unavailable` if no node answers. */
export async function readKey(
  nodes: readonly Node[],
  account: Hex,
  key: Hex,
  options: ReadOptions = {},
): Promise<KeyRecord> {
  const functionName = 'getKey'
  const call = encodeFunctionData({ abi: ABI, functionName, args: [account, key] })
  const decode = (data: Hex) => decodeFunctionResult({ abi: ABI, functionName, data })
  const record = await readKeychain(nodes, call, decode, options)
  const { signatureType, keyId, expiry, enforceLimits, isRevoked } = record
  const known = BigInt(keyId) !== 0n
  return {
    state: isRevoked ? 'revoked' : known ? 'authorized' : 'unknown',
    type: KEY_TYPES[signatureType] ?? 'secp256k1',
    expiry: Number(expiry),
    limited: enforceLimits,
  }
}

/** The rest of a key's limit for a token. */
export interface Remaining {
  readonly value: bigint
  /** In seconds; 0 if the limit never resets. */
  readonly periodEnd: number
}

/** @throws PaymentError `wallet_unavailable` if no node answers. */
export async function readRemaining(
  nodes: readonly Node[],
  parties: { readonly account: Hex; readonly key: Hex; readonly token: Hex },
  options: ReadOptions = {},
): Promise<Remaining> {
  const functionName = 'getRemainingLimitWithPeriod'
  const { account, key, token } = parties
  const call = encodeFunctionData({ abi: ABI, functionName, args: [account, key, token] })
  const decode = (data: Hex) => decodeFunctionResult({ abi: ABI, functionName, data })
  const [value, periodEnd] = await readKeychain(nodes, call, decode, options)
  return { value, periodEnd: Number(periodEnd) }
}

/**
 * Reads the calls that a key may make; undefined if any.
 *
 * @throws PaymentError `wallet_unavailable` if no node answers.
 */
export async function readScopes(
  nodes: readonly Node[],
  account: Hex,
  key: Hex,
  options: ReadOptions = {},
): Promise<readonly CallScope[] | undefined> {
  const functionName = 'getAllowedCalls'
  const call = encodeFunctionData({ abi: ABI, functionName, args: [account, key] })
  const decode = (data: Hex) => decodeFunctionResult({ abi: ABI, functionName, data })
  const [isScoped, scopes] = await readKeychain(nodes, call, decode, options)
  if (!isScoped) return undefined
  return scopes.map(({ target, selectorRules }) => ({
    target: lower(target),
    selectors: selectorRules.map(({ selector, recipients }) => ({
      selector,
      recipients: recipients.map(lower),
    })),
  }))
}

function readKeychain<T>(
  nodes: readonly Node[],
  data: Hex,
  decode: (answer: Hex) => T,
  options: ReadOptions,
): Promise<T> {
  const message = "The chain's node answered eth_call in an unknown form: it may not support access keys"
  return readContract(nodes, { to: KEYCHAIN, data }, decode, { ...options, message })
}

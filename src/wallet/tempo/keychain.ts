import { decodeFunctionResult, encodeFunctionData, parseAbi } from 'viem/utils'
import { PaymentError } from '../../errors/index.js'
import { ask, type Node } from '../chain/index.js'
import type { Hex } from './charge.js'

/** The precompile that stores the access keys of every account. */
export const KEYCHAIN = '0xaaaaaaaa00000000000000000000000000000000'

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

/** Options of a keychain read. */
interface ReadOptions {
  readonly signal?: AbortSignal
  /**
   * Reads the state after exactly this block.
   *
   * @default the latest block
   */
  readonly block?: Hex
}

/** @throws PaymentError `wallet_unavailable` if no node answers. */
export async function readKey(
  nodes: readonly Node[],
  account: Hex,
  key: Hex,
  options: ReadOptions = {},
): Promise<KeyRecord> {
  const functionName = 'getKey'
  const data = encodeFunctionData({ abi: ABI, functionName, args: [account, key] })
  const result = await call(nodes, data, options)
  const { signatureType, keyId, expiry, enforceLimits, isRevoked } = decoded(() =>
    decodeFunctionResult({ abi: ABI, functionName, data: result }),
  )
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
  const data = encodeFunctionData({ abi: ABI, functionName, args: [account, key, token] })
  const result = await call(nodes, data, options)
  const [value, periodEnd] = decoded(() => decodeFunctionResult({ abi: ABI, functionName, data: result }))
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
  const data = encodeFunctionData({ abi: ABI, functionName, args: [account, key] })
  const result = await call(nodes, data, options)
  const [isScoped, scopes] = decoded(() => decodeFunctionResult({ abi: ABI, functionName, data: result }))
  if (!isScoped) return undefined
  return scopes.map(({ target, selectorRules }) => ({
    target: lower(target),
    selectors: selectorRules.map(({ selector, recipients }) => ({
      selector,
      recipients: recipients.map(lower),
    })),
  }))
}

async function call(nodes: readonly Node[], data: Hex, { signal, block }: ReadOptions): Promise<Hex> {
  const at = block === undefined ? 'latest' : { blockHash: block }
  const result = await ask(nodes, 'eth_call', [{ to: KEYCHAIN, data }, at], signal)
  return typeof result === 'string' && /^0x[0-9a-fA-F]*$/.test(result) ? `0x${result.slice(2)}` : '0x'
}

/** The library's own errors quote data that they could not read, so they are replaced. */
function decoded<T>(decode: () => T): T {
  try {
    return decode()
  } catch {
    const message = "The chain's node answered eth_call in an unknown form: it may not support access keys"
    throw new PaymentError('wallet_unavailable', 'untouched', message)
  }
}

function lower(address: string): Hex {
  return `0x${address.slice(2).toLowerCase()}`
}

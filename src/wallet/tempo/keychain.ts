import { decodeFunctionResult, encodeFunctionData, parseAbi } from 'viem/utils'
import { PaymentError } from '../../errors/index.js'
import { ask, type Node } from '../chain/index.js'
import type { Hex } from './charge.js'

/** The precompile that keeps the access keys of every account. */
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

/** How a key signs, by the number the chain gives it. */
export const KEY_TYPES = ['secp256k1', 'p256', 'webAuthn'] as const
export type KeyType = (typeof KEY_TYPES)[number]

/** What may be called with a key: on one contract, by selector; recipients are empty where anyone may receive. */
export interface CallScope {
  readonly target: Hex
  readonly selectors: readonly { readonly selector: Hex; readonly recipients: readonly Hex[] }[]
}

/** Everything a key is authorized with. Limits and scopes are always written: without them a key may do anything. */
export interface KeyGrant {
  readonly key: Hex
  readonly type: KeyType
  /** Seconds. */
  readonly expiry: number
  /** Period in seconds; 0: once and for all. */
  readonly limits: readonly { readonly token: Hex; readonly amount: bigint; readonly period: number }[]
  readonly scopes: readonly CallScope[]
}

/** The call that authorizes a key: only the account's own key may make it. */
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

/** The call that ends a key for good: it can never be authorized again. */
export function revokeCall(key: Hex): Hex {
  return encodeFunctionData({ abi: ABI, functionName: 'revokeKey', args: [key] })
}

/** A key as the chain has it. */
export interface KeyRecord {
  readonly state: 'authorized' | 'revoked' | 'unknown'
  readonly type: KeyType
  /** Seconds. */
  readonly expiry: number
  /** A key without limits may spend everything. */
  readonly limited: boolean
}

/** How the keychain is asked. */
interface ReadOptions {
  readonly signal?: AbortSignal
  /** In the state after exactly that block. Default: the latest. */
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

/** What is left of a key's limit for a token. */
export interface Remaining {
  readonly value: bigint
  /** Seconds; 0: it never comes back. */
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
 * What a key may call; undefined: anything.
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

/** The library's own errors quote what they could not read. */
function decoded<T>(decode: () => T): T {
  try {
    return decode()
  } catch {
    const message = "The chain's node answered eth_call in no known form: it may know no access keys"
    throw new PaymentError('wallet_unavailable', 'untouched', message)
  }
}

function lower(address: string): Hex {
  return `0x${address.slice(2).toLowerCase()}`
}

import { decodeAbiParameters, encodeFunctionData, parseAbi } from 'viem/utils'
import { type Hex, word } from './hex.js'
import { answered, hex } from './reads.js'
import { ask, type Node, unfit } from './rpc.js'

export interface Call {
  readonly to: Hex
  readonly data: Hex
}

/** The state that a contract is read in: the latest, or the state after exactly that block. */
export type StateAt = 'latest' | { readonly blockHash: Hex }

export interface ReadOptions {
  /** @default 'latest' */
  readonly at?: StateAt | undefined
  readonly signal?: AbortSignal | undefined
  /** The error for an answer that cannot be decoded. */
  readonly message?: string
}

/**
 * Reads from a contract, by the first node that answers.
 *
 * @param decode - Decodes the answer. Its errors are replaced, because errors of the library quote the data.
 * @throws PaymentError `wallet_unavailable` if no node answers, or if the answer cannot be decoded.
 */
export async function readContract<T>(
  nodes: readonly Node[],
  call: Call,
  decode: (answer: Hex) => T,
  { at = 'latest', signal, message }: ReadOptions = {},
): Promise<T> {
  const method = 'eth_call'
  const answer = hex(await ask(nodes, method, [call, at], signal), method)
  try {
    return decode(answer)
  } catch {
    throw message === undefined ? answered(method) : unfit(message)
  }
}

/** Decodes the answer of a function that returns one number. */
export function decodeUint(answer: Hex): bigint {
  return decodeAbiParameters(UINT, answer)[0]
}

const UINT = [{ type: 'uint256' }] as const

const ERC20 = parseAbi([
  'function allowance(address owner, address spender) view returns (uint256)',
  'function approve(address spender, uint256 amount) returns (bool)',
  'function balanceOf(address account) view returns (uint256)',
])

export function allowanceCall(token: Hex, owner: Hex, spender: Hex): Call {
  const args = [owner, spender] as const
  return { to: token, data: encodeFunctionData({ abi: ERC20, functionName: 'allowance', args }) }
}

export function approveCall(token: Hex, spender: Hex, amount: bigint): Call {
  const args = [spender, amount] as const
  return { to: token, data: encodeFunctionData({ abi: ERC20, functionName: 'approve', args }) }
}

export function balanceCall(token: Hex, account: Hex): Call {
  return { to: token, data: encodeFunctionData({ abi: ERC20, functionName: 'balanceOf', args: [account] }) }
}

/** The selector of `transfer(address,uint256)`. */
export const TRANSFER: Hex = '0xa9059cbb'

/** Encodes a transfer by hand: it is part of payments, and the library takes 20 times as long. */
export function encodeTransfer(to: Hex, amount: bigint): Hex {
  return `${TRANSFER}${word(to).slice(2)}${word(amount).slice(2)}`
}

/** The topic of `Transfer(address,address,uint256)`. */
export const TRANSFER_EVENT: Hex = '0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef'

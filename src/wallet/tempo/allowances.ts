import { amount, type Currency } from '../../money/index.js'
import { addressOf, allowanceCall, decodeUint, lower, type Node, readContract, word } from '../chain/index.js'
import type { Allowances, OpenAllowance } from '../index.js'
import type { Hex } from './charge.js'
import { searchLogs } from './search.js'

/** `Approval(address,address,uint256)`: owner and spender are indexed. */
const APPROVAL = '0x8c5be1e5ebec7d5bd14f71427d1e84f3dd0314c0f7b2291e5b200ac8c7c3b925'
/** The contract that passes allowances on. It has this address on every chain. */
const PERMIT2: Hex = '0x000000000022d473030f116ddee9f6b43ac78ba3'

/**
 * Reads who may take tokens from an account. The chain does not count tokens taken by an allowance of the account
 * itself, so an allowance bypasses every limit of a key.
 *
 * @param since - The first block of the search for approvals.
 * @throws PaymentError `wallet_unavailable` if no node returns the allowances.
 */
export async function readAllowances(
  nodes: readonly Node[],
  owner: Hex,
  currencies: readonly Currency[],
  since: bigint,
): Promise<Allowances> {
  const found = await Promise.all(
    currencies.map(async (currency) => {
      const spenders = await spendersOf(nodes, owner, addressOf(currency), since)
      // An account that approves itself is open to anyone who can sign for it.
      const looked = [...new Set([owner, PERMIT2, ...(spenders ?? [])])]
      const open = await Promise.all(looked.map((spender) => readAllowance(nodes, owner, spender, currency)))
      return { open: open.filter((each) => each !== undefined), all: spenders !== undefined }
    }),
  )
  return {
    open: found.flatMap(({ open }) => open),
    searched: found.every(({ all }) => all) ? 'all' : 'known',
  }
}

/** Finds everyone who was ever given an allowance; undefined if no node has logs back to that block. */
async function spendersOf(
  nodes: readonly Node[],
  owner: Hex,
  token: Hex,
  since: bigint,
): Promise<readonly Hex[] | undefined> {
  try {
    const logs = await searchLogs(nodes, { address: token, topics: [APPROVAL, word(owner)], since })
    return logs.flatMap(({ topics: [, , spender] }) =>
      spender === undefined ? [] : [lower(`0x${spender.slice(-40)}`)],
    )
  } catch {
    return undefined
  }
}

async function readAllowance(
  nodes: readonly Node[],
  owner: Hex,
  spender: Hex,
  currency: Currency,
): Promise<OpenAllowance | undefined> {
  const call = allowanceCall(addressOf(currency), owner, spender)
  const message = `${currency.symbol} reports no allowances`
  const value = await readContract(nodes, call, decodeUint, { message })
  return value === 0n ? undefined : { currency, spender, amount: amount(value, currency) }
}

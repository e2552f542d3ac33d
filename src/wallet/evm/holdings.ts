import {
  type Balances,
  balanceCache,
  type CachedReads,
  cachedReads,
  type Hex,
  type Node,
  PATIENCE_MS,
} from '../chain/index.js'
import type { Config } from './options.js'
import { readAllowance, readCoin, readPrice } from './reads.js'

/** The highest price of a unit of gas, and the tip within it, in wei. */
export interface GasPrice {
  readonly most: bigint
  readonly tip: bigint
}

/** The account's balances and the needs of its payments, cached. */
export interface Holdings {
  readonly tokens: Balances
  /** The balance of the chain's native coin. */
  readonly coin: CachedReads<bigint>
  /** The amount that Permit2 may take. */
  readonly allowance: CachedReads<bigint>
  readonly price: CachedReads<GasPrice>
}

/** The cache key for values that belong to a chain but to no token. */
export const NO_TOKEN: Hex = '0x'

export function holdingsOf({ sender, checkedNodes: nodes, maxFeePerGas }: Config): Holdings {
  const look =
    <T>(read: (node: Node, token: Hex, signal: AbortSignal) => Promise<T>) =>
    (chainId: number, token: Hex): Promise<T | undefined> =>
      first(nodes(chainId) ?? [], (node) => read(node, token, AbortSignal.timeout(PATIENCE_MS)))
  return {
    tokens: balanceCache(sender, nodes),
    coin: cachedReads(look((node, _, signal) => readCoin(node, sender, signal))),
    allowance: cachedReads(look((node, token, signal) => readAllowance(node, token, sender, signal))),
    price: cachedReads(
      look(async (node, _, signal): Promise<GasPrice> => {
        const { most, tip } = await readPrice(node, signal)
        const bound = maxFeePerGas ?? most
        return { most: bound, tip: tip < bound ? tip : bound }
      }),
    ),
  }
}

/** Returns the answer of the first node that has one. Undefined if none does. */
async function first<T>(nodes: readonly Node[], read: (node: Node) => Promise<T>): Promise<T | undefined> {
  for (const node of nodes) {
    try {
      return await read(node)
    } catch {
      // The next node may answer.
    }
  }
  return undefined
}

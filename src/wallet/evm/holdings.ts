import {
  type Balances,
  balanceCache,
  type CachedReads,
  type Hex,
  type Node,
  PATIENCE_MS,
  readings,
} from '../chain/index.js'
import type { Config } from './options.js'
import { readAllowance, readCoin, readPrice } from './reads.js'

/** What a unit of gas may cost, and the tip within it, in wei. */
export interface GasPrice {
  readonly most: bigint
  readonly tip: bigint
}

/** What the account has and what its payments need, as far as is known without waiting. */
export interface Holdings {
  readonly tokens: Balances
  /** Of the chain's own coin. */
  readonly coin: CachedReads<bigint>
  /** What Permit2 may take. */
  readonly allowance: CachedReads<bigint>
  readonly price: CachedReads<GasPrice>
}

/** Coin and price belong to a chain and to no token. */
export const NO_TOKEN: Hex = '0x'

export function holdingsOf({ sender, checkedNodes: nodes, maxFeePerGas }: Config): Holdings {
  const look =
    <T>(read: (node: Node, token: Hex, signal: AbortSignal) => Promise<T>) =>
    (chainId: number, token: Hex): Promise<T | undefined> =>
      first(nodes(chainId) ?? [], (node) => read(node, token, AbortSignal.timeout(PATIENCE_MS)))
  return {
    tokens: balanceCache(sender, nodes),
    coin: readings(look((node, _, signal) => readCoin(node, sender, signal))),
    allowance: readings(look((node, token, signal) => readAllowance(node, token, sender, signal))),
    price: readings(
      look(async (node, _, signal): Promise<GasPrice> => {
        const { most, tip } = await readPrice(node, signal)
        const bound = maxFeePerGas ?? most
        return { most: bound, tip: tip < bound ? tip : bound }
      }),
    ),
  }
}

/** The first node that answers. Undefined: none does. */
async function first<T>(nodes: readonly Node[], read: (node: Node) => Promise<T>): Promise<T | undefined> {
  for (const node of nodes) {
    try {
      return await read(node)
    } catch {
      // The next one may know.
    }
  }
  return undefined
}

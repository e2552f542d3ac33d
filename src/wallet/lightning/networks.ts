import type { Currency } from '../../money/index.js'

/** The network of an invoice. */
export type LightningNetwork = 'mainnet' | 'testnet' | 'signet' | 'regtest'

interface Facts {
  /** CAIP-2: the first half of the genesis block's hash. */
  readonly chain: string
  /** The part after `ln` in an invoice (BOLT 11, human-readable part). */
  readonly prefix: string
  readonly symbol: string
}

export const NETWORKS: Readonly<Record<LightningNetwork, Facts>> = {
  mainnet: { chain: 'bip122:000000000019d6689c085ae165831e93', prefix: 'bc', symbol: 'BTC' },
  testnet: { chain: 'bip122:000000000933ea01ad0ee984209779ba', prefix: 'tb', symbol: 'tBTC' },
  signet: { chain: 'bip122:00000008819873e925422c1ff0f99f7c', prefix: 'tbs', symbol: 'sBTC' },
  regtest: { chain: 'bip122:0f9188f13cb7b2c71f2a335e3a4fc328', prefix: 'bcrt', symbol: 'rBTC' },
}

export function isNetwork(name: unknown): name is LightningNetwork {
  return typeof name === 'string' && Object.hasOwn(NETWORKS, name)
}

/** Undefined if the prefix belongs to no known network. */
export function networkOfPrefix(prefix: string | undefined): LightningNetwork | undefined {
  return Object.keys(NETWORKS)
    .filter(isNetwork)
    .find((name) => NETWORKS[name].prefix === prefix)
}

/** Decimals down to the millisatoshi, in which nodes charge fees. */
export const DECIMALS = 11

/**
 * Describes bitcoin, counted in millisatoshis: eleven decimals. It has no peg, so a budget in dollars counts it only
 * with a rate: `rates: { [bitcoin().id]: '120000' }`.
 *
 * @example
 * ```ts
 * bitcoin().id // 'bip122:000000000019d6689c085ae165831e93/slip44:0'
 * bitcoin('regtest').symbol // 'rBTC'
 * ```
 */
export function bitcoin(network: LightningNetwork = 'mainnet'): Currency {
  const { chain, symbol } = NETWORKS[network]
  return Object.freeze({ id: `${chain}/slip44:0`, symbol, decimals: DECIMALS })
}

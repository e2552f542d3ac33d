import type { Currency } from '../../money/index.js'

/** Where an invoice is to be paid. */
export type LightningNetwork = 'mainnet' | 'testnet' | 'signet' | 'regtest'

interface Facts {
  /** CAIP-2: the first half of the genesis block's hash. */
  readonly chain: string
  /** What follows `ln` in an invoice (BOLT 11, human-readable part). */
  readonly prefix: string
  readonly symbol: string
}

const NETWORKS: Readonly<Record<LightningNetwork, Facts>> = {
  mainnet: { chain: 'bip122:000000000019d6689c085ae165831e93', prefix: 'bc', symbol: 'BTC' },
  testnet: { chain: 'bip122:000000000933ea01ad0ee984209779ba', prefix: 'tb', symbol: 'tBTC' },
  signet: { chain: 'bip122:00000008819873e925422c1ff0f99f7c', prefix: 'tbs', symbol: 'sBTC' },
  regtest: { chain: 'bip122:0f9188f13cb7b2c71f2a335e3a4fc328', prefix: 'bcrt', symbol: 'rBTC' },
}

/** The CAIP-2 name of a network, as terms and policies name it. */
export function chainOf(network: LightningNetwork): string {
  return NETWORKS[network].chain
}

/** Undefined: none that is known here. */
export function networkOfPrefix(prefix: string): LightningNetwork | undefined {
  return ALL.find((name) => NETWORKS[name].prefix === prefix)
}

export function isNetwork(name: unknown): name is LightningNetwork {
  return ALL.some((each) => each === name)
}

const ALL: readonly LightningNetwork[] = ['mainnet', 'testnet', 'signet', 'regtest']

/** Down to the millisatoshi, which is what nodes charge fees in. */
export const DECIMALS = 11

/**
 * Bitcoin, counted in millisatoshis: eleven decimals. It is pegged to nothing, so a budget in dollars counts it only by a
 * rate of your own: `rates: { [bitcoin().id]: '120000' }`.
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

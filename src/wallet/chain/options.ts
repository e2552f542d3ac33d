import { getAddress } from 'viem/utils'
import { checkFunctions } from '../../errors/index.js'
import { type Currency, type CurrencyTable, currencyTable, type Instant } from '../../money/index.js'
import { type Hex, lower } from './hex.js'
import { checkChainId, type NodeBook, type NodeUrls, nodesOf } from './nodes.js'

/** The options that all wallets on chains have. */
export interface ChainOptions {
  /**
   * Nodes by chain id, in addition to the built-in ones. If several are listed for a chain, all that answer must agree
   * before a payment counts as void.
   */
  readonly rpc?: Readonly<Record<number, string | readonly string[]>>
  /**
   * The only chains that this wallet pays on.
   *
   * @default every chain with a node
   */
  readonly chains?: readonly number[]
  /** Currencies in addition to the built-in ones. */
  readonly currencies?: readonly Currency[]
  /**
   * The `fetch` for requests to nodes.
   *
   * @default the global fetch at the wallet's creation
   */
  readonly fetch?: typeof globalThis.fetch
  readonly now?: () => Instant
}

/** The checked form of {@link ChainOptions}, and the payer. */
export interface ChainConfig extends NodeBook {
  readonly id: string
  /** The payer, in lower case, and in EIP-55 spelling. */
  readonly sender: Hex
  readonly checksummed: Hex
  readonly chains: ReadonlySet<number> | undefined
  readonly own: CurrencyTable
  readonly now: () => Instant
}

/** What a kind of wallet knows without options. */
interface BuiltIn {
  readonly nodes: NodeUrls
  readonly currencies?: readonly Currency[]
}

/**
 * Checks the options that all wallets on chains have.
 *
 * @param name - The first part of the wallet's id. The id does not name the signing key, so a new key can inspect the
 *   payments of the previous one.
 * @throws TypeError if an option could make a later payment fail.
 */
export function configureChain(
  name: 'tempo' | 'evm',
  payer: Hex,
  { rpc, chains, currencies = [], fetch, now = Date.now }: ChainOptions,
  builtIn: BuiltIn,
): ChainConfig {
  checkFunctions({ fetch, now }, ['fetch', 'now'])
  if (!Array.isArray(currencies)) throw new TypeError('currencies must be a list: [token(…)]')
  const sender = lower(payer)
  return {
    id: `${name}:${sender}`,
    sender,
    checksummed: getAddress(sender),
    chains: chains && new Set(chains.map(checkChainId)),
    own: currencyTable([...(builtIn.currencies ?? []), ...currencies]),
    now,
    ...nodesOf(builtIn.nodes, rpc, fetch),
  }
}

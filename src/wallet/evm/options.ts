import { type Names, ownOptions } from '../../errors/index.js'
import { checkDuration } from '../../money/index.js'
import { type ChainConfig, type ChainOptions, configureChain } from '../chain/index.js'
import { checkAccount, type EvmAccount, type EvmSigner } from './account.js'
import { BUILT_IN, BUILT_IN_DOMAINS, KNOWN_NODES, type TokenDomain } from './tokens.js'

/**
 * A way to pay: a signature that the server cashes (`authorization` of EIP-3009, `permit2`), a signed transfer that the
 * server broadcasts (`transaction`), or one that the wallet broadcasts (`hash`).
 */
export type EvmWay = 'authorization' | 'permit2' | 'transaction' | 'hash'

/** Gas options of transfers whose gas the payer pays: the ways `transaction` and `hash`. */
export interface EvmGasOptions {
  /**
   * The gas limit to sign.
   *
   * @default 120_000n
   */
  readonly limit?: bigint
  /**
   * The highest price of a unit of gas, in wei.
   *
   * @default twice the base fee, plus the tip that the node suggests
   */
  readonly maxFeePerGas?: bigint
}

/** Options of {@link evm}. It has built-in currencies, with a public node for each of their chains. */
export interface EvmOptions extends ChainOptions {
  /**
   * The payer: an account that signs hashes, or one that signs typed data. The latter pays by `authorization` and
   * `permit2` only.
   */
  readonly account: EvmAccount
  /**
   * The signing domains of tokens, by the id of their currency: `{ 'eip155:1/erc20:0x…': { name: 'USD Coin', version:
   * '2' } }`. The server's description is never used.
   *
   * @default the wallet's table, else the chain
   */
  readonly domains?: Readonly<Record<string, TokenDomain>>
  /**
   * The only ways that this wallet pays.
   *
   * @default all
   */
  readonly ways?: readonly EvmWay[]
  readonly gas?: EvmGasOptions
  /**
   * The longest life of a signed payment, in milliseconds, 8,000 to 3,600,000.
   *
   * @default as long as the offer needs and the policy allows
   */
  readonly validityMs?: number
}

export interface Config extends ChainConfig {
  readonly signer: EvmSigner
  readonly domains: ReadonlyMap<string, TokenDomain>
  readonly ways: ReadonlySet<EvmWay>
  readonly gasLimit: bigint
  readonly maxFeePerGas: bigint | undefined
  readonly validityMs: number
}

const WAYS: readonly EvmWay[] = ['authorization', 'permit2', 'transaction', 'hash']
const TYPED_WAYS: readonly EvmWay[] = ['authorization', 'permit2']
/** A transfer of a dollar behind a proxy takes 40,000 to 65,000 gas, and more if the payee never held the token. */
const GAS_LIMIT = 120_000n

/** The least life of a payment in milliseconds: servers want six seconds to settle, and sending it takes time too. */
export const LEAST_VALIDITY_MS = 8_000
const MOST_VALIDITY_MS = 3_600_000
const VALIDITY = { least: LEAST_VALIDITY_MS, most: MOST_VALIDITY_MS }

const GAS: Names<EvmGasOptions> = { limit: true, maxFeePerGas: true }

export const EVM_OPTIONS: Names<EvmOptions> = {
  account: true,
  rpc: true,
  chains: true,
  currencies: true,
  domains: true,
  ways: true,
  gas: true,
  validityMs: true,
  fetch: true,
  now: true,
}

/** @throws TypeError if an option could make a later payment fail. */
export function configure(options: EvmOptions): Config {
  const { address, signer } = checkAccount(options?.account)
  const gas = ownOptions(options.gas ?? {}, GAS, 'gas of evm()')
  return {
    ...configureChain('evm', address, options, { nodes: KNOWN_NODES, currencies: BUILT_IN }),
    signer,
    domains: checkDomains(options.domains),
    ways: checkWays(options.ways, signer),
    gasLimit: checkGas('limit', gas.limit ?? GAS_LIMIT),
    maxFeePerGas: gas.maxFeePerGas && checkGas('maxFeePerGas', gas.maxFeePerGas),
    validityMs: checkDuration('validityMs', options.validityMs ?? MOST_VALIDITY_MS, VALIDITY),
  }
}

function checkDomains(own: EvmOptions['domains'] = {}): ReadonlyMap<string, TokenDomain> {
  const domains = new Map(BUILT_IN_DOMAINS)
  for (const [id, domain] of Object.entries(own)) {
    const { name, version }: Partial<TokenDomain> = Object(domain)
    if (!/^eip155:[1-9][0-9]*\/erc20:0x[0-9a-f]{40}$/i.test(id))
      throw new TypeError('domains are listed by currency, for example "eip155:1/erc20:0x…"')
    if (typeof name !== 'string' || name === '' || typeof version !== 'string')
      throw new TypeError(`domains["${id}"] needs a name and a version`)
    domains.set(id.toLowerCase(), Object.freeze({ name, version }))
  }
  return domains
}

function checkWays(given: readonly EvmWay[] | undefined, { typedOnly }: EvmSigner): ReadonlySet<EvmWay> {
  const ways = given ?? (typedOnly ? TYPED_WAYS : WAYS)
  if (!Array.isArray(ways) || ways.length === 0 || !ways.every((way) => WAYS.includes(way)))
    throw new TypeError(`ways must be some of ${WAYS.join(', ')}`)
  const other = typedOnly ? ways.find((way) => !TYPED_WAYS.includes(way)) : undefined
  if (other !== undefined)
    throw new TypeError(
      `ways has ${other}, and the account signs typed data only: it pays by ${TYPED_WAYS.join(' and ')}`,
    )
  return new Set(ways)
}

function checkGas(name: string, value: bigint): bigint {
  if (typeof value !== 'bigint' || value <= 0n) throw new TypeError(`gas.${name} must be a bigint above zero`)
  return value
}

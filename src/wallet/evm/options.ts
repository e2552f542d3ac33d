import { getAddress } from 'viem/utils'
import { checkFunctions, type Names, ownOptions } from '../../errors/index.js'
import {
  type Currency,
  type CurrencyTable,
  checkDuration,
  currencyTable,
  type Instant,
} from '../../money/index.js'
import { checkChainId, type Hex, listening, lower, type NodeBook, nodesOf } from '../chain/index.js'
import type { ServerTime } from '../index.js'
import { checkAccount, type EvmAccount, type EvmSigner } from './account.js'
import { BUILT_IN, BUILT_IN_DOMAINS, KNOWN_NODES, type TokenDomain } from './tokens.js'

/**
 * How a payment is made: a signature that the server cashes (`authorization` of EIP-3009, `permit2`), a signed
 * transfer that the server broadcasts (`transaction`), or one that we broadcast (`hash`).
 */
export type EvmWay = 'authorization' | 'permit2' | 'transaction' | 'hash'

/** Gas of a transfer that the payer pays for: the ways `transaction` and `hash`. */
export interface EvmGasOptions {
  /** The limit to sign (default 120,000). */
  readonly limit?: bigint
  /** The most a unit of gas may cost, in wei. Default: twice the base fee, and the tip that the node suggests. */
  readonly maxFeePerGas?: bigint
}

/** What {@link evm} takes. */
export interface EvmOptions {
  /**
   * The payer: an account that signs hashes, or one that signs typed data. The latter pays by `authorization` and `permit2`.
   */
  readonly account: EvmAccount
  /**
   * Nodes by chain id; public ones are built in for the chains of the token table. Where several are listed, all that
   * answer must agree before a payment counts as void.
   */
  readonly rpc?: Readonly<Record<number, string | readonly string[]>>
  /** The only chains this wallet pays on. Default: every chain it has a node for. */
  readonly chains?: readonly number[]
  /** Currencies beside those that the purser and this wallet know. */
  readonly currencies?: readonly Currency[]
  /**
   * What a token signs by, under its currency's id: `{ 'eip155:1/erc20:0x…': { name: 'USD Coin', version: '2' } }`.
   * Default: the wallet's table, else the chain. Never the server's word.
   */
  readonly domains?: Readonly<Record<string, TokenDomain>>
  /** The only ways this wallet pays. Default: all. */
  readonly ways?: readonly EvmWay[]
  readonly gas?: EvmGasOptions
  /** How long a signed payment may live, in milliseconds, 8,000 to 3,600,000. Default: as long as the offer needs and policy lets it. */
  readonly validityMs?: number
  /** What talks to the nodes. Default: the global fetch as it was when the wallet was made. */
  readonly fetch?: typeof globalThis.fetch
  readonly now?: () => Instant
}

/** Options, checked and filled in. */
export interface Config extends NodeBook {
  readonly id: string
  /** The payer, in lower case, and as EIP-55 spells it. */
  readonly sender: Hex
  readonly checksummed: Hex
  readonly signer: EvmSigner
  readonly chains: ReadonlySet<number> | undefined
  readonly own: CurrencyTable
  readonly domains: ReadonlyMap<string, TokenDomain>
  readonly ways: ReadonlySet<EvmWay>
  readonly gasLimit: bigint
  readonly maxFeePerGas: bigint | undefined
  readonly validityMs: number
  readonly now: () => Instant
  /** What its nodes have said of the time. */
  readonly times: () => readonly ServerTime[]
}

const WAYS: readonly EvmWay[] = ['authorization', 'permit2', 'transaction', 'hash']
/** What is signed as typed data. */
const TYPED_WAYS: readonly EvmWay[] = ['authorization', 'permit2']
/** A transfer of a proxied, checked dollar takes 40,000 to 65,000, and more where the payee never held it. */
const GAS_LIMIT = 120_000n

/** Servers want six seconds to settle in, and the way there takes some too. */
export const LEAST_VALIDITY_MS = 8_000
const MOST_VALIDITY_MS = 3_600_000
const VALIDITY = { least: LEAST_VALIDITY_MS, most: MOST_VALIDITY_MS }

const GAS: Names<EvmGasOptions> = { limit: true, maxFeePerGas: true }

/** The names of all options of {@link evm}. */
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

/** @throws TypeError for anything a payment could later stumble over. */
export function configure(options: EvmOptions): Config {
  const { address, signer } = checkAccount(options?.account)
  checkFunctions(options, ['fetch', 'now'])
  const gas = ownOptions(options.gas ?? {}, GAS, 'gas of evm()')
  const sender = lower(address)
  const heard = listening(options.fetch ?? globalThis.fetch)
  return {
    id: `evm:${sender}`,
    sender,
    checksummed: getAddress(address),
    signer,
    chains: options.chains && new Set(options.chains.map(checkChainId)),
    own: currencyTable([...BUILT_IN, ...(options.currencies ?? [])]),
    domains: checkDomains(options.domains),
    ways: checkWays(options.ways, signer),
    gasLimit: checkGas('limit', gas.limit ?? GAS_LIMIT),
    maxFeePerGas: gas.maxFeePerGas && checkGas('maxFeePerGas', gas.maxFeePerGas),
    validityMs: checkDuration('validityMs', options.validityMs ?? MOST_VALIDITY_MS, VALIDITY),
    now: options.now ?? Date.now,
    times: heard.times,
    ...nodesOf(KNOWN_NODES, options.rpc, heard.fetch),
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

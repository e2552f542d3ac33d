import { getAddress } from 'viem/utils'
import { type Currency, type CurrencyTable, currencyTable, type Instant } from '../../money/index.js'
import { checkChainId as chainId, lower, type Node, nodesOf } from '../chain/index.js'
import type { ChargeMode, Hex } from './charge.js'
import { BASE_FEE, type GasOptions, type GasTable, gasTable } from './gas.js'
import type { Random } from './memo.js'

/**
 * An account that signs hashes: viem's `privateKeyToAccount`, or an account of `viem/tempo`, access keys included. A
 * key in a vault works too, through viem's `toAccount` with `sign`.
 */
export interface TempoAccount {
  readonly address: Hex
  readonly type: 'local'
  readonly sign?: ((parameters: { hash: Hex }) => Promise<Hex>) | undefined
  /** Set on an access key that acts for `address`. */
  readonly accessKeyAddress?: Hex | undefined
}

/** What {@link tempo} takes. */
export interface TempoOptions {
  readonly account: TempoAccount
  /**
   * Nodes by chain id; Tempo's own are built in for 4217 and 42431. Where several are listed, all that answer must
   * agree before a payment counts as void.
   */
  readonly rpc?: Readonly<Record<number, string | readonly string[]>>
  /** The only chains this wallet pays on. Default: every chain it has a node for. */
  readonly chains?: readonly number[]
  /** Currencies beside those that the purser knows. */
  readonly currencies?: readonly Currency[]
  /** The only way to submit. Default: pull where it is offered, else push. */
  readonly mode?: ChargeMode
  /** Payments that can run side by side at the lower price of a reused nonce (default 4); 0: expiring nonces only. */
  readonly lanes?: number
  /** The token that pays fees, by chain id. Default: the token of the payment, or pathUSD if that is not a dollar. */
  readonly feeToken?: Readonly<Record<number, string>>
  /** Names this client in the memo on the chain. Default: random bytes, so that nobody can link payments by it. */
  readonly clientId?: string
  /** The most a unit of gas may cost, in attodollars. Default: the protocol's fixed base fee, 2 × 10^10. */
  readonly maxFeePerGas?: bigint
  /** The tip within it. Default: 0. */
  readonly maxPriorityFeePerGas?: bigint
  readonly gas?: GasOptions
  /** How long a signed payment lives, in milliseconds, 5,000 to 25,000 (default 15,000). */
  readonly validityMs?: number
  /** What talks to the nodes. Default: the global fetch as it was when the wallet was made. */
  readonly fetch?: typeof globalThis.fetch
  readonly random?: Random
  readonly now?: () => Instant
}

/** Options, checked and filled in. */
export interface Config {
  readonly id: string
  /** The payer, in lower case, and as EIP-55 spells it. */
  readonly sender: Hex
  readonly checksummed: Hex
  readonly sign: (hash: Hex) => Promise<Hex>
  readonly chains: ReadonlySet<number> | undefined
  readonly own: CurrencyTable
  readonly mode: ChargeMode | undefined
  readonly lanes: number
  readonly feeTokens: ReadonlyMap<number, Hex>
  readonly clientId: string | undefined
  readonly maxFeePerGas: bigint
  readonly maxPriorityFeePerGas: bigint
  readonly gas: GasTable
  readonly validityMs: number
  readonly random: Random
  readonly now: () => Instant
  nodes(chainId: number): readonly Node[] | undefined
}

const KNOWN: Readonly<Record<number, string>> = {
  4217: 'https://rpc.tempo.xyz',
  42431: 'https://rpc.moderato.tempo.xyz',
}

const ADDRESS = /^0x[0-9a-fA-F]{40}$/
const MOST_LANES = 64

/** @throws TypeError for anything a payment could later stumble over. */
export function configure(options: TempoOptions): Config {
  const { account, sign } = checkAccount(options)
  const key = account.accessKeyAddress
  const sender = lower(account.address)
  return {
    id: key === undefined ? `tempo:${sender}` : `tempo:${sender}:${lower(key)}`,
    sender,
    checksummed: getAddress(account.address),
    sign,
    chains: options.chains && new Set(options.chains.map((id) => chainId(id))),
    own: currencyTable(options.currencies),
    mode: checkMode(options.mode),
    lanes: integer('lanes', options.lanes ?? 4, 0, MOST_LANES),
    feeTokens: checkFeeTokens(options.feeToken),
    clientId: options.clientId,
    maxFeePerGas: price('maxFeePerGas', options.maxFeePerGas ?? BASE_FEE),
    maxPriorityFeePerGas: price('maxPriorityFeePerGas', options.maxPriorityFeePerGas ?? 0n),
    gas: gasTable(options.gas),
    validityMs: integer('validityMs', options.validityMs ?? 15_000, 5_000, 25_000),
    random: options.random ?? pooledRandom(),
    now: options.now ?? Date.now,
    nodes: nodesOf(KNOWN, options.rpc, options.fetch ?? globalThis.fetch),
  }
}

function checkAccount(options: TempoOptions): { account: TempoAccount; sign: (hash: Hex) => Promise<Hex> } {
  const account: TempoAccount | undefined = options?.account
  if (typeof account !== 'object' || account === null || !ADDRESS.test(String(account.address)))
    throw new TypeError('tempo() needs an account, for example privateKeyToAccount(key) from viem/accounts')
  const { sign } = account
  if (account.type !== 'local' || typeof sign !== 'function')
    throw new TypeError(
      'tempo() needs an account that can sign hashes: a local account of viem or viem/tempo',
    )
  return { account, sign: (hash) => sign.call(account, { hash }) }
}

function checkMode(mode: ChargeMode | undefined): ChargeMode | undefined {
  if (mode !== undefined && mode !== 'pull' && mode !== 'push')
    throw new TypeError("mode must be 'pull' or 'push'")
  return mode
}

function checkFeeTokens(tokens: TempoOptions['feeToken'] = {}): ReadonlyMap<number, Hex> {
  return new Map(
    Object.entries(tokens).map(([id, address]) => {
      if (!ADDRESS.test(address)) throw new TypeError(`feeToken[${id}] must be a token address`)
      return [chainId(Number(id)), lower(address)]
    }),
  )
}

/** A memo needs ten bytes, and asking for ten costs as much as asking for a thousand. No byte is given out twice. */
function pooledRandom(): Random {
  const pool = new Uint8Array(1_024)
  let used = pool.length
  return (length) => {
    if (used + length > pool.length) {
      crypto.getRandomValues(pool)
      used = 0
    }
    used += length
    return pool.slice(used - length, used)
  }
}

function integer(name: string, value: number, least: number, most: number): number {
  if (!Number.isInteger(value) || value < least || value > most)
    throw new TypeError(`${name} must be an integer from ${least} to ${most}`)
  return value
}

function price(name: string, value: bigint): bigint {
  if (typeof value !== 'bigint' || value < 0n) throw new TypeError(`${name} must be a bigint of attodollars`)
  return value
}
